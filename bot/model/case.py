"""A case, from notice to outcome, as the store keeps it and Slack shows it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.model import Noun
from bot.model.build import Build, CaseKey
from bot.model.diagnosis import Diagnosis, LogSummary
from bot.model.release import Plan, Release

CaseState = Literal[
    "new",  # known, nothing read yet
    "reading",  # fetching the build and its logs
    "probing",  # log read, probes under way
    "open",  # diagnosed; the run is not finished, more jobs may fail
    "diagnosed",  # final: buttons that act appear now
    "acting",  # a re-run (or rollback) was decided and is being sent
    "watching",  # sent; waiting for the new attempt, or for the health of what was rolled back
    "recovered",  # the new attempt passed; the rolled back release is healthy
    "worse",  # the rollback failed, or what it brought back is unhealthy
    "restored",  # after a rollback: what it had switched off was put back
    "same-cause",  # it failed, with the same cause again
    "other-cause",  # it failed, with another cause
    "inconclusive",  # it was cancelled, or told nothing in time: a person has to look
    "passed",  # a notice or event spoke of failure, the CI says that the run passed
    "stuck",  # could not be triaged (the CI refuses us ...): `trouble` says why
]


class MessageRef(Noun):
    """A Slack message."""

    channel: str
    ts: str


class JobFinding(Noun):
    """The triage of one failed job."""

    job: str  # Job.id
    name: str
    log: LogSummary
    diagnoses: tuple[Diagnosis, ...]  # best first, never empty
    vantage: str | None = None  # where the probes ran
    untried: str | None = None  # why no probe ran from where the build ran, in words


ActionState = Literal[
    "waiting",  # for approvals
    "approved",  # decided; nothing has left yet
    "sending",  # about to leave, or left and not yet answered: after a crash the adapter is asked
    "sent",
    "failed",  # certainly not done, or refused
    "unknown",  # nobody can tell whether it was done: a person has to look
    "declined",
    "expired",
    "lapsed",  # the world moved after people had agreed to something else: nothing was done
]
OVER: frozenset[ActionState] = frozenset({"failed", "declined", "expired", "lapsed"})
"""Ended without an effect: it may be asked for again."""


class Action(Noun):
    """Something done to the world for a case, at most once."""

    kind: Literal["rerun", "rollback", "restore"]
    id: str  # idempotency key, e.g. "rerun:github:acme/shop:17283940511:1#1"
    requested_by: str  # Slack user id
    state: ActionState
    digest: str = ""  # stands for what people were shown: action, target, revision, evidence
    plan: Plan | None = None  # of a rollback (and of putting back what it switched off)
    approvals: tuple[str, ...] = ()  # Slack user ids
    needed: int = 0
    approvers: tuple[str, ...] = ()  # who was to decide when it was asked for, to be shown; never a reason to allow
    expires: float | None = None  # UNIX time after which a waiting request lapses
    decided_by: str | None = None  # who declined, where it was declined
    detail: str | None = None  # what came back, or why it failed, in words
    new_attempt: int | None = None


class Case(Noun):
    key: CaseKey
    state: CaseState = "new"
    build: Build | None = None
    findings: tuple[JobFinding, ...] = ()
    action: Action | None = None  # the latest one
    past: tuple[Action, ...] = ()  # those before it, oldest first
    release: Release | None = None  # of a case about a release: how it stood when we looked
    authors: tuple[
        str, ...
    ] = ()  # who wrote what is to be rolled back, as the CI names them, beside the build's author
    offers: dict[str, Plan] = Field(default_factory=dict)  # rollbacks that may be asked for here, by deploy entry
    away: str | None = None  # said once after a restart: when clicks could not be taken, in words
    notice: MessageRef | None = None  # the CI's own notice, if one was seen
    notice_link: str | None = None  # permalink of a notice that came after our own message
    channel: str | None = None  # where the reply goes
    thread: str | None = None  # the ts of the message it goes under; None: a message of our own
    posting: bool = False  # set before the reply is first sent: after a crash, look before posting
    reply: MessageRef | None = None  # our message about this case
    asked_by: str | None = None  # Slack user id, when a person asked (`/medic triage`)
    previous: str | None = None  # case id of the attempt before
    trouble: str | None = None  # what went wrong on our side, and what we do next
    opened: datetime
    updated: datetime
    buttons: dict[str, str] = Field(
        default_factory=dict
    )  # what may be pressed now: "rerun", "approve", "decline", "right",
    # "wrong", "rollback:DEPLOY", "restore" -> the opaque id that goes into the button's value
    outcome: str | None = None  # after an action: what became of it, in words

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def causes(self) -> tuple[str, ...]:
        """The distinct top causes of the failed jobs, in order."""
        return tuple(dict.fromkeys(f.diagnoses[0].cause for f in self.findings))
