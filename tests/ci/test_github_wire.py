"""GitHub's words in our nouns."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.ci.github_wire import Annotation, Author, WireJob, annotated, notes
from bot.model.build import Job

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


def job(minutes: float | None, outcome: str = "cancelled") -> Job:
    ended = None if minutes is None else BEGAN + timedelta(minutes=minutes)
    return Job.model_validate({"id": "1", "name": "x", "outcome": outcome, "started": BEGAN, "finished": ended})


@pytest.mark.parametrize(
    "said",
    [
        "The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 360 minutes.",
        "The job running on runner a has exceeded the maximum execution time of 5 minutes.",
        "The job has exceeded the maximum execution time while awaiting a runner for 24h0m0s",
    ],
)
def test_a_time_limit_is_told_by_an_annotation(said: str) -> None:
    assert annotated(job(5), (said,)).outcome == "timed-out"
    assert annotated(job(5, "failure"), (said,)).outcome == "failure"


@pytest.mark.parametrize(
    ("minutes", "outcome"),
    [(359, "cancelled"), (360, "timed-out"), (361, "timed-out"), (367, "cancelled"), (None, "cancelled")],
)
def test_githubs_own_limit_is_told_by_the_clock(minutes: float | None, outcome: str) -> None:
    for said in (None, (), ("The operation was canceled.",)):
        done = annotated(job(minutes), said)
        assert done.outcome == outcome
        assert any("360 minutes" in note for note in done.notes) is (outcome == "timed-out")


@pytest.mark.parametrize(
    "said", ["The run was canceled by @ada.", "Canceling since a higher priority waiting request for 'main' exists"]
)
def test_what_somebody_cancelled_has_not_timed_out(said: str) -> None:
    assert annotated(job(360), (said,)).outcome == "cancelled"


def test_notes_are_failures_githubs_own_first() -> None:
    told = [
        Annotation(path="main.go", annotation_level="failure", message="undefined: x"),
        Annotation(path=".github", annotation_level="warning", message="Node.js 16 actions are deprecated"),
        Annotation(path=".github", annotation_level="failure", message="The runner\nhas   received a shutdown signal."),
        Annotation(path="main.go", annotation_level="failure", message=None),
        Annotation(path="other.go", annotation_level="failure", message="undefined: x"),
    ]
    assert notes(told) == ("The runner has received a shutdown signal.", "undefined: x")


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ({"name": "Ada", "email": "17+ada@users.noreply.github.com"}, "ada"),
        ({"name": "Ada", "email": "ada@users.noreply.github.com"}, "ada"),
        ({"name": "Ada", "email": "ada@example.com"}, "Ada"),
        ({"name": "Ada", "email": "ada@users.noreply.github.com.evil.example"}, "Ada"),
        ({"name": "Ada", "username": "lovelace"}, "lovelace"),
        ({"name": None}, None),
    ],
)
def test_authors(author: dict[str, str | None], shown: str | None) -> None:
    assert Author.model_validate(author).shown == shown


def test_times_that_never_were() -> None:
    given = {"id": 1, "run_id": 2, "name": "x", "status": "completed", "conclusion": "failure"}
    noun = WireJob.model_validate(
        {**given, "started_at": "0001-01-01T00:00:00Z", "completed_at": "2026-11-24T00:00:00"}
    ).noun()
    assert (noun.started, noun.finished) == (None, BEGAN)


def test_the_check_run_is_githubs_to_name() -> None:
    given = {"id": 1, "run_id": 2, "name": "x"}
    assert WireJob.model_validate({**given, "check_run_url": "https://api/repos/a/b/check-runs/77"}).check_run == "77"
    assert WireJob.model_validate({**given, "check_run_url": "https://api/x"}).check_run == "1"
    assert WireJob.model_validate(given).check_run == "1"
