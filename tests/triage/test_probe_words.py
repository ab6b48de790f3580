"""How each probe's answer reads to a person."""

import re
from typing import Any, get_args

import pytest

from bot.model.diagnosis import ProbeOutcome, ProbeResult
from bot.model.language import speaking
from bot.triage.playbook import VerbName
from bot.triage.probe_words import outcome, size


def words(verb: str, outcome_: str = "ok", ms: float | None = None, **facts: Any) -> str:
    return outcome(ProbeResult(id="p", verb=verb, vantage="v", outcome=outcome_, ms=ms, facts=facts))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (words("dns", "timeout", 4003.2), "no answer in time (4003 ms)"),
        (words("http", "http-status", 12, status=503), "the server answers 503 (12 ms)"),
        (words("tls", "tls-untrusted", issuer="CN=Proxy"), "a certificate that is not trusted, issued by CN=Proxy"),
        (words("goproxy", "http-status", 9, error="https://a: a answered 403"), "https://a: a answered 403 (9 ms)"),
        (words("goproxy", ended_at="direct"), "direct has it"),
        (words("registry", repository="a/b", ratelimit_remaining="7;w=21600"), "the image is there, 7;w=21600 pulls are left"),
        (words("npm", registry="https://n.example", tarball="timeout", tarball_host="cdn.example"),
         "https://n.example answers, and the file at cdn.example does not come: timeout"),
        (words("disk", full=["/var"]), "no room left at /var"), (words("disk", path="/", used_percent=70), "the fullest is /, at 70%"),
        (words("clock", off=True, skew=3600.2), "the clock is 3600 s behind"), (words("clock", off=True, skew=-90), "the clock is 90 s ahead"),
        (words("clock", off=False, skew=1), "the clock is right"),
        (words("load", tight=[], load1=1.5, cpus=4, oom_kills=2),
         "nothing is short (load 1.5 on 4 CPUs); the kernel has killed 2 time(s) for memory"),
        (words("context", sent_bytes=2_100_000_000, sent_files=9, could_save_bytes=1_900_000), "2.1 GB in 9 files would be sent; 1.9 MB of it could stay behind"),
        (words("throughput", bytes=3_000_000, bytes_per_second=250_000), "3.0 MB at 250 KB a second"),
        (words("git", banner="SSH-2.0-x"), "it answers as SSH-2.0-x"), (words("apt", expired=["stable"]), "out of date: stable"),
    ],
)  # fmt: skip
def test_words(said: str, wanted: str) -> None:
    assert said == wanted


@pytest.mark.parametrize("verb", get_args(VerbName))
def test_every_verb_and_outcome_says_something_whatever_the_facts(verb: str) -> None:
    """Facts come from a far machine, which may say anything."""
    for one in get_args(ProbeOutcome):
        for odd in ({}, {"skew": "x", "off": True, "tight": 5, "full": "x", "bytes": None, "could_save_bytes": {"a": 1}, "expired": {"x": 1},
                         "ended_at": ["a"], "error": ["b"], "status": {}, "registry": 5, "file": []}):  # fmt: skip
            assert words(verb, one, 1.0, **odd)


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1500, 99_999, 5e9, None, "x")] == [
        "0 bytes",
        "999 bytes",
        "1.5 KB",
        "100 KB",
        "5.0 GB",
        "0 bytes",
        "0 bytes",
    ]


def told(verb: str, outcome_: str = "ok", **facts: Any) -> str:
    with speaking("zh"):
        return words(verb, outcome_, 12.2, **facts)


@pytest.mark.parametrize("verb", get_args(VerbName))
def test_in_chinese_every_verb_and_outcome_is_chinese(verb: str) -> None:
    for one in get_args(ProbeOutcome):
        for facts in (
            {},
            {"status": 503, "full": ["/var"], "off": True, "skew": -9, "error": "not done when the time was up"},
        ):
            said = told(verb, one, **facts)
            assert re.search("[\u4e00-\u9fff]", said.replace("用时", "")), f"{verb} {one}: {said}"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (told("dns", "nxdomain"), "域名不存在（NXDOMAIN），用时 12 ms"),
        (told("http", "http-status", status=503), "服务器返回 503，用时 12 ms"),
        (told("tls", "tls-untrusted", issuer="CN=Proxy"), "证书不受信任，签发者 CN=Proxy，用时 12 ms"),
        (told("registry", repository="a/b", ratelimit_remaining="7"), "镜像存在，剩余可拉取次数 7，用时 12 ms"),
        (told("load", tight=["disk: tasks wait for it"], oom_kills=2), "磁盘：有任务在等待 I/O；内核因内存不足已杀过 2 次进程，用时 12 ms"),
        (told("clock", off=True, skew=3600.2), "时钟慢了 3600 秒，用时 12 ms"),
        (told("throughput", bytes=3_000_000, bytes_per_second=900), "下载 3.0 MB，速度 900 字节/s，用时 12 ms"),
        (told("goproxy", "tls-name", error="https://a: the certificate is for b, not for a, issued by CN=C (asked for x)"),
         "https://a：证书属于 b，不是 a，签发者 CN=C（请求的是 x），用时 12 ms"),
        (told("git", refused="{0.__class__} refused"), "有响应：{0.__class__} refused，用时 12 ms"),
    ],
)  # fmt: skip
def test_in_chinese(said: str, wanted: str) -> None:
    assert said == wanted
