"""Lines that look like a fault and stand in builds that passed: where the real failure is unknown, so is the cause."""

import functools

import pytest

from bot.serve.library import load
from bot.triage.diagnose import Library, conclude, hypotheses
from bot.triage.scanner import scan_bytes


@functools.cache
def built_in() -> Library:
    return load().library


def cause(*lines: str) -> str:
    library = built_in()
    scan = scan_bytes(library.ruleset, "".join(f"{line}\n" for line in lines).encode())
    return conclude(library, scan, hypotheses(library, scan), ())[0].cause


@pytest.mark.parametrize(
    "line",
    [
        "Picked up JAVA_TOOL_OPTIONS: -Xmx2g -XX:+ExitOnOutOfMemoryError -XX:+HeapDumpOnOutOfMemoryError",
        "Timeout set to expire in 1 hr 0 min",
        "npm warn ERESOLVE overriding peer dependency",
        "npm WARN EBADENGINE Unsupported engine { package: 'x@1.0.0', required: { node: '>=18' } }",
        "mypy: Success: no issues found in 12 source files",
        "eslint found 0 errors",
        "8 vulnerabilities (3 moderate, 5 high)",
        "found 3 vulnerabilities (1 low, 2 high) in 900 scanned packages",
        "Sources/App/Model.swift:12:5: warning: Line Length Violation: Line should be 120 characters or less",
        "Warning: No files were found with the provided path: reports/. No artifacts will be uploaded.",
        "Warning: Failed to save: reserveCache failed: Cache service responded with 503",
        "Version 1.2.3 not found in the change log, skipping",
        "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Connection refused",
        "db_1 | LOG:  could not receive data from client: Connection reset by peer",
        "Error: connect ECONNREFUSED 127.0.0.1:5432",
        "psql: error: connection to server at localhost (127.0.0.1), port 5432 failed: Connection refused",
    ],
)
def test_a_line_that_passing_builds_print_names_no_cause(line: str) -> None:
    assert (
        cause("building", line, *["working"] * 30, "something odd: code 17", "make: *** [Makefile:3: all] Error 1")
        == "unknown"
    )


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "out-of-memory"),
        ("npm error code ERESOLVE", "dependency-not-found"),
        ("eslint found 3 errors", "lint-failure"),
        ("Cancelling nested steps due to timeout", "job-time-limit-exceeded"),
        ("dial tcp [2001:db8::1]:443: connect: cannot assign requested address", "network-egress-blocked"),
        ("dial tcp 192.0.2.7:443: connect: cannot assign requested address", "concurrent-pull-contention"),
        ("# npm audit report", "lint-failure"),
        ("c++: internal compiler error: Killed (program cc1plus)", "out-of-memory"),
        ("a.c:3:1: internal compiler error: in expand_expr, at expr.c:1", "compile-error"),
        ("curl: (7) Failed to connect to registry.example port 8080 after 3 ms: Connection refused", "registry-unavailable"),
        ('go: a.example/x@v1.0.0: Get "https://proxy.golang.org/a.example/x/@v/v1.0.0.mod": dial tcp: i/o timeout', "dns-timeout"),
        ("    page.waitForSelector: Timeout 30000ms exceeded.", "test-timeout"),
        ('     2.1) Failure/Error: visit "/courses/1/manual_update"', "test-failure"),
    ],
)  # fmt: skip
def test_the_line_that_it_looks_like_is_named(line: str, named: str) -> None:
    assert cause("building", line, "make: *** [Makefile:3: all] Error 1") == named


def test_a_task_that_is_named_after_a_linter_and_could_not_be_fetched_is_no_finding_of_it() -> None:
    failed = "Execution failed for task ':app:lint'."
    assert (
        cause("* What went wrong:", failed, "> Could not GET 'https://repo.example/a.jar'.", "   > Connection reset")
        == "flaky-network-reset"
    )
    assert cause("* What went wrong:", failed, "> see the report") == "lint-failure"
