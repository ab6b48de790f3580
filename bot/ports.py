"""The small protocols that the workflows need of the outside. Adapters implement them; fakes pass the same suites.

No vendor JSON crosses these lines. Every method may raise the errors of `bot.model.errors` and no others.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from bot.model import Noun
from bot.model.build import Build, CIEvent, Job, RunRef
from bot.model.case import Case, MessageRef
from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.release import DeployEvent, Plan, Release, Watched
from bot.triage.audit import AuditEntry

NoticeVerdict = Literal["failed", "running", "passed", "cancelled", "unclear"]


class Check(Noun):
    """One line of `config check`: what was tried, whether it works, and what to do if not."""

    what: str
    ok: bool
    detail: str


class CI(Protocol):
    """One CI system. Built from its configuration entry; owns its own settings class."""

    name: str
    kind: str
    channel: str | None  # where failures told by webhook alone are posted

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> CIEvent:
        """Verify and read. Raises BadSignature, BadPayload. Events not used come back as `ignored`."""

    def recognise(self, url: str) -> RunRef | None:
        """The run or job that a URL, as people copy it from a browser, points at; None if it is not ours."""

    async def build(self, ref: RunRef) -> Build:
        """The attempt (the latest if `ref.attempt` is None) with all its jobs, time limits told from cancellations."""

    def log(self, build: Build, job: Job) -> AsyncIterator[bytes]:
        """The job's log, streamed in blocks. Raises NotYet while it is not written, Refused if it never will be.
        A break in the middle raises Unavailable after what had come."""

    async def rerun(self, build: Build) -> None:
        """Ask for the failed jobs of this attempt to run again. Not idempotent: see `did_rerun`."""

    async def did_rerun(self, build: Build) -> bool | None:
        """Whether an attempt after this one exists; None where the CI cannot tell."""

    async def check(self) -> Sequence[Check]:
        """Reach the service with the configured credentials."""

    async def close(self) -> None: ...


class Deploy(Protocol):
    """One application of a deploy system. Built from its configuration entry; owns its own settings class."""

    name: str
    kind: str
    app: str
    environment: str
    repositories: tuple[str, ...]  # whose failed releases may be rolled back here
    channel: str | None  # where failures told by webhook alone are posted

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> DeployEvent:
        """Verify and read. Raises BadSignature, BadPayload. Events not used come back as `ignored`."""

    def recognise(self, url: str) -> bool:
        """Whether a URL, as people copy it from a browser or a notice has it, leads to this application."""

    async def release(self) -> Release:
        """How it stands now. Raises Refused, Unavailable."""

    async def plan(self, revision: str | None = None) -> Plan:
        """What a rollback to `revision` (an id of the history, or what was deployed, at least 7 characters of it; None:
        the entry before the current one) would change. Raises Refused, in words, where there is nothing to go back to,
        where the name fits several entries, or where it is what runs already."""

    async def rollback(self, plan: Plan) -> None:
        """Do it: automation that would undo it is switched off first. Not idempotent: see `did_rollback`. Raises Moved
        where the application does not stand as it did when the plan was made (but for automation that an earlier try
        has switched off), Refused (certainly not done), Unavailable (may or may not have got through)."""

    async def did_rollback(self, plan: Plan) -> bool | None:
        """Whether a rollback to the plan's target was begun since the plan was made; None where that cannot be told."""

    async def watch(self, plan: Plan) -> Watched:
        """What became of it so far."""

    async def restore(self, plan: Plan) -> str | None:
        """Put back what `rollback` switched off, as it was. Idempotent. Returns what was put back in words, or None
        where there was nothing to put back."""

    async def check(self) -> Sequence[Check]: ...

    async def close(self) -> None: ...


class Vantage(Protocol):
    """A place that probes run from."""

    name: str
    kind: str

    def serves(self, ci: str, repository: str, job: Job) -> bool:
        """Whether builds of this kind run there."""

    async def run(self, requests: Sequence[ProbeRequest], deadline: float) -> Sequence[ProbeResult]:
        """All probes at once, within `deadline` seconds; one result for each request, in order.
        A probe's own failure is a result. Raises VantageDown when the place itself cannot be used."""

    async def check(self) -> Sequence[Check]: ...

    async def close(self) -> None: ...


class Chat(Protocol):
    """Where people are. Rendering is the adapter's: it is handed the case, not text."""

    async def show(self, case: Case, *, channel: str, thread: str | None, broadcast: bool = False) -> MessageRef:
        """Post the case's message. Raises Unavailable, Refused."""

    async def update(self, case: Case, message: MessageRef) -> None:
        """Bring the message up to date with the case."""

    async def find(self, case_id: str, *, channel: str, thread: str | None) -> MessageRef | None:
        """Our message about this case, if it is already there (after a crash): by its metadata."""

    async def link(self, message: MessageRef) -> str | None:
        """Permalink of a message."""

    async def members(self, group: str) -> Sequence[str]:
        """The user ids of a user group (S...). Raises Refused where it cannot be resolved."""

    async def person_by_email(self, email: str) -> str | None:
        """The Slack user id behind an e-mail address; None where it is not known or may not be asked. Never a reason to
        allow anything: it only tells whom a commit's author is."""

    async def tell(self, user: str, channel: str, text: str, *, thread: str | None = None) -> None:
        """One line to one person alone (chat.postEphemeral)."""


