"""Webhooks of Argo CD's notifications. They have no payload and no signature of their own: the template in
deploy/argocd-notifications.yaml defines both. Pure.

    Authorization: Bearer WEBHOOK_SECRET

    {"trigger": "on-sync-failed", "app": "shop", "namespace": "argocd", "project": "default",
     "phase": "Failed", "revision": "3f2a...", "revisions": [], "started": "2026-11-20T14:03:00Z",
     "finished": "2026-11-20T14:03:09Z", "health": "Degraded", "message": "one or more objects failed to apply"}
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.deploy.argocd_plan import short
from bot.deploy.argocd_wire import one_line
from bot.model.errors import BadPayload, BadSignature
from bot.model.release import DeployEvent
from bot.outbound import read_json

_KINDS: dict[str, Literal["failed", "degraded", "deployed", "running"]] = {
    "on-sync-failed": "failed",
    "on-health-degraded": "degraded",
    "on-deployed": "deployed",
    "on-sync-running": "running",
}
_WORDS = {"failed": "the sync of", "degraded": "unhealthy since", "deployed": "deployed", "running": "deploys"}


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    trigger: str
    app: str
    namespace: str | None = None
    phase: str | None = None
    revision: str | None = None
    revisions: tuple[str, ...] | None = None
    started: str | None = None
    finished: str | None = None
    health: str | None = None
    message: str | None = None

    @property
    def shown(self) -> str:
        return ", ".join(self.revisions or ()) or self.revision or "a revision that is not told"

    @property
    def event(self) -> str:
        """A digest of what identifies the event: the same one told twice has the same."""
        parts = (self.trigger, self.namespace, self.app, self.shown, self.phase, self.started, self.finished)
        return f"sha256-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def read(
    deploy: str, secret: str | None, app: str, namespace: str | None, headers: Mapping[str, str], body: bytes
) -> DeployEvent:
    """Verify and read one delivery about `app`. Raises BadSignature, BadPayload."""
    _verify(deploy, secret, {name.lower(): value for name, value in headers.items()})
    told = _payload(deploy, body)
    kind = _KINDS.get(told.trigger)
    if kind is None:
        why = f"the trigger {told.trigger[:60]!r} is not used"
    elif told.app != app or (namespace is not None and told.namespace not in (None, namespace)):
        why = f"it is about the application {told.app[:100]!r}, not {app!r}"
    else:
        said = f": {one_line(told.message)}" if told.message else ""
        why = f"{_WORDS[kind]} {short(told.shown)[:200]}{' failed' if kind == 'failed' else ''}{said}"
        return DeployEvent(kind=kind, delivery=told.event, why=why)
    return DeployEvent(kind="ignored", delivery=told.event, why=why)


def _verify(deploy: str, secret: str | None, headers: Mapping[str, str]) -> None:
    if not secret:
        raise BadSignature(f"{deploy}: no webhook_secret is configured, so no webhook can be believed")
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise BadSignature(f"{deploy}: Authorization: Bearer is missing: see deploy/argocd-notifications.yaml")
    if not hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), secret.encode()):
        raise BadSignature(f"{deploy}: the bearer token is wrong: is webhook_secret the one of the notification?")


def _payload(deploy: str, body: bytes) -> _Payload:
    try:
        return _Payload.model_validate(read_json(body))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise BadPayload(f"{deploy}: the payload: {path[:200]}: {first['msg'].lower()[:200]}") from None
    except (ValueError, RecursionError):
        raise BadPayload(f"{deploy}: the payload is not JSON: see deploy/argocd-notifications.yaml") from None
