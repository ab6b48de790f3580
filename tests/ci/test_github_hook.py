"""Webhooks: the signature, the shape, the meaning."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.ci.github_hook import read
from bot.model.build import CIEvent
from bot.model.errors import BadPayload, BadSignature

SECRET = "It's a Secret to Everybody"
SAMPLES = Path(__file__).parents[2] / "../shared/samples/webhooks"


def headers(body: bytes, event: str = "workflow_run", **more: str) -> dict[str, str]:
    sign = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={sign}",
        "Content-Type": "application/json",
        **more,
    }


def take(payload: Any, event: str = "workflow_run", **more: str) -> CIEvent:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read("github", SECRET, headers(body, event, **more), body)


def run_payload(status: str | None = "completed", conclusion: str | None = "failure", **more: Any) -> dict[str, Any]:
    run = {
        "id": 17283940511, "run_attempt": 2, "run_number": 482, "name": "CI", "event": "push", "status": status,
        "conclusion": conclusion, "html_url": "https://github.com/acme/shop/actions/runs/17283940511",
        "head_branch": "main", "head_sha": "b79ec27c",
        "actor": {"login": "alice"}, "triggering_actor": {"login": "bob"},
        "head_commit": {"author": {"name": "Ada", "email": "17+ada@users.noreply.github.com"}}, **more,
    }  # fmt: skip
    return {"action": "completed", "workflow_run": run, "repository": {"full_name": "acme/shop"}}


def job_payload(status: str = "completed", conclusion: str | None = "failure", **more: Any) -> dict[str, Any]:
    steps = [
        {"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1},
        {"name": "Run go mod download", "status": "completed", "conclusion": "failure", "number": 2},
    ]
    job = {
        "id": 9, "run_id": 17283940511, "run_attempt": 2, "name": "build", "status": status, "conclusion": conclusion,
        "steps": steps, "labels": ["self-hosted", "linux"], "runner_name": "runner-7", "head_branch": "main",
        "head_sha": "b79ec27c", "workflow_name": "CI", "html_url": "https://github.com/acme/shop/runs/9",
        "started_at": "2026-11-24T00:00:00Z", "completed_at": "2026-11-24T00:01:00Z", **more,
    }  # fmt: skip
    repository = {"full_name": "acme/shop", "html_url": "https://github.com/acme/shop"}
    return {"action": status, "workflow_job": job, "repository": repository, "sender": {"login": "bob"}}


# the signature


def test_the_vector_of_githubs_documentation() -> None:
    body = b"Hello, World!"
    given = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "x-github-event": "ping",
    }
    with pytest.raises(BadPayload, match="not JSON"):  # so the signature was right
        read("github", SECRET, given, body)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "0" * 64,
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 100_000,
    ],
)
def test_a_wrong_signature(signature: str | None) -> None:
    body = json.dumps(run_payload()).encode()
    given = headers(body)
    del given["X-Hub-Signature-256"]
    if signature is not None:
        given["X-Hub-Signature-256"] = signature
    with pytest.raises(BadSignature, match="X-Hub-Signature-256"):
        read("github", SECRET, given, body)


def test_sha1_alone_is_no_signature() -> None:
    body = json.dumps(run_payload()).encode()
    given = headers(body, **{"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()})
    del given["X-Hub-Signature-256"]
    with pytest.raises(BadSignature, match="SHA-1"):
        read("github", SECRET, given, body)


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_believed(secret: str | None) -> None:
    body = json.dumps(run_payload()).encode()
    empty = "sha256=" + hmac.new(b"", body, hashlib.sha256).hexdigest()
    with pytest.raises(BadSignature, match="no webhook_secret"):
        read("github", secret, headers(body, **{"X-Hub-Signature-256": empty}), body)


def test_one_changed_byte() -> None:
    body = json.dumps(run_payload()).encode()
    with pytest.raises(BadSignature):
        read("github", SECRET, headers(body), body + b" ")


def test_the_signature_comes_before_the_shape() -> None:
    with pytest.raises(BadSignature):
        read("github", SECRET, {"X-GitHub-Event": "workflow_run"}, b"\xff not JSON")


# the shape


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 100_000 + b"}", "not JSON"),
        ({}, "workflow_run payload: action: field required"),
        ({"action": "completed"}, "repository: field required"),
        ({"action": "completed", "repository": {"full_name": "acme/shop"}}, "workflow_run: field required"),
        ({"action": 1, "repository": {"full_name": "acme/shop"}, "workflow_run": {"id": 1}}, "action: "),
        (run_payload(id="x"), "workflow_run.id: "),
        (run_payload(id=True), "workflow_run.id: "),
        (run_payload(id=-5), "workflow_run.id: "),
        (run_payload(id=10**30), "workflow_run.id: "),
        (run_payload(head_commit={"author": [1]}), "workflow_run.head_commit.author: "),
        ({**run_payload(), "repository": {"full_name": "acme"}}, "repository.full_name: "),
        ({**run_payload(), "repository": {"full_name": "acme/../x"}}, "repository.full_name: "),
        ({**run_payload(), "repository": {"full_name": "acme/.."}}, "repository.full_name"),
        ({**run_payload(), "repository": []}, "repository: "),
    ],
    ids=lambda value: str(value)[:40],
)
def test_another_shape_is_told_by_its_path(payload: Any, says: str) -> None:
    with pytest.raises(BadPayload, match=says.replace(".", r"\.")) as caught:
        take(payload)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_a_job_of_another_shape() -> None:
    with pytest.raises(BadPayload, match=r"workflow_job payload: workflow_job\.steps\.0"):
        take(job_payload(steps=["x"]), "workflow_job")
    with pytest.raises(BadPayload, match=r"workflow_job\.run_id"):
        take(job_payload(run_id=None), "workflow_job")
    with pytest.raises(BadPayload, match=r"workflow_job\.started_at"):
        take(job_payload(started_at="yesterday"), "workflow_job")


def test_text_that_nothing_can_store() -> None:
    body = json.dumps(job_payload()).replace('"build"', '"\\ud800 \\ud83d\\ude05"').encode()
    event = take(body, "workflow_job")
    assert event.build is not None
    assert event.build.jobs[0].name == "? 😅"


def test_the_event_header_is_needed() -> None:
    body = b"{}"
    given = headers(body)
    del given["X-GitHub-Event"]
    with pytest.raises(BadPayload, match="X-GitHub-Event"):
        read("github", SECRET, given, body)


def test_a_form_is_read_too() -> None:
    body = urlencode({"payload": json.dumps(run_payload(head_branch="ünï + cödé"))}).encode()
    event = take(body, **{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert event.build is not None
    assert event.build.branch == "ünï + cödé"
    for bad, says in ((b"x=1", "no field"), (b"payload", "not the form"), (b"payload=%7B", "not JSON")):
        with pytest.raises(BadPayload, match=says):
            take(bad, **{"Content-Type": "application/x-www-form-urlencoded"})


# the meaning


def test_a_failed_run() -> None:
    event = take(run_payload())
    assert (event.kind, event.delivery) == ("failed", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    build = event.build
    assert build is not None
    assert build.key.id == "github:acme/shop:17283940511:2"
    assert (build.outcome, build.title, build.number, build.branch) == ("failure", "CI", "482", "main")
    assert (build.commit, build.author, build.actor, build.event) == ("b79ec27c", "ada", "bob", "push")
    assert build.url == "https://github.com/acme/shop/actions/runs/17283940511"


@pytest.mark.parametrize(
    ("status", "conclusion", "kind", "outcome"),
    [
        ("completed", "failure", "failed", "failure"),
        ("completed", "timed_out", "failed", "timed-out"),
        ("completed", "startup_failure", "failed", "failure"),
        ("completed", "cancelled", "failed", "cancelled"),  # a time limit, perhaps: build() tells
        ("completed", "success", "passed", "success"),
        ("completed", "skipped", "passed", "skipped"),
        ("completed", "neutral", "passed", "other"),
        ("completed", "stale", "passed", "other"),
        ("completed", "action_required", "running", "other"),
        ("completed", "invented_in_2031", "running", "other"),
        ("completed", None, "running", "other"),
        ("queued", None, "running", "running"),
        ("in_progress", None, "running", "running"),
        ("waiting", None, "running", "running"),
        ("invented_in_2031", "failure", "running", "running"),
        (None, "failure", "failed", "failure"),
        (None, None, "running", "running"),
    ],
)
def test_conclusions_are_open(status: str | None, conclusion: str | None, kind: str, outcome: str) -> None:
    event = take(run_payload(status, conclusion))
    assert event.build is not None
    assert (event.kind, event.build.outcome) == (kind, outcome)


def test_a_failed_job_tells_all_it_knows() -> None:
    event = take({**job_payload(), "deployment": {"environment": "production"}}, "workflow_job")
    build = event.build
    assert build is not None
    assert (event.kind, build.outcome, build.environment) == ("failed", "running", "production")
    assert (build.key.id, build.title, build.actor) == ("github:acme/shop:17283940511:2", "CI", "bob")
    assert build.url == "https://github.com/acme/shop/actions/runs/17283940511"
    job = build.failed_jobs[0]
    assert (job.id, job.name, job.failed_step, job.runner) == ("9", "build", "Run go mod download", "runner-7")
    assert job.labels == ("self-hosted", "linux")
    assert job.started is not None
    assert job.finished is not None
    assert (job.finished - job.started).total_seconds() == 60


@pytest.mark.parametrize(
    ("status", "conclusion", "kind"),
    [
        ("completed", "success", "running"),  # the run may go on, and other jobs fail
        ("completed", "cancelled", "failed"),
        ("completed", "timed_out", "failed"),
        ("completed", "skipped", "running"),
        ("in_progress", None, "running"),
        ("queued", None, "running"),
        ("waiting", None, "running"),
    ],
)
def test_other_ends_of_a_job(status: str, conclusion: str | None, kind: str) -> None:
    assert take(job_payload(status, conclusion), "workflow_job").kind == kind


def test_the_step_at_which_a_stopped_job_stood() -> None:
    steps = [
        {"name": "Set up job", "status": "completed", "conclusion": "success"},
        {"name": "Run tests", "status": "in_progress", "conclusion": None},
    ]
    event = take(job_payload(steps=steps), "workflow_job")
    assert event.build is not None
    assert event.build.jobs[0].failed_step == "Run tests"


def test_what_is_missing_may_be_missing() -> None:
    bare = {"id": 9, "run_id": 8, "name": "build", "conclusion": "failure"}
    payload = {"action": "completed", "repository": {"full_name": "acme/shop"}, "workflow_job": bare}
    event = take(payload, "workflow_job")
    assert event.build is not None
    assert event.build.failed_jobs[0].labels == ()
    event = take({**payload, "workflow_job": {**bare, "steps": None, "labels": None}}, "workflow_job")
    assert event.kind == "failed"


@pytest.mark.parametrize("event", ["ping", "push", "check_run", "workflow_dispatch", "x" * 5000])
def test_other_events_are_ignored(event: str) -> None:
    read_event = take({"zen": "Keep it logically awesome.", "hook_id": 1}, event)
    assert read_event.kind == "ignored"
    assert read_event.build is None
    assert len(read_event.why) < 200


@pytest.mark.parametrize("delivery", ["", "two words", "x" * 500, "é"])
def test_a_delivery_without_a_usable_id_is_known_by_its_body(delivery: str) -> None:
    first = take(run_payload(), **{"X-GitHub-Delivery": delivery})
    assert first.delivery.startswith("sha256-")
    assert take(run_payload(), **{"X-GitHub-Delivery": delivery}).delivery == first.delivery
    assert take(run_payload(id=4), **{"X-GitHub-Delivery": delivery}).delivery != first.delivery


def test_a_large_payload() -> None:
    steps = [{"name": f"step {n} " + "x" * 1000, "status": "completed", "conclusion": "success"} for n in range(5000)]
    event = take(job_payload(steps=steps), "workflow_job")
    assert event.kind == "failed"


@pytest.mark.shared
def test_runs_as_others_recorded_them() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not beside the checkout")
    lines = (SAMPLES / "pygithub-WorkflowRun.test_rerun_failed_jobs.txt").read_text().splitlines()
    run = next(json.loads(line) for line in lines if line.startswith('{"id"'))
    event = take({"action": "completed", "workflow_run": run, "repository": run["repository"]})
    assert event.build is not None
    assert event.build.key.id == "github:PyGithub/PyGithub:3881497935:2"
    assert (event.kind, event.build.author, event.build.actor) == ("failed", "Chris Gavin", "chrisgavin")