class Who(Noun):
    """A person (or not) as Slack's signed payload tells: identity is (team, user), never a name."""

    team: str
    user: str
    is_bot: bool = False
    is_guest: bool = False  # restricted, ultra-restricted or a stranger from a shared channel


class Status(Noun):
    """What `/medic status` shows."""

    version: str
    paused: str | None = None  # who paused, in words
    open_cases: int = 0
    recent: tuple[Case, ...] = ()
    services: tuple[Check, ...] = ()
    notices_read: int = 0
    notices_unread: int = 0


class Desk(Protocol):
    """What people and notices may ask of us; Slack's listeners call it. Implemented by `bot.workflow.desk`.
    Returned text is for the asker alone; None says nothing. Raises UsageError for a wrong argument."""

    async def notice(self, message: MessageRef, urls: Sequence[str], verdict: NoticeVerdict) -> str:
        """A CI's message in a watched channel (or its edit). Returns what was done with it, for the log."""

    async def triage(self, url: str, channel: str, who: Who) -> str:
        """`/medic triage URL`: the case's message is posted into `channel`."""

    async def rerun(self, url: str, channel: str, who: Who) -> str:
        """`/medic rerun URL`."""

    async def rollback(self, deploy: str, revision: str | None, channel: str, who: Who) -> str:
        """`/medic rollback DEPLOY [REVISION]`: shows what would change, and asks those who have to agree."""

    async def approvals(self) -> Sequence[tuple[Case, str | None]]:
        """The cases whose action waits for approval, each with the permalink of its message."""

    async def press(self, button: str, channel: str, who: Who, at: float | None = None) -> str | None:
        """A button was pressed (and confirmed, where it has a dialog). `button` is its opaque id, `at` the UNIX time
        at which the click reached us: one that comes through very late (an outage) is told so and does nothing."""

    async def pause(self, on: bool, who: Who) -> str: ...

    async def status(self) -> Status: ...


class CaseStore(Protocol):
    """What must survive. Every method is one transaction; all are safe to repeat."""

    def atomic(self) -> AbstractContextManager[None]:
        """Several calls as one transaction: all of them stand afterwards, or (an error inside) none."""

    def get_case(self, case_id: str) -> Case | None: ...

    def open_case(self, case: Case) -> tuple[Case, bool]:
        """Insert if new. Returns what is stored now, and whether this call made it."""

    def change_case(self, case_id: str, change: Callable[[Case], Case]) -> Case:
        """Read, change and write in one transaction. `change` is pure and may raise to abandon.
        Raises KeyError where there is no such case."""

    def recent_cases(self, limit: int = 20, states: Sequence[str] | None = None) -> Sequence[Case]: ...

    # deliveries: what came in, kept before it is worked on
    def keep_delivery(self, source: str, delivery: str, headers: Mapping[str, str], body: bytes) -> bool:
        """False if this delivery is known already."""

    def pending_deliveries(self, now: float, limit: int = 100) -> Sequence["Delivery"]:
        """Oldest first; those delayed beyond `now` (UNIX time) are left out."""

    def settle_delivery(self, source: str, delivery: str, outcome: str) -> None:
        """Worked: its body is dropped, its id stays for de-duplication."""

    def delay_delivery(self, source: str, delivery: str, until: float, why: str) -> None: ...

    # notices: CI messages in watched channels, by the run they speak of
    def note_notice(self, run_key: str, message: MessageRef) -> MessageRef:
        """Remember the first notice for a run ("ci:repository:run"); returns the one that stands."""

    def notice_of(self, run_key: str) -> MessageRef | None: ...

    # buttons: opaque single-use ids
    def mint_button(self, case_id: str, action: str, digest: str, expires: float) -> str:
        """The same (case, action, digest) gives the same id again."""

    def button(self, opaque: str) -> "Button | None": ...

    # settings that people change at run time (pause ...)
    def get_flag(self, name: str) -> str | None: ...

    def set_flag(self, name: str, value: str | None) -> None: ...

    def audit(self, who: str, what: str, about: str, detail: Mapping[str, object], at: float) -> None:
        """Append to the audit log, a chain of hashes. `at` is UNIX time."""

    def audit_trail(self, about: str | None = None, limit: int = 1000, after: int = 0) -> Sequence[AuditEntry]:
        """Oldest first, those with a `seq` beyond `after`."""

    def ping(self) -> None:
        """Raises Unavailable if the store cannot be written."""

    def close(self) -> None: ...


class Delivery(Noun):
    source: str  # "slack", or the ci entry's name
    delivery: str
    headers: dict[str, str]
    body: bytes
    tries: int = 0
    received: float | None = None  # UNIX time


class Button(Noun):
    id: str
    case: str
    action: str
    digest: str
    expires: float  # UNIX time
