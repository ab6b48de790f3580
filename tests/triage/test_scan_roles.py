"""What counts: recovered errors, look-alikes and wrappers are told from causes, and no true cause is lost."""

import pytest

from bot.model.diagnosis import Hit
from bot.triage.scanner import Rule, RuleSet, Scanner, scan_bytes

RULES = RuleSet.compile(
    [
        Rule(playbook="net", index=0, pattern=r"i/o timeout|Connection (?:refused|timed out)|Read timed out|ECONNRESET|trouble with your network", cause="dns-timeout"),
        Rule(playbook="net", index=1, pattern=r"Docker pull failed|toomanyrequests|spurious network error|Failed to fetch", cause="rate-limited"),
        Rule(playbook="net", index=0, pattern=r"this is only a drill", kind="none", cause="dns-timeout"),
        Rule(playbook="tests", index=0, pattern=r"^\s*--- FAIL: |AssertionError|assert ", cause="test-failure"),
        Rule(playbook="down", index=0, pattern=r"connect to (?P<host>\S+) port (?P<port>\d+): Connection refused|reading http://(?P<ip>[\d.]+)/x: 502", cause="registry-unavailable"),
        Rule(playbook="any", index=0, pattern=r"reset by peer", cause="flaky-network-reset", role="hint"),
        Rule(playbook="exits", index=0, pattern=r"exit code (?P<code>\d+)", cause="out-of-memory"),
    ]
)  # fmt: skip


def hits(*lines: str) -> list[Hit]:
    data = "".join(f"{line}\n" for line in lines).encode()
    found = scan_bytes(RULES, data)
    small = Scanner(RULES, block=max(200, 2 * max(map(len, data.split(b"\n")))))
    small.feed(data)
    assert small.finish().hits == found.hits
    return list(found.hits)


def counting(*lines: str, playbook: str = "net") -> list[int]:
    return [h.line for h in hits(*lines) if h.suppressed is None and h.playbook == playbook]


