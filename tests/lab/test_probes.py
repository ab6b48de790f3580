"""The probes over SSH from a runner in the lab, against the same faults that make the real tools fail there."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from netlab import Lab

from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.probes import make, pack
from bot.probes.ssh import SshSettings

pytestmark = pytest.mark.lab
GREET = "github.com/acme/greet@v1.4.0"
PROXY = "https://goproxy.lab.example"


def probe(lab: Lab, verb: str, **args: Any) -> ProbeResult:
    ssh = lab.ssh
    settings = SshSettings(kind="ssh", host=ssh.host, port=ssh.port, user=ssh.user, key_file=ssh.key_file,
                           known_hosts=ssh.known_hosts, capture=True)  # fmt: skip

    async def ask() -> ProbeResult:
        return (await make("runner", settings).run([ProbeRequest(id="p", verb=verb, args=args)], 20))[0]

    return asyncio.run(ask())


def go(lab: Lab, goproxy: str) -> tuple[int, bytes]:
    return lab.run_in_runner(["go", "mod", "download", GREET], lab.go_env(goproxy), timeout=40)


def healthy(lab: Lab) -> None:
    pass


@pytest.mark.parametrize(
    ("fault", "goproxy"),
    [
        (healthy, PROXY), (healthy, f"{PROXY},direct"),
        (lambda lab: lab.serve("goproxy", status=404), f"{PROXY},https://goproxy2.lab.example"),
        (lambda lab: lab.serve("goproxy", status=503), f"{PROXY},https://goproxy2.lab.example"),
        (lambda lab: lab.serve("goproxy", status=503), f"{PROXY}|https://goproxy2.lab.example"),
        (lambda lab: lab.block("goproxy", how="reset"), f"{PROXY},https://goproxy2.lab.example"),
        (lambda lab: lab.block("goproxy", how="reset"), f"{PROXY}|https://goproxy2.lab.example"),
        (lambda lab: lab.dns(goproxy="nxdomain"), f"{PROXY}|https://goproxy2.lab.example"),
        (lambda lab: lab.serve("goproxy", tls="untrusted"), f"{PROXY}|https://goproxy2.lab.example"),
        (lambda lab: lab.serve("goproxy", status=404), f"{PROXY},off"), (healthy, "off"), (healthy, "direct"),
    ],
)  # fmt: skip
def test_goproxy_and_go_agree(lab: Lab, fault: Any, goproxy: str) -> None:
    fault(lab)
    status, output = go(lab, goproxy)
    result = probe(lab, "goproxy", module=GREET, goproxy=goproxy, timeout=8)
    assert result.ok == (status == 0), (result, output)


def test_egress_dropped_rejected_and_prohibited(lab: Lab) -> None:
    for how, outcome, word in (
        ("drop", "timeout", "dropped"),
        ("reset", "refused", "refused"),
        ("prohibited", "prohibited", "rejected"),
    ):
        lab.heal()
        lab.block("files", how=how)  # type: ignore[arg-type]
        result = probe(lab, "tcp", host="files.lab.example", port=443, timeout=2)
        assert (result.outcome, result.facts["how"]) == (outcome, word)


def test_packets_of_a_dropped_connection(lab: Lab) -> None:
    lab.block("files", how="drop")
    result = probe(lab, "capture", host="files.lab.example", port=443, timeout=5)
    if result.outcome == "unsupported":
        pytest.skip(str(result.facts["error"]))
    assert (result.facts["pattern"], result.facts["syn_ack"]) == ("syn-only", 0), result
    assert result.facts["syn"] >= 2
    lab.heal()
    lab.block("files", how="prohibited")
    result = probe(lab, "capture", host="files.lab.example", port=443, timeout=4)
    assert (result.facts["pattern"], result.facts["icmp"]) == ("icmp", ["icmp 3/13"]), result


def test_an_mtu_black_hole_is_told_from_a_slow_server(lab: Lab) -> None:
    lab.mtu_black_hole(1000)
    result = probe(lab, "throughput", url="http://files.lab.example/tool.tar.gz", timeout=14)
    assert result.facts.get("mtu_black_hole") is True, result
    lab.heal()
    lab.serve("files", hang_after=50_000)
    result = probe(lab, "throughput", url="http://files.lab.example/tool.tar.gz", timeout=12)
    assert (result.outcome, result.facts.get("mtu_black_hole")) == ("slow", False), result
    lab.serve("files")
    assert probe(lab, "throughput", url="https://files.lab.example/tool.tar.gz", timeout=8).ok


def through(lab: Lab, proxy: str, *probes: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """In the runner, with a proxy in the environment, as a build's step would have it."""
    listed = [{"id": str(i), "verb": verb, "args": args} for i, (verb, args) in enumerate(probes)]
    request = {"schema": "buildmedic.probe/1", "deadline": 15, "policy": {"scope": "any"}, "probes": listed}
    done = subprocess.run(
        ["ip", "netns", "exec", lab.runner, sys.executable, "-I", "-S", "-c", pack.BOOT], capture_output=True, check=True,
        input=pack.stdin(json.dumps(request).encode()), env={"PATH": "/usr/bin:/bin", "http_proxy": proxy, "https_proxy": proxy},
    )  # fmt: skip
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return results


