"""Argo CD's JSON, and what it means in our nouns. Pure.

Only the fields that are used are named; words are open. Sources: Argo CD's published swagger description, and its
server and controller for what the fields mean:

- The history has an entry for every sync that *succeeded*, oldest first; a sync that failed leaves none.
- `operation` is what was asked and is not taken up or not finished; setting it clears `status.operationState`.
- `status.sync.revision` is what git says should run, not what runs: after a rollback it still names the newer commit.
- Settings of the source (Helm parameters, Kustomize images) are part of what was deployed: two entries of one commit
  may differ in them alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.model.release import Health, Revision
from bot.triage.redact import redact

TEXT = 500  # characters of one message of Argo CD that are kept
_HEALTH: dict[str, Health] = {
    "Healthy": "healthy", "Progressing": "progressing", "Degraded": "degraded", "Suspended": "suspended",
    "Missing": "missing",
}  # fmt: skip


def _time(value: object) -> object:
    """Go writes the year 1, or null, for what never happened."""
    return None if not value or (isinstance(value, str) and value.startswith("0001-")) else value


def _aware(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def one_line(text: str | None, limit: int = TEXT) -> str:
    """Words of Argo CD or of a commit, fit to be shown and stored: git's and Helm's errors quote URLs with log-ins."""
    return redact(" ".join((text or "").split()))[:limit]


Time = Annotated[datetime | None, BeforeValidator(_time), AfterValidator(_aware)]
Id = Annotated[int, Field(ge=0, le=2**63 - 1)]  # gRPC's JSON writes 64-bit integers as strings: both are read
Source = dict[str, Any]
Parts = tuple[str, ...]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Initiator(_Wire):
    username: str | None = None
    automated: bool | None = None

    @property
    def shown(self) -> str | None:
        return self.username or ("auto-sync" if self.automated else None)


class _Deployed(_Wire):
    """One revision and source, or, for an application of several sources, one of each."""

    revision: str | None = None
    revisions: tuple[str, ...] | None = None
    source: Source | None = None
    sources: tuple[Source, ...] | None = None

    @property
    def parts(self) -> Parts:
        return tuple(self.revisions) if self.revisions else ((self.revision,) if self.revision else ())

    @property
    def settings(self) -> str:
        """A digest of the sources less the revision that each follows; empty where they are not told."""
        told = [s for s in (self.sources or (self.source,)) if s]
        bare = [{k: v for k, v in source.items() if k != "targetRevision"} for source in told]
        return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:16] if bare else ""

    def same(self, other: _Deployed) -> bool:
        """Whether the two deploy the same thing. What one of them does not tell is not held against it."""
        told = self.settings and other.settings
        return self.parts == other.parts and (not told or self.settings == other.settings)


class Entry(_Deployed):
    """One entry of the history."""

    id: Id
    deployedAt: Time = None
    initiatedBy: Initiator | None = None

    def noun(self) -> Revision:
        by = self.initiatedBy.shown if self.initiatedBy else None
        return Revision(id=str(self.id), revision=", ".join(self.parts), deployed_at=self.deployedAt, deployed_by=by)


class Sync(_Deployed):
    dryRun: bool | None = None
    resources: tuple[Any, ...] | None = None
    manifests: tuple[str, ...] | None = None


class Operation(_Wire):
    sync: Sync | None = None
    initiatedBy: Initiator | None = None


class OperationState(_Wire):
    operation: Operation = Operation()
    phase: str = ""
    message: str | None = None
    startedAt: Time = None
    finishedAt: Time = None
    syncResult: _Deployed | None = None


class Attempt(_Wire):
    """The newest operation, whether Argo CD has begun with it or not."""

    what: _Deployed
    whole: bool  # a sync of everything, for real: not a dry run, not of chosen resources, not of local manifests
    phase: str  # "" while it is not taken up
    message: str = ""
    by: str | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def shown(self) -> str:
        return ", ".join(self.what.parts) or "a revision that is not told"

    @property
    def mark(self) -> str:
        """Tells this operation from the ones before and after it."""
        return f"{self.started.isoformat() if self.started else 'waiting'} {', '.join(self.what.parts)}"

    @property
    def running(self) -> bool:
        return self.phase in ("", "Running", "Terminating")

    @property
    def failed(self) -> bool:
        return self.phase in ("Failed", "Error")


class HealthStatus(_Wire):
    status: str | None = None
    message: str | None = None
    lastTransitionTime: Time = None


class Condition(_Wire):
    type: str = ""
    message: str | None = None


class Summary(_Wire):
    images: tuple[str, ...] | None = None


class SyncStatus(_Wire):
    status: str | None = None
    revision: str | None = None


class Status(_Wire):
    history: tuple[Entry, ...] | None = None
    health: HealthStatus | None = None
    operationState: OperationState | None = None
    conditions: tuple[Condition, ...] | None = None
    reconciledAt: Time = None
    summary: Summary | None = None
    sync: SyncStatus | None = None


class SyncPolicy(_Wire):
    automated: dict[str, Any] | None = None


class Spec(_Wire):
    project: str = "default"
    source: Source | None = None
    sources: tuple[Source, ...] | None = None
    syncPolicy: SyncPolicy | None = None


class Owner(_Wire):
    kind: str = ""
    name: str = ""


class Metadata(_Wire):
    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ownerReferences: tuple[Owner, ...] | None = None


class App(_Wire):
    """An application as `GET /api/v1/applications/NAME` has it."""

    metadata: Metadata
    spec: Spec = Spec()
    operation: Operation | None = None
    status: Status = Status()

    @property
    def history(self) -> tuple[Entry, ...]:
        return tuple(sorted(self.status.history or (), key=lambda entry: entry.id))

    @property
    def last_id(self) -> int:
        return self.history[-1].id if self.history else -1

    @property
    def automated(self) -> dict[str, Any] | None:
        """`syncPolicy.automated` as it stands, whatever is in it."""
        return self.spec.syncPolicy.automated if self.spec.syncPolicy else None

    @property
    def auto(self) -> bool:
        """Whether auto-sync is on. `enabled` is true where it is left out (an older Argo CD knows no such word)."""
        return self.automated is not None and self.automated.get("enabled") is not False

    @property
    def attempt(self) -> Attempt | None:
        state, asked = self.status.operationState, self.operation
        if asked is not None and (state is None or state.finishedAt is not None):
            return _attempt(asked, None)  # what the state tells is of the operation before this one
        return _attempt(state.operation, state) if state is not None else None

    @property
    def undelivered(self) -> Attempt | None:
        """The newest operation where it is no entry of the history: it runs, or it failed and left none."""
        newest = self.attempt
        if newest is None or not newest.whole or not newest.what.parts or not (newest.running or newest.failed):
            return None
        return None if self.history and newest.what.same(self.history[-1]) else newest

    @property
    def now(self) -> _Deployed:
        """What Argo CD was last told to run: the newest entry of the history, or what came after it and is no entry.

        A sync that failed may have been applied in part: what runs is neither the old nor the new. The way back
        leads from what was tried, so that counts as current, and the newest entry is what was before it.
        """
        newest = self.undelivered
        if newest is not None:
            return newest.what
        return self.history[-1] if self.history else _Deployed()

    def current(self) -> Revision:
        """`now`, as a noun. Its id is empty where it is no entry of the history."""
        newest = self.undelivered
        if newest is None:
            return self.history[-1].noun()
        return Revision(id="", revision=newest.shown, deployed_at=newest.started, deployed_by=newest.by)

    @property
    def health(self) -> Health:
        told = self.status.health
        return _HEALTH.get(told.status or "", "unknown") if told else "unknown"

    @property
    def health_note(self) -> str | None:
        """What Argo CD says about the health, or what keeps it from telling."""
        said = [self.status.health.message] if self.status.health else []
        said += [f"{c.type}: {c.message}" for c in self.status.conditions or () if c.type.endswith("Error")]
        return one_line("; ".join(text for text in said if text)) or None

    @property
    def keepers(self) -> tuple[str, ...]:
        """Who manages this application and may switch auto-sync on again (argo-cd #5351), in words."""
        owners = [f"the {o.kind} {o.name}" for o in self.metadata.ownerReferences or () if o.kind == "ApplicationSet"]
        tracked = (self.metadata.annotations or {}).get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
        parent = tracked or (self.metadata.labels or {}).get("app.kubernetes.io/instance", "")
        if parent and parent != self.metadata.name:
            owners.append(f"the application {parent}")
        return tuple(one_line(owner, 200) for owner in owners)


def _attempt(operation: Operation, state: OperationState | None) -> Attempt:
    sync = operation.sync or Sync()
    result = state.syncResult if state is not None else None
    what = result if result is not None and result.parts else sync
    return Attempt(
        what=_Deployed(**{**sync.model_dump(exclude={"dryRun", "resources", "manifests"}), **_told(what)}),
        whole=(operation.sync is not None or bool(what.parts))
        and not (sync.dryRun or sync.resources or sync.manifests),
        phase=state.phase if state is not None else "",
        message=one_line(state.message) if state is not None else "",
        by=operation.initiatedBy.shown if operation.initiatedBy else None,
        started=state.startedAt if state is not None else None,
        finished=state.finishedAt if state is not None else None,
    )


def _told(what: _Deployed) -> dict[str, Any]:
    return {k: v for k in ("revision", "revisions", "source", "sources") if (v := getattr(what, k))}


class RevisionMetadata(_Wire):
    author: str | None = None
    message: str | None = None


class Manifests(_Wire):
    manifests: tuple[str, ...] | None = None


class CanI(_Wire):
    value: str = ""


def images(manifests: Iterable[str], most: int = 50) -> tuple[str, ...]:
    """The container images that Kubernetes manifests (JSON texts) name, sorted. Unreadable ones are passed over."""
    found: set[str] = set()
    for text in manifests:
        try:
            _gather(json.loads(text), found)
        except (ValueError, RecursionError):
            continue
    return tuple(sorted(found)[:most])


def _gather(thing: Any, found: set[str]) -> None:
    if isinstance(thing, list):
        for item in thing:
            _gather(item, found)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key in ("containers", "initContainers", "ephemeralContainers") and isinstance(value, list):
                named = (c.get("image") for c in value if isinstance(c, dict))
                found.update(one_line(image) for image in named if isinstance(image, str) and image)
            else:
                _gather(value, found)
