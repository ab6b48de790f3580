"""URLs as people and notices carry them, and URLs that only look like them."""

import pytest

from bot.ci.github_links import Link, read_link

WEB, API = "https://github.com", "https://api.github.com"
RUN = Link("acme/shop", "17283940511", None, None)


def read(url: str) -> Link | None:
    return read_link(url, WEB, API)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop/actions/runs/17283940511",
        "http://github.com/acme/shop/actions/runs/17283940511",
        "https://GitHub.COM/acme/shop/actions/runs/17283940511/",
        "https://github.com:443/acme/shop/actions/runs/17283940511",
        "github.com/acme/shop/actions/runs/17283940511",
        "  <https://github.com/acme/shop/actions/runs/17283940511|CI #482> ",
        "<https://github.com/acme/shop/actions/runs/17283940511>",
        "https://github.com/acme/shop/actions/runs/17283940511).",
        "https://github.com/acme/shop/actions/runs/17283940511?pr=7&x=://y",
        "https://github.com/acme/shop/actions/runs/17283940511#summary-4711",
        "https://github.com/acme/shop/actions/runs/17283940511/workflow",
        "https://github.com/acme/shop/actions/runs/17283940511/usage",
        "https://github.com/acme/shop/actions/runs/17283940511/jobs/6620564740",  # an older page: no id of the API
        "https://api.github.com/repos/acme/shop/actions/runs/17283940511",
        "https://api.github.com/repos/acme/shop/actions/runs/17283940511/jobs?per_page=100",
        "https://api.github.com/repos/acme/shop/actions/runs/17283940511/logs",
    ],
)
def test_a_run(url: str) -> None:
    assert read(url) == RUN


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("/actions/runs/5/attempts/2", Link("acme/shop", "5", 2, None)),
        ("/actions/runs/5/attempts/2#summary-1", Link("acme/shop", "5", 2, None)),
        ("/actions/runs/5/job/26800142384", Link("acme/shop", "5", None, "26800142384")),
        ("/actions/runs/5/job/26800142384?pr=12#step:4:12", Link("acme/shop", "5", None, "26800142384")),
        ("/actions/runs/5/attempts/3/job/9", Link("acme/shop", "5", 3, "9")),
        ("/runs/7728307903?check_suite_focus=true#step:3:303", Link("acme/shop", "?", None, "7728307903")),
        ("/pull/12/checks?check_run_id=99", Link("acme/shop", "?", None, "99")),
        ("/commit/c6e5cac67a58a4eb11f1f28567a77a6e2cc8ee98/checks/99", Link("acme/shop", "?", None, "99")),
    ],
)
def test_attempts_and_jobs(url: str, link: Link) -> None:
    assert read(f"{WEB}/acme/shop{url}") == link


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("/actions/jobs/9/logs", Link("acme/shop", "?", None, "9")),
        ("/actions/runs/5/attempts/2/jobs", Link("acme/shop", "5", 2, None)),
        ("/check-runs/9/annotations", Link("acme/shop", "?", None, "9")),
    ],
)
def test_what_the_api_calls_them(url: str, link: Link) -> None:
    assert read(f"{API}/repos/acme/shop{url}") == link


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hello",
        "https://github.com/",
        "https://github.com/acme/shop",
        "https://github.com/acme/shop/actions/runs/",
        "https://github.com/acme/shop/actions/runs/x",
        "https://github.com/acme/shop/actions/runs/0",
        "https://github.com/acme/shop/actions/runs/5/attempts/0",
        "https://github.com/acme/shop/actions/runs/5/job/x",
        "https://github.com/acme/shop/actions/runs/" + "9" * 40,
        "https://github.com.evil.example/acme/shop/actions/runs/5",
        "https://evil.example/github.com/acme/shop/actions/runs/5",
        "https://github.com@evil.example/acme/shop/actions/runs/5",
        "https://evil.example#@github.com/acme/shop/actions/runs/5",
        "https://user:pw@github.com/acme/shop/actions/runs/5",
        "https://evil.example\\@github.com/acme/shop/actions/runs/5",
        "https://github.com:8443/acme/shop/actions/runs/5",
        "https://github.com:x/acme/shop/actions/runs/5",
        "https://[::1/acme/shop/actions/runs/5",
        "https://github.com/../shop/actions/runs/5",
        "https://github.com/acme/../actions/runs/5",
        "https://github.com/acme/shop/actions/runs/5/../../../other/repo/actions/runs/6",
        "https://github.com/acme/shop%2f..%2f/actions/runs/5",
        "https://github.com/acme%00/shop/actions/runs/5",
        "https://github.com//acme/shop/actions/runs/5",
        "https://github.com/acme/shop/actions/runs/5\nX: y",
        "https://github.com/acme/shop /actions/runs/5",
        "https://github.com/acme/ѕhop/actions/runs/5",  # a Cyrillic letter
        "https://github.com/acme/shop/actions/runs/٥",  # a digit, but not one of ours
        "ftp://github.com/acme/shop/actions/runs/5",
        "javascript://github.com/acme/shop/actions/runs/5",
        "https://api.github.com/acme/shop/actions/runs/5",
        "https://github.com/acme/shop/pull/12/checks?check_run_id=9&check_run_id",
        "https://github.com/acme/shop/pull/12/checks?check_run_id=-1",
        "https://github.com/acme/shop/actions/runs/5?" + "x" * 5000,
    ],
)
def test_what_is_none_of_ours(url: str) -> None:
    found = read(url)
    assert found is None or url.endswith("&check_run_id")


def test_a_server_of_ones_own() -> None:
    web, api = "https://git.corp.example:8443", "https://git.corp.example:8443/api/v3"
    assert read_link(f"{web}/a/b/actions/runs/5", web, api) == Link("a/b", "5", None, None)
    assert read_link(f"{api}/repos/a/b/actions/runs/5", web, api) == Link("a/b", "5", None, None)
    assert read_link("https://github.com/a/b/actions/runs/5", web, api) is None
    assert read_link("https://git.corp.example/a/b/actions/runs/5", web, api) is None