GONE_ON = [
    ("pip", ["WARNING: Retrying (Retry(total=3, connect=None)) after connection broken by 'Read timed out.': /x/", "Installing collected packages: a",
             "Successfully installed a-1"]),
    ("pip, then the tests fail", ["WARNING: Retrying (Retry(total=4)) after connection broken by 'Connection refused'", "Successfully installed a-1",
                                  "E   assert 1 == 2", "##[error]Process completed with exit code 1."]),
    ("yarn", ["info There appears to be trouble with your network connection. Retrying...", "[3/4] Linking dependencies...", "Done in 3.2s."]),
    ("npm", ["npm warn tarball ECONNRESET, will retry", "added 120 packages in 4s"]),
    ("cargo", ["warning: spurious network error (2 tries remaining): Connection timed out", "    Finished dev [unoptimized] target(s) in 3s"]),
    ("GitHub pulls an image", ["Error response from daemon: toomanyrequests: slow down", "##[warning]Docker pull failed with exit code 1, back off 7.078 seconds before retry.",
                               "##[command]/usr/bin/docker pull python:3", "Status: Downloaded newer image for python:3"]),
    ("a step that ended well", ["##[group]Run ./fetch.sh", "##[endgroup]", "curl: (28) Connection timed out, will retry in 2 seconds", "ok now",
                                "##[group]Run make", "##[endgroup]", "make: *** [all] Error 2", "##[error]Process completed with exit code 2."]),
    ("GitLab's sources", ["section_start:1:get_sources\r\x1b[0KGetting", "fatal: Connection refused; retrying in 5 s", "section_end:2:get_sources\r\x1b[0K",
                          "section_start:3:step_script\r\x1b[0Kx", "boom", "section_end:4:step_script\r\x1b[0K", "ERROR: Job failed: exit code 1"]),
    ("the whole build", ["attempt 1 of 3: Connection refused, retrying", "BUILD SUCCESS"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines"), GONE_ON, ids=[g[0] for g in GONE_ON])
def test_what_was_tried_again_and_went_well_is_no_cause(name: str, lines: list[str]) -> None:
    assert counting(*lines) == []
    assert all("tried again" in (h.suppressed or "") for h in hits(*lines) if h.playbook == "net")


STANDS = [
    ("the last of the tries", ["WARNING: Retrying (Retry(total=0)) after connection broken by 'Read timed out.'", "ERROR: No matching distribution found for a"], [1]),
    ("spent", ["attempt 3 of 3: Connection refused, retrying", "BUILD SUCCESS"], [1]),
    ("spent, in words", ["Connection refused: giving up after 5 attempts, no retries left"], [1]),
    ("yarn gives up", ["info There appears to be trouble with your network connection. Retrying...", "error Error: read ECONNRESET"], [1, 2]),
    ("another tool's success", ["WARNING: Retrying (Retry(total=1)) after connection broken by 'Connection refused'", "added 12 packages in 2s",
                                "##[error]Process completed with exit code 1."], [1]),
    ("success after the failure", ["WARNING: Retrying (Retry(total=1)) after connection broken by 'Connection refused'",
                                   "##[error]Process completed with exit code 1.", "Successfully installed a-1"], [1]),
    ("GitLab cleans up after it", ["section_start:1:step_script\r\x1b[0Kx", "Connection refused, retrying in 3 s", "section_end:2:step_script\r\x1b[0K",
                                   "section_start:3:cleanup_file_variables\r\x1b[0Kx", "section_end:4:cleanup_file_variables\r\x1b[0K", "ERROR: Job failed: exit code 1"], [2]),
    ("Jenkins goes on to skipped stages", ["[Pipeline] { (Build)", "Connection refused, retrying in 3 s", "[Pipeline] // stage", "[Pipeline] { (Deploy)",
                                           "Stage \"Deploy\" skipped due to earlier failure(s)", "[Pipeline] // stage", "Finished: FAILURE"], [2]),
    ("GitHub cleans up after it", ["##[group]Run x", "##[endgroup]", "Connection refused, retrying in 3 s", "##[error]Process completed with exit code 1.",
                                   "##[group]Run actions/upload-artifact@v4", "##[endgroup]", "Post job cleanup."], [3]),
    ("no word of trying again", ["Connection refused", "Successfully installed a-1"], [1]),
    ("apt's warning, and then the error", ["W: Failed to fetch http://a/x  Connection refused", "E: Unable to locate package x"], [1, 1]),
    ("the same text outside tests", ["=== RUN   TestA", "--- PASS: TestA (0.00s)", "PASS", "dial tcp: i/o timeout", "exit status 1"], [4]),
    ("a tool between tests", ["=== RUN   TestA", "--- FAIL: TestA (0.00s)", "FAIL", "go: x: dial tcp: i/o timeout"], [4]),
    ("no test failed", ["=== RUN   TestA", "dial tcp: i/o timeout", "--- PASS: TestA (0.00s)"], [2]),
    ("curl's own star", ["* connect to 10.0.0.1 port 443 failed: Connection refused"], [1]),
    ("cmake's dashes", ["-- fetching: Connection refused"], [1]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "lines_that_count"), STANDS, ids=[s[0] for s in STANDS])
def test_a_true_cause_stands(name: str, lines: list[str], lines_that_count: list[int]) -> None:
    assert counting(*lines) == lines_that_count


LOOK_ALIKES = [
    ("a running Go test", ["=== RUN   TestDial", "2026/01/02 dial failed: i/o timeout", "--- FAIL: TestDial (3.00s)", "FAIL"]),
    ("Go's log of a test", ["--- FAIL: TestDial (3.00s)", "    dial_test.go:17: dial tcp: i/o timeout", "FAIL\tx.example/y\t3.1s"]),
    ("testify", ["--- FAIL: TestDial (3.00s)", "        Error:      \tReceived unexpected error: i/o timeout"]),
    ("pytest", ["=========== FAILURES ===========", "E       requests.exceptions.ConnectionError: Connection refused", "======= 1 failed, 2 passed in 3s ======"]),
    ("what pytest captured", ["=========== FAILURES ===========", "---- Captured log call ----", "ERROR client:12 Connection refused", "E  assert 1",
                              "=== short test summary info ===", "FAILED tests/test_a.py::test_b - assert 1"]),
    ("Maven", ["[ERROR] ClientTest.dials:17 expected: <ok> but was: <Connection refused>", "[ERROR] Tests run: 3, Failures: 1, Errors: 0"]),
    ("the script that is printed", ["##[group]Run retry || echo 'i/o timeout'", "\x1b[36;1mretry || echo 'i/o timeout'\x1b[0m", "shell: bash", "##[endgroup]"]),
    ("an echoed command", ["+ echo 'fails with i/o timeout at times'", "x"]),
    ("a GitLab command", ["\x1b[32;1m$ grep -q 'i/o timeout' log.txt\x1b[0;m"]),
    ("a Dockerfile's line", ["#9 [3/5] RUN sh -c 'test i/o timeout'"]),
    ("a comment", ["# on an i/o timeout, call ops"]),
    ("its own none", ["this is only a drill", "i/o timeout"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines"), LOOK_ALIKES, ids=[x[0] for x in LOOK_ALIKES])
def test_what_only_looks_like_it_does_not_count(name: str, lines: list[str]) -> None:
    found = [h for h in hits(*lines) if h.playbook == "net"]
    assert found
    assert counting(*lines) == []
    assert all(h.suppressed for h in found)


def test_a_tests_own_words_stand() -> None:
    assert counting("=== RUN   TestA", "--- FAIL: TestA (0.1s)", playbook="tests") == [2]
    assert counting("=== FAILURES ===", "E   assert 1 == 2", "=== 1 failed in 1s ===", playbook="tests") == [2]


def test_what_speaks_against_a_playbook_is_named() -> None:
    found = hits("i/o timeout", "well: this is only a drill")
    assert found[0].suppressed == "line 2 says “well: this is only a drill”, which speaks against it"


def test_exit_lines_are_wrappers_unless_the_code_tells_something() -> None:
    found = hits("##[error]Process completed with exit code 1.", "##[error]Process completed with exit code 137.")
    assert [h.role for h in found] == ["wrapper", "cause"]


def test_debug_lines_of_a_failing_test_are_symptoms() -> None:
    (hit,) = [h for h in hits('level=debug msg="dial: i/o timeout"', "--- FAIL: TestA (0.1s)") if h.playbook == "net"]
    assert hit.role == "symptom"


def test_a_build_step_of_an_image_that_did_not_fail_is_not_the_cause() -> None:
    lines = (
        "#9 [fetch 2/2] RUN curl -fsSO https://files.example.com/a",
        "#12 [build 5/7] RUN make",
        "#9 3.1 curl: (28) Connection timed out",
        "#12 4.2 make: *** [app] Error 1",
        "#9 CANCELED",
        '#12 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2',
    )
    assert counting(*lines) == []
    assert [h.suppressed for h in hits(*lines) if h.playbook == "net"] == ["it stands in build step #9, and #12 failed"]
    assert counting(*lines[:3], '#9 ERROR: process "/bin/sh -c curl" did not complete successfully: exit code: 28') == [
        3
    ]


PASSED_LINES = [
    "  ✓ handles Connection refused (12 ms)",
    "tests/test_net.py::test_i/o timeout PASSED   [ 40%]",
    "test net::connect i/o timeout ... ok",
    "--- PASS: TestDial i/o timeout (1.00s)",
    "    net_test.go:12: dial tcp 10.0.0.1:80: i/o timeout",
]


@pytest.mark.parametrize("line", PASSED_LINES)
def test_what_a_passing_test_prints_is_no_cause(line: str) -> None:
    assert counting(line, "##[error]Process completed with exit code 1.") == []


def test_a_job_that_ended_well_has_no_cause() -> None:
    assert counting("curl: (7) Connection refused", "Job succeeded") == []
    assert counting("curl: (7) Connection refused", "ERROR: Job failed: exit code 7", "Job succeeded") == [1]


HINTS = RuleSet.compile(
    [Rule(playbook="any", index=0, pattern=r"(?i)connection timed out", role="hint", cause="network-egress-blocked")]
)


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        ("Error: fetch failed: connection timed out\n", True),
        ("fatal: cannot fetch\n  connection timed out\n", True),
        ("the option sets after how long a connection timed out is tried again\n", False),
        ("error: one thing\nplain\nplain\nplain\nconnection timed out\n", False),
    ],
)
def test_a_hint_counts_where_an_error_is_told(log: str, counts: bool) -> None:
    found = scan_bytes(HINTS, log.encode()).hits
    assert [h.suppressed is None for h in found] == [counts]


def test_the_failed_step_is_where_the_first_exit_line_stands() -> None:
    log = "##[group]Run make\n##[endgroup]\n##[error]Process completed with exit code 2.\n##[group]Run upload\n##[endgroup]\n##[error]x\n"
    assert scan_bytes(RULES, log.encode()).failed_step == "Run make"
    log = '#12 [build 5/7] RUN make\n#12 ERROR: process "make" did not complete successfully: exit code: 2\n'
    assert scan_bytes(RULES, log.encode()).failed_step == "[build 5/7] RUN make"


def test_an_annotation_alone_does_not_make_a_step_fail_where_another_tells_its_status() -> None:
    log = "##[group]Run lint\n##[endgroup]\n##[error]style\n##[group]Run make\n##[endgroup]\n##[error]Process completed with exit code 2.\n"
    assert scan_bytes(RULES, log.encode()).failed_step == "Run make"


FETCH = "##[error]fatal: unable to access 'https://git.example/a/': Connection timed out"
AGAIN = ("The process '/usr/bin/git' failed with exit code 128", "Waiting 14 seconds before trying again")


def test_a_checkout_that_the_runner_tries_again_counts_only_where_it_never_went_well() -> None:
    chain = (FETCH, "##[error]fatal: early EOF", "##[error]fatal: fetch-pack: invalid index-pack output", *AGAIN)
    assert counting(*chain, *chain, "HEAD is now at 1234567 x", "##[error]Process completed with exit code 2.") == []
    assert counting(*chain, FETCH, "##[error]The process '/usr/bin/git' failed with exit code 128") == [1, 6]


def test_what_a_step_printed_that_ended_without_a_word_of_failure_does_not_count() -> None:
    step = ("##[group]Run ./prepare", "##[endgroup]", "error: ECONNRESET", "##[group]Run make", "##[endgroup]")
    assert counting(*step, "##[error]Process completed with exit code 2.") == []
    assert counting(*step, "error: ECONNRESET", "##[error]Process completed with exit code 2.") == [6]
    failed = (*step[:3], "##[error]Process completed with exit code 1.", *step[3:], "uploading the logs")
    assert counting(*failed) == [3]
    assert counting("##[group]Run ./prepare", "##[endgroup]", "error: ECONNRESET", "Post job cleanup.") == [3]


def test_what_a_server_says_of_its_client_is_no_fault_of_the_network() -> None:
    line = "db_1 | ERROR: could not receive data from client: Connection reset by peer"
    assert counting(line, "make: *** [all] Error 1", playbook="any") == []
    assert counting("ERROR: Connection reset by peer", "make: *** [all] Error 1", playbook="any") == [1]


def test_words_of_no_tools_own_do_not_count_far_before_the_failure() -> None:
    hint = "error: Connection reset by peer"
    assert counting(hint, *["working"] * 299, "make: *** [all] Error 1", playbook="any") == [1]
    assert counting(hint, *["working"] * 300, "make: *** [all] Error 1", playbook="any") == []
    assert counting(hint, *["working"] * 300, playbook="any") == [1]  # nothing says where it failed


def test_a_port_of_this_machine_that_is_closed_is_no_registry_that_is_down() -> None:
    refused = "curl: (7) Failed to connect to {} port {}: Connection refused"
    assert counting(refused.format("localhost", 8080), playbook="down") == []
    assert counting(refused.format("127.0.0.1", 5432), playbook="down") == []
    assert counting(refused.format("localhost", 5000), playbook="down") == [1]  # this may be one
    assert counting(refused.format("registry.example", 8080), playbook="down") == [1]
    assert counting("reading http://127.0.0.1/x: 502", playbook="down") == [1]  # something answered