def test_through_a_real_squid(lab: Lab) -> None:
    where = lab.squid()
    direct, tunnel, module, metadata, inside = through(
        lab, where, ("http", {"url": "http://files.lab.example/"}), ("http", {"url": "https://files.lab.example/"}),
        ("goproxy", {"module": GREET, "goproxy": PROXY}), ("http", {"url": "http://169.254.169.254/latest/meta-data/"}),
        ("registry", {"image": "[::ffff:169.254.169.254]:80/x/y"}),
    )  # fmt: skip
    assert [r["facts"].get("via") for r in (direct, tunnel)] == ["proxy", "proxy"]
    assert [r["outcome"] for r in (direct, tunnel, module, metadata, inside)] == ["ok", "ok", "ok", "denied", "denied"]
    assert "169.254" not in (lab.folder / "squid/access.log").read_text()


def test_a_real_squid_that_wants_credentials(lab: Lab) -> None:
    where = lab.squid(auth=True)
    asked, module = through(
        lab,
        where,
        ("http", {"url": "https://files.lab.example/"}),
        ("goproxy", {"module": GREET, "goproxy": f"{PROXY},direct"}),
    )
    assert (asked["outcome"], module["outcome"]) == ("proxy-auth", "proxy-auth"), module
    named = where.replace("http://", "http://ci:secret@")
    (asked,) = through(lab, named, ("http", {"url": "https://files.lab.example/"}))
    assert asked["outcome"] == "ok"
    assert "secret" not in json.dumps(asked)
    (dead,) = through(lab, "http://10.77.1.50:9", ("git", {"url": "https://git.lab.example/acme/shop.git"}))
    assert (dead["outcome"], dead["facts"]["proxy_outcome"]) == ("proxy-error", "refused")


def test_registries(lab: Lab) -> None:
    assert probe(lab, "git", url="https://git.lab.example/acme/shop.git", ref="main").outcome in ("ok", "nodata")
    image = probe(lab, "registry", image="registry.lab.example/acme/base:1.0")
    assert image.ok, image
    lab.serve("registry", status=503)
    assert probe(lab, "registry", image="registry.lab.example/acme/base:1.0").facts["status"] == 503
    npm = probe(lab, "npm", registry="https://npm.lab.example", package="left-pad-x")
    assert npm.outcome in ("ok", "http-status"), npm  # the lab's registry serves whole packages alone
    assert probe(lab, "pypi", index="https://pypi.lab.example/simple", package="labpkg").ok


@pytest.mark.parametrize("mode", ["servfail", "refused", "nxdomain", "nodata"])
def test_what_a_real_resolver_says(lab: Lab, mode: str) -> None:
    lab.dns(files=mode)  # type: ignore[arg-type]
    wanted = {"servfail": "servfail", "refused": "dns-refused", "nxdomain": "nxdomain", "nodata": "ok"}[mode]
    assert probe(lab, "dns", host="files.lab.example").outcome in (wanted, "servfail" if mode == "servfail" else wanted)
    over_tcp = probe(lab, "dns", host="goproxy.lab.example", transport="tcp", server="10.77.0.1")
    assert over_tcp.ok, over_tcp
