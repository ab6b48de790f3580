"""A case, from notice to outcome, as the store keeps it and Slack shows it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.model import Noun
from bot.model.build import Build, CaseKey
from bot.model.diagnosis import Diagnosis, LogSummary

CaseState = Literal[
    "new",  # known, nothing read yet
    "reading",  # fetching the build and its logs
    "probing",  # log read, probes under way
    "open",  # diagnosed; the run is not finished, more jobs may fail
    "diagnosed",  # final: buttons that act appear now
    "acting",  # a re-run was asked for and is being sent
    "watching",  # sent; waiting for the new attempt
    "recovered",  # the new attempt passed
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


class Action(Noun):
    """Something done to the world for a case, at most once."""

    kind: Literal["rerun"]
    id: str  # idempotency key, e.g. "rerun:github:acme/shop:17283940511:1"
    requested_by: str  # Slack user id
    state: Literal["waiting", "approved", "sending", "sent", "failed", "unknown", "declined", "expired"]
    approvals: tuple[str, ...] = ()  # Slack user ids
    needed: int = 0
    expires: float | None = None  # UNIX time after which a waiting request lapses
    decided_by: str | None = None  # who declined, where it was declined
    detail: str | None = None  # what came back, or why it failed, in words
    new_attempt: int | None = None


class Case(Noun):
    key: CaseKey
    state: CaseState = "new"
    build: Build | None = None
    findings: tuple[JobFinding, ...] = ()
    action: Action | None = None
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
    # "wrong" -> the opaque id that goes into the button's value
    outcome: str | None = None  # after an action: what became of it, in words

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def causes(self) -> tuple[str, ...]:
        """The distinct top causes of the failed jobs, in order."""
        return tuple(dict.fromkeys(f.diagnoses[0].cause for f in self.findings))
