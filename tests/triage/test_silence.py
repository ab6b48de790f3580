"""A log that ends in silence: what the last command was about to talk to, and what is made of it."""

import pytest

from bot.model.diagnosis import LogSummary, ProbeResult, Scan
from bot.triage import silence
from bot.triage.diagnose import Library, conclude, hypotheses, plan
from bot.triage.playbook import parse_playbook
from bot.triage.scanner import scan_bytes

COMMANDS = [
    ("go mod download", ["proxy.golang.org:443", "sum.golang.org:443"]),
    ("GOFLAGS=-mod=mod go test -race ./...", ["proxy.golang.org:443", "sum.golang.org:443"]),
    ("GOPROXY=https://goproxy.example.com:8443/go,direct go build ./...", ["goproxy.example.com:8443"]),
    ("docker pull golang:1.22", ["registry-1.docker.io:443"]),
    ("docker pull --quiet registry.example.com:5000/acme/base:1.0", ["registry.example.com:5000"]),
    ("skopeo copy docker://quay.io/acme/base:1 dir:base", ["quay.io:443"]),
    ("podman run --rm ghcr.io/acme/tool@sha256:0c1d make", ["ghcr.io:443"]),
    ("docker buildx build -t app .", ["registry-1.docker.io:443"]),
    ("git clone --depth 1 https://git.example.com/acme/shop.git src", ["git.example.com:443"]),
    ("git clone git@git.example.com:acme/shop.git", ["git.example.com:22"]),
    ("git clone ssh://git@git.example.com:2222/acme/shop.git", ["git.example.com:2222"]),
    ("curl -fsSL http://files.example.com/tool.tgz | tar xz", ["files.example.com:80"]),
    ("curl http://[::1:80/ http://files.example.com:99999/", []),
    ("make -j4", []),
    ("golangci-lint run", []),
]


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[c[0] for c in COMMANDS])
def test_a_command_names_its_servers(command: str, expected: list[str]) -> None:
    found = silence.endpoints(Scan(log=LogSummary(), last_command=command))
    assert [f"{e.host}:{e.port}" for e in found] == expected


def test_where_the_command_names_none_the_last_urls_do() -> None:
    tail = (
        "Get:1 http://deb.example.com/debian stable InRelease",
        "npm http fetch GET 200 https://npm.example.com/left-pad 40ms",
    )
    found = silence.endpoints(Scan(log=LogSummary(), last_command="npm ci", tail=tail))
    assert [f"{e.host}:{e.port}" for e in found] == ["npm.example.com:443", "deb.example.com:80"]


SILENT = """
id: silent
title: "The job hung while no connection to {host} opened"
cause: network-egress-blocked
role: symptom
endpoint: last-command
match: {any: ['exceeded the maximum execution time']}
facts: {host: the server, port: "443"}
prior: 0.15
probes:
  asked: {verb: tcp, host: "{host}", port: "{port}"}
verdict:
  - {when: 'asked.outcome == "timeout"', confidence: 0.9, because: "no connection to {host}:{port} opens"}
remedy: {summary: let it out}
"""
LIMIT = """
id: limit
title: "Time limit"
cause: job-time-limit-exceeded
match: {any: ['exceeded the maximum execution time']}
prior: 0.8
remedy: {summary: look}
"""
LOG = b"##[group]Run go mod download\ngo mod download\n##[endgroup]\n##[error]The job has exceeded the maximum execution time of 60 minutes.\n"


def library() -> Library:
    return Library.build([parse_playbook(text, "a.yaml") for text in (LIMIT, SILENT)])


def test_silence_gives_hypotheses_that_a_probe_can_bear_out() -> None:
    made = library()
    scan = scan_bytes(made.ruleset, LOG)
    found = hypotheses(made, scan)
    assert [(h.playbook, h.facts.get("host")) for h in found] == [
        ("limit", None), ("silent", "proxy.golang.org"), ("silent", "sum.golang.org"),
    ]  # fmt: skip
    assert conclude(made, scan, found, ())[0].cause == "job-time-limit-exceeded"
    asked = plan(made, found)
    assert [r.args["host"] for r in asked] == ["proxy.golang.org", "sum.golang.org"]
    results = [ProbeResult(id=asked[0].id, verb="tcp", vantage="runner", outcome="timeout", ms=5000)]
    first = conclude(made, scan, found, results)[0]
    assert (first.cause, first.confidence) == ("network-egress-blocked", 0.9)
    assert "proxy.golang.org" in first.title


def test_a_command_that_names_no_server_makes_no_hypothesis() -> None:
    made = library()
    scan = scan_bytes(made.ruleset, LOG.replace(b"go mod download", b"make all"))
    assert [h.playbook for h in hypotheses(made, scan)] == ["limit"]
