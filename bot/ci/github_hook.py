"""GitHub's webhooks: the signature first, then the shape, then the meaning. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.ci.github_wire import FULL_NAME, Repository, User, WireJob, WireRun
from bot.model.build import Build, CaseKey, CIEvent, Outcome
from bot.model.errors import BadPayload, BadSignature
from bot.outbound import read_json

M = TypeVar("M", bound=BaseModel)
_DELIVERY = re.compile(r"[\x21-\x7e]{1,200}")


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    action: str
    repository: Repository
    sender: User | None = None


class _RunPayload(_Payload):
    workflow_run: WireRun


class _Deployment(BaseModel):
    environment: str | None = None


class _JobPayload(_Payload):
    workflow_job: WireJob
    deployment: _Deployment | None = None  # where the job has an `environment:`


def read(ci: str, secret: str | None, headers: Mapping[str, str], body: bytes) -> CIEvent:
    """Verify and read one delivery. Raises BadSignature, BadPayload (which names the part that is missing)."""
    told = {name.lower(): value for name, value in headers.items()}
    _verify(ci, secret, told, body)
    event = told.get("x-github-event", "").strip()
    if not event:
        raise BadPayload(f"{ci}: the header X-GitHub-Event is missing")
    data = _json(ci, told, body)
    # the delivery id is not signed, so nothing hangs on it but de-duplication
    given = told.get("x-github-delivery", "").strip()
    delivery = given if _DELIVERY.fullmatch(given) else f"sha256-{hashlib.sha256(body).hexdigest()}"
    if event == "workflow_run":
        return _run(ci, delivery, _shape(ci, event, _RunPayload, data))
    if event == "workflow_job":
        return _job(ci, delivery, _shape(ci, event, _JobPayload, data))
    return CIEvent(kind="ignored", delivery=delivery, why=f"the event {event[:60]!r} is not used")


def _verify(ci: str, secret: str | None, headers: Mapping[str, str], body: bytes) -> None:
    if not secret:
        raise BadSignature(f"{ci}: no webhook_secret is configured, so no webhook can be believed")
    given = headers.get("x-hub-signature-256", "").strip()
    if not given:
        old = " (X-Hub-Signature, with SHA-1, does not count)" if "x-hub-signature" in headers else ""
        raise BadSignature(f"{ci}: X-Hub-Signature-256 is missing{old}: set a secret for the webhook")
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), given.encode()):
        raise BadSignature(f"{ci}: X-Hub-Signature-256 is wrong: is webhook_secret the one of the webhook?")


def _json(ci: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    text = body
    if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        text = _form(ci, body)
    try:
        data = read_json(text)
    except RecursionError:
        raise BadPayload(f"{ci}: the payload is nested too deeply") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadPayload(f"{ci}: the payload is not JSON{where}") from None
    if not isinstance(data, dict):
        raise BadPayload(f"{ci}: the payload is no JSON object")
    return data


def _form(ci: str, body: bytes) -> bytes:
    """GitHub's other content type: the JSON stands in the field `payload`; the signature is over the form as it is."""
    try:
        return parse_qs(body, strict_parsing=True, max_num_fields=20)[b"payload"][0]
    except KeyError:
        raise BadPayload(f"{ci}: the form has no field `payload`") from None
    except ValueError:
        raise BadPayload(f"{ci}: the body is not the form that its content type says") from None


def _shape(ci: str, event: str, model: type[M], data: dict[str, Any]) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadPayload(f"{ci}: {event} payload: {path[:200]}: {first['msg'].lower()[:200]}{more}") from None


def _run(ci: str, delivery: str, payload: _RunPayload) -> CIEvent:
    """A cancelled run is told as `failed` too, with the outcome `cancelled`: it may have hit a job's time limit, which
    the payload does not say. `build()` tells; the workflow drops the case when no job timed out."""
    run = payload.workflow_run
    build = run.noun(ci, _repository(ci, payload))
    kinds: dict[Outcome, Any] = {
        "failure": "failed", "timed-out": "failed", "cancelled": "failed", "success": "passed", "skipped": "passed",
    }  # fmt: skip
    kind = kinds.get(build.outcome, "running")  # action_required and words of the future: somebody should look again
    if run.conclusion in ("neutral", "stale"):
        kind = "passed"
    return CIEvent(kind=kind, delivery=delivery, build=build)


def _job(ci: str, delivery: str, payload: _JobPayload) -> CIEvent:
    """One job of a run that may go on: `failed` once a job failed (or was cancelled: see `_run`), else `running`."""
    wire = payload.workflow_job
    job = wire.noun()
    repository = _repository(ci, payload)
    home = payload.repository.html_url
    build = Build(
        key=CaseKey(ci=ci, repository=repository, run=str(wire.run_id), attempt=wire.run_attempt),
        outcome="running",
        title=wire.workflow_name or "",
        url=f"{home}/actions/runs/{wire.run_id}" if home else None,
        branch=wire.head_branch,
        commit=wire.head_sha,
        actor=payload.sender.login if payload.sender else None,
        environment=(payload.deployment.environment if payload.deployment else None) or None,
        jobs=(job,),
    )
    failed = job.outcome in ("failure", "timed-out", "cancelled")
    return CIEvent(kind="failed" if failed else "running", delivery=delivery, build=build)


def _repository(ci: str, payload: _Payload) -> str:
    name = payload.repository.full_name
    if not FULL_NAME.fullmatch(name):
        raise BadPayload(f"{ci}: repository.full_name is not owner/name")
    return name
