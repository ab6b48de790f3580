"""A run of a CI, or a log, once: which bytes are read, and how several jobs become one report."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.model.build import Build, CaseKey, CIEvent, Job, RunRef
from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.errors import NotYet, Refused, Unavailable, UsageError, VantageDown
from bot.ports import Check
from bot.serve import triage_once as once
from bot.serve.defaults import Defaults
from bot.serve.library import load
from bot.triage.diagnose import Library

DNS = (
    b'go: a.example/m@v1.0.0: Get "https://proxy.golang.org/a.example/m/@v/v1.0.0.mod": dial tcp: lookup'
    b" proxy.golang.org on 10.0.0.2:53: read udp 10.0.0.9:4242->10.0.0.2:53: i/o timeout\n"
)
TEST = b"--- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 3, want 4\nFAIL\nFAIL\texample.com/shop\t0.004s\nFAIL\n"
URL = "https://ci.example/runs/7"


class FakeCI:
    """One run; a job's log is a list of blocks, or of an error that comes instead of the next one."""

    name, kind, channel = "fake", "fake", None

    def __init__(self, outcome: Any, logs: Mapping[str, Sequence[bytes | Exception]], jobs: Sequence[Job]) -> None:
        self.outcome, self.logs, self.jobs = outcome, logs, jobs
        self.read: list[str] = []

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> CIEvent:
        raise NotImplementedError

    def recognise(self, url: str) -> RunRef | None:
        if not url.startswith("https://ci.example/"):
            return None
        job = url.partition("/jobs/")[2] or None
        return RunRef(ci="fake", repository="acme/shop", run="7", job=job)

    async def build(self, ref: RunRef) -> Build:
        key = CaseKey(ci="fake", repository="acme/shop", run="7", attempt=1)
        return Build(key=key, outcome=self.outcome, title="CI", number="482", jobs=tuple(self.jobs))

    async def log(self, build: Build, job: Job) -> AsyncIterator[bytes]:
        self.read.append(job.id)
        for block in self.logs[job.id]:
            if isinstance(block, Exception):
                raise block
            yield block

    async def rerun(self, build: Build) -> None:
        raise AssertionError("a triage changes nothing")

    async def did_rerun(self, build: Build) -> bool | None:
        return None

    async def check(self) -> Sequence[Check]:
        return ()

    async def close(self) -> None: ...


class FakeVantage:
    kind = "fake"

    def __init__(self, name: str, outcome: Any = "ok", down: bool = False) -> None:
        self.name, self.outcome, self.down = name, outcome, down
        self.asked: list[ProbeRequest] = []

    def serves(self, ci: str, repository: str, job: Job) -> bool:
        return True

    async def run(self, requests: Sequence[ProbeRequest], deadline: float) -> Sequence[ProbeResult]:
        self.asked += requests
        if self.down:
            raise VantageDown(self.name, "connection refused")
        return [ProbeResult(id=r.id, verb=r.verb, vantage=self.name, outcome=self.outcome, ms=4.0) for r in requests]

    async def check(self) -> Sequence[Check]:
        return ()

    async def close(self) -> None: ...


def job(name: str, outcome: Any = "failure") -> Job:
    return Job(id=name, name=name, outcome=outcome)


@pytest.fixture(scope="module")
def library() -> Library:
    return load(()).library


async def test_every_failed_job_of_a_run_is_read(library: Library) -> None:
    jobs = [job("lint", "success"), job("unit"), job("fetch"), job("fetch-2")]
    ci = FakeCI("failure", {"unit": [TEST], "fetch": [DNS[:40], DNS[40:]], "fetch-2": [DNS]}, jobs)
    done = await once.triage_url(library, URL, [ci], [])
    assert ci.read == ["unit", "fetch", "fetch-2"]
    assert done.title == "CI 482 of acme/shop"
    assert [j.examined.diagnoses[0].cause for j in done.jobs] == ["test-failure", "dns-timeout", "dns-timeout"]
    causes = [d.cause for d in done.report.diagnoses]
    assert set(causes[:2]) == {"test-failure", "dns-timeout"}
    assert len({(d.cause, d.playbook) for d in done.report.diagnoses}) == len(done.report.diagnoses)
    best = next(d for d in done.report.diagnoses if d.cause == "dns-timeout")
    assert best.because[0] == "from the log of job 'fetch'"
    assert done.report.log.bytes == len(TEST) + 2 * len(DNS)


