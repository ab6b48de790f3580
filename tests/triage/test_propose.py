import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.triage.propose import propose
from bot.triage.scanner import check_pattern

LINES = {
    'go: golang.org/x/text@v0.14.0: Get "https://proxy.golang.org/x/@v/v0.14.0.mod": dial tcp 142.250.74.145:443: i/o timeout':
        ("go-dial-tcp-timeout", {"module", "version", "url", "host", "ip", "port"}),
    "dial tcp: lookup proxy.golang.org on 10.0.0.2:53: read udp 10.1.2.3:4455->10.0.0.2:53: i/o timeout":
        ("dial-tcp-lookup-read-udp", {"host", "resolver", "ip", "port"}),
    "curl: (28) Failed to connect to files.example.com port 443 after 5001 ms: Timeout was reached":
        ("curl-connect-port-after-ms", {"host", "port"}),
    "fatal: unable to access 'https://git.corp.example/x.git/': The requested URL returned error: 502":
        ("unable-access-requested-url-returned", {"url", "host", "status"}),
    "./main.go:12:3: undefined: foo": ("undefined-foo", {"file"}),
    "pip._vendor.urllib3: Read timed out after 15 seconds (pypi.example.org)": ("pip-vendor-urllib-read-timed", {"seconds", "host"}),
    "(a|b)[x]{2} * weird ^$(rm) \\d token=*** here are words": ("weird-rm-token-here-are", set()),
    "构建失败 error something happened 超时": ("something-happened", set()),
    "npm ERR! code ETIMEDOUT": ("npm-code-etimedout", set()),
}  # fmt: skip


PIECES = (
    "https://a.example:8443/x?y=1", "dial tcp 10.0.0.1:443:", "golang.org/x/text@v0.3.0", "lookup a.example on 10.0.0.2:53",
    "status 503", "after 12 seconds", "/usr/lib/x.so.1", "./main.go:1:2", "deadbeef01", "1m30s", "***", "v1.2.3", "2026-01-01T00:00:00Z",
    "[x]", "(y", "{z}", "a|b", "$1", "^", "\\", "connection", "refused", "超时", "'quoted'", '"', "port 8080",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_the_pattern_finds_its_line_again_and_names_what_varies(line: str) -> None:
    made = propose(line)
    name, facts = LINES[line]
    assert made.id == name
    assert set(made.facts) == facts
    assert check_pattern(made.pattern) is None
    assert re.search(made.pattern, line)


def test_another_run_of_the_same_fault_is_found_too() -> None:
    made = propose('Get "https://a.example/x": dial tcp 192.0.2.7:443: i/o timeout')
    assert re.search(made.pattern, 'Get "https://b.example:8443/y/z?q=1": dial tcp 198.51.100.9:8443: i/o timeout')
    assert not re.search(made.pattern, "all is well")
    assert made.title == "{host|The server}: i/o timeout"


@pytest.mark.parametrize("line", ["", "   ", "12345 67 89", "-----", "Error", "https://a.example/"])
def test_a_line_without_words_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="choose another one"):
        propose(line)


def test_a_very_long_line_is_known_by_its_end() -> None:
    made = propose("x" * 5000 + " and then: connection was closed by the server")
    assert made.pattern.endswith("connection was closed by the server")
    assert len(made.pattern) < 500


def test_braces_of_a_log_are_no_holes_of_a_title() -> None:
    assert "{evil" not in propose("something failed badly: the value {evil} was refused").title


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES) | st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12), max_size=14
    )
)
def test_whatever_the_line_is_the_pattern_is_sound_and_finds_it(pieces: list[str]) -> None:
    line = " ".join(pieces)
    try:
        made = propose(line)
    except ValueError:
        return
    assert check_pattern(made.pattern) is None
    assert re.search(made.pattern, line)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made.id)
    assert "\n" not in made.title
