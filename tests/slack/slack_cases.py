"""Cases to render: made here, so that every test of this folder and the preview speak of the same build."""

from datetime import UTC, datetime
from typing import Any

from bot.model.build import Build, CaseKey, Job
from bot.model.case import Case, JobFinding
from bot.model.diagnosis import Diagnosis, Evidence, LogSummary, ProbeResult, Proposal, Remedy, Step

NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
KEY = CaseKey(ci="github", repository="acme/shop", run="17283940511", attempt=1)
JOB_URL = "https://github.com/acme/shop/actions/runs/17283940511/job/4902000000"
LINE = (
    'go: example.com/x@v1.2.3: Get "https://proxy.golang.org/example.com/x/@v/v1.2.3.mod": dial tcp:'
    " lookup proxy.golang.org on 10.0.0.2:53: read udp 10.0.0.7:41234->10.0.0.2:53: i/o timeout"
)


def diagnosis(**changes: Any) -> Diagnosis:
    given: dict[str, Any] = {
        "cause": "dns-timeout",
        "playbook": "go-dns-timeout",
        "title": "The resolver 10.0.0.2:53 did not answer for proxy.golang.org",
        "confidence": 0.97,
        "evidence": (
            Evidence(
                line=812,
                text=LINE,
                context=(
                    "go: downloading example.com/x v1.2.3",
                    LINE,
                    "##[error]Process completed with exit code 1.",
                ),
            ),
        ),
        "probes": (
            ProbeResult(id="asked", verb="dns", vantage="runner", outcome="timeout", ms=4003,
                        facts={"error": "no answer from 10.0.0.2:53 in 3 tries"}),
            ProbeResult(id="control", verb="dns", vantage="local", outcome="ok", ms=12,
                        facts={"addresses": ["142.250.1.141"]}),
            ProbeResult(id="tcp53", verb="tcp", vantage="", outcome="denied", ran=False,
                        facts={"error": "the bot's own host does not probe private addresses"}),
        ),
        "because": ("10.0.0.2:53 is silent, another resolver answers in 12 ms",
                    "the log shows the same time-out 3 times, never a success"),
        "remedy": Remedy(
            summary="Point the runner at a resolver that answers",
            steps=(
                Step(say="Docker: set the daemon's resolver", file="/etc/docker/daemon.json",
                     code='{"dns": ["10.0.0.3", "1.1.1.1"]}'),
                Step(say="Check that it answers", code="dig +time=2 proxy.golang.org @10.0.0.3"),
            ),
        ),
        "proposals": (Proposal(action="rerun"),),
        "links": ("https://pkg.go.dev/net#hdr-Name_Resolution",),
        "by_hand": ("dig +time=2 +tries=3 proxy.golang.org @10.0.0.2", "nc -vz 10.0.0.2 53"),
    }  # fmt: skip
    return Diagnosis.model_validate(given | changes)


def finding(job: str = "1", name: str = "build", **changes: Any) -> JobFinding:
    given: dict[str, Any] = {
        "job": job,
        "name": name,
        "log": LogSummary(bytes=1_234_567, lines=8412),
        "diagnoses": (diagnosis(),),
        "vantage": "runner",
    }
    return JobFinding.model_validate(given | changes)


def build(jobs: int = 1, **changes: Any) -> Build:
    names = ["build", "integration", "unit 3.12", "lint", "docker"]
    given: dict[str, Any] = {
        "key": KEY, "outcome": "failure", "title": "CI", "number": "482",
        "url": "https://github.com/acme/shop/actions/runs/17283940511",
        "branch": "main", "commit": "b79ec27c0ffee000000000000000000000000000", "author": "alice", "actor": "alice",
        "jobs": tuple(
            Job(id=str(i + 1), name=names[i % 5], outcome="failure", url=f"{JOB_URL}{i + 1}",
                failed_step="go mod download")
            for i in range(jobs)
        ),
    }  # fmt: skip
    return Build.model_validate(given | changes)


def case(**changes: Any) -> Case:
    given: dict[str, Any] = {
        "key": KEY, "state": "diagnosed", "build": build(), "findings": (finding(),), "opened": NOW, "updated": NOW,
        "buttons": {"rerun": "b-rerun-1", "right": "b-right-1", "wrong": "b-wrong-1"},
    }  # fmt: skip
    return Case.model_validate(given | changes)