async def test_a_url_of_one_job_reads_that_job(library: Library) -> None:
    ci = FakeCI("failure", {"unit": [TEST], "fetch": [DNS]}, [job("unit"), job("fetch")])
    done = await once.triage_url(library, URL + "/jobs/fetch", [ci], [])
    assert ci.read == ["fetch"]
    assert done.report.diagnoses[0].cause == "dns-timeout"
    with pytest.raises(UsageError, match="has no job nope"):
        await once.triage_url(library, URL + "/jobs/nope", [ci], [])


async def test_a_url_that_nobody_knows(library: Library) -> None:
    with pytest.raises(
        UsageError, match=r"no configured CI knows this URL: https://else\.example/1 \(configured: fake\)"
    ):
        await once.triage_url(library, "https://else.example/1", [FakeCI("failure", {}, [])], [])


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [("success", "not-a-failure"), ("cancelled", "not-a-failure"), ("running", "unknown"), ("failure", "unknown")],
)
async def test_a_run_without_a_failed_job(library: Library, outcome: str, cause: str) -> None:
    done = await once.triage_url(library, URL, [FakeCI(outcome, {}, [job("a", "success")])], [])
    assert [d.cause for d in done.report.diagnoses] == [cause]


@pytest.mark.parametrize(
    ("blocks", "state", "cause"),
    [
        ([NotYet("fake", "not written yet")], "missing", "unknown"),
        ([Refused("fake", "the log has expired", 410)], "missing", "unknown"),
        ([DNS, Unavailable("fake", "connection lost")], "partial", "dns-timeout"),
    ],
)
async def test_a_log_that_cannot_be_had_is_an_answer(
    library: Library, blocks: list[Any], state: str, cause: str
) -> None:
    done = await once.triage_url(library, URL, [FakeCI("failure", {"a": blocks}, [job("a")])], [])
    assert done.report.log.state == state
    assert done.report.log.note
    assert done.report.diagnoses[0].cause == cause


async def test_hundreds_of_failed_jobs_are_not_all_read_and_it_says_so(library: Library) -> None:
    names = [f"j{i}" for i in range(40)]
    ci = FakeCI("failure", {n: [DNS] for n in names}, [job(n) for n in names])
    done = await once.triage_url(library, URL, [ci], [])
    assert len(ci.read) == 25
    assert done.note == "40 jobs failed; the logs of the first 25 were read"


async def test_the_first_vantage_is_the_builds_and_the_second_the_control(library: Library, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(DNS)
    runner, here = FakeVantage("runner", "timeout"), FakeVantage("here")
    done = await once.triage_file(library, str(tmp_path / "x.log"), [runner, here])
    assert done.vantage == "runner"
    assert {r.at for r in runner.asked} == {"build"}
    assert {r.at for r in here.asked} == {"control"}
    assert done.report.diagnoses[0].confidence > 0.9


async def test_a_vantage_that_is_down_is_said(library: Library, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(DNS)
    done = await once.triage_file(library, str(tmp_path / "x.log"), [FakeVantage("runner", down=True)])
    assert done.untried == "runner: connection refused"
    assert not any(p.ran for p in done.report.diagnoses[0].probes)


def test_names_of_vantages() -> None:
    once.check_names(Defaults(), ["local"])
    with pytest.raises(UsageError, match=r"unknown vantage 'x' \(known: local\)"):
        once.check_names(Defaults(), ["x"])
    assert once.make_vantages(Defaults(), []) == []
    assert [v.name for v in once.make_vantages(Defaults(), ["local", "local"])] == ["local"]


def test_blocks_of_a_file_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a" * (once.BLOCK * 2 + 5))
    assert [len(b) for b in once.blocks(str(tmp_path / "x"))] == [once.BLOCK, once.BLOCK, 5]


async def test_the_report_shows_jobs_and_what_was_not_tried(library: Library) -> None:
    import io

    from rich.console import Console

    from bot.serve.cli_report import show_triage

    ci = FakeCI("failure", {"unit": [TEST], "fetch": [DNS]}, [job("unit"), job("fetch")])
    out = io.StringIO()
    show_triage(await once.triage_url(library, URL, [ci], []), Console(file=out, width=80, markup=False))
    text = out.getvalue()
    for words in ("CI 482 of acme/shop", "unit: test-failure", "fetch: dns-timeout", "Not tried", "What to do"):
        assert words in text
