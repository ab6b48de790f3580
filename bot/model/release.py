"""A release as every deploy system has it: what runs where, what ran before, and the way back."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.model import Noun

Health = Literal["healthy", "progressing", "degraded", "suspended", "missing", "unknown"]
"""How the deployed thing is, in Argo CD's words; another system's are translated by its adapter."""


class Revision(Noun):
    """One entry of a deploy system's history."""

    id: str  # the system's own id of the entry, e.g. Argo CD's history id "7"; empty: failed or under way, no entry yet
    revision: str  # what was deployed: a commit, a chart's version ...; several sources are joined by ", "
    images: tuple[str, ...] = ()  # container images of it, as far as they can be told
    deployed_at: datetime | None = None
    deployed_by: str | None = None
    author: str | None = None  # of the commit, e.g. "Ada <ada@acme.example>"
    message: str | None = None  # first line of the commit's message


class Release(Noun):
    """How an application stands now."""

    deploy: str  # the `name` of the deploys entry
    app: str
    environment: str
    current: Revision
    health: Health
    health_note: str | None = None  # what the system says about it
    busy: str | None = None  # an operation under way, in words; None where there is none
    failed: str | None = None  # why the last operation failed, in words; None where it did not
    automatic: str | None = None  # what would undo a rollback (auto-sync ...), in words; None where nothing would
    history: tuple[Revision, ...] = ()  # newest first, the current one among them
    url: str | None = None  # where people look at it


class Plan(Noun):
    """What a rollback would change, exactly: people approve this and nothing else."""

    deploy: str
    app: str
    environment: str
    current: Revision
    target: Revision
    health: Health  # before
    automatic: str | None = None  # what has to be switched off for it, in words
    warnings: tuple[str, ...] = ()  # what the people who approve should know (an image that cannot be told ...)
    url: str | None = None
    marks: dict[str, str] = Field(
        default_factory=dict
    )  # the adapter's own notes of how the world stood: tells later whether it happened
    undo: dict[str, str] = Field(default_factory=dict)  # the adapter's own notes of what to put back after it


class Watched(Noun):
    """What became of a rollback so far. `good`: the target runs and is healthy. `worse`: it failed, or what runs now is
    unhealthy. `running`: not settled. `unclear`: a person has to look."""

    state: Literal["running", "good", "worse", "unclear"]
    words: str


class DeployEvent(Noun):
    """What a deploy system's webhook says, read and verified."""

    kind: Literal["failed", "degraded", "deployed", "running", "ignored"]
    delivery: str  # for de-duplication; a digest of the body where the sender has no id
    why: str = ""  # in words
