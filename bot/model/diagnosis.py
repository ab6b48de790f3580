"""Evidence, probes, diagnoses: the words in which an answer is given. Shapes follow CONTRACT (triage --json)."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from bot.model import Noun

ProbeOutcome = Literal[
    "ok", "timeout", "refused", "reset", "unreachable", "prohibited", "nxdomain", "servfail", "dns-refused",
    "nodata", "tls-untrusted", "tls-expired", "tls-name", "tls-error", "http-status", "proxy-auth", "proxy-error",
    "short", "slow", "denied", "unsupported", "error",
]  # fmt: skip
Role = Literal["cause", "hint", "wrapper", "symptom"]
LogState = Literal["read", "partial", "missing", "failed"]
"""Four different answers: read to its end; only a part could be had; no log (yet); the engine failed on it."""


class LogSummary(Noun):
    bytes: int = 0
    lines: int = 0
    state: LogState = "read"
    note: str | None = None  # in words, when state is not "read"


class Hit(Noun):
    """One rule on one line, confirmed by RE2 on the cleaned and redacted text."""

    playbook: str
    rule: int  # index into match.any
    line: int  # counts from 1 in the log as it was given
    text: str  # cleaned, redacted, at most 500 characters
    start: int = 0  # span of the match in the cleaned line: the last link of a chain wins
    end: int = 0
    facts: dict[str, str] = Field(default_factory=dict)
    context: tuple[str, ...] = ()  # a few cleaned, redacted lines around it, the hit's own among them
    role: Role = "cause"
    step: str | None = None  # the log's own group or section in which the line stands
    suppressed: str | None = None  # why it does not count (recovered, look-alike ...), in words


class Scan(Noun):
    """What one log showed."""

    log: LogSummary
    hits: tuple[Hit, ...] = ()  # in the order of the log; bounded per rule, first and last kept
    counts: dict[str, int] = Field(default_factory=dict)  # playbook id -> all confirmed hits, beyond those kept
    last_command: str | None = None  # the last command the log shows, where it shows commands
    tail: tuple[str, ...] = ()  # the last few cleaned, redacted lines
    failed_step: str | None = None  # the log's own name of the step in which a failure is told first


class ProbeRequest(Noun):
    """One probe to run. `at` says from which side: the build's vantage, or a control."""

    id: str
    verb: str
    args: dict[str, Any] = Field(default_factory=dict)
    at: Literal["build", "control"] = "build"


class ProbeResult(Noun):
    id: str
    verb: str
    vantage: str  # its name, or "" where none was there to run it
    outcome: ProbeOutcome
    ms: float | None = None  # wall time on the far side, milliseconds
    facts: dict[str, Any] = Field(default_factory=dict)  # `error`: one line of detail in words
    ran: bool = True  # False: it could not be run; `facts.error` says why

    @property
    def ok(self) -> bool:
        return self.ran and self.outcome == "ok"


class Evidence(Noun):
    line: int
    text: str
    facts: dict[str, str] = Field(default_factory=dict)
    context: tuple[str, ...] = ()


class Step(Noun):
    say: str
    code: str | None = None
    file: str | None = None


class Remedy(Noun):
    summary: str
    steps: tuple[Step, ...] = ()


class Proposal(Noun):
    action: str  # "rerun" ...
    note: str | None = None


class Diagnosis(Noun):
    """One hypothesis, weighed. Confidence is 0..1."""

    cause: str
    playbook: str | None = None
    title: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    because: tuple[str, ...] = ()  # reasons, in words a person can check
    remedy: Remedy
    proposals: tuple[Proposal, ...] = ()
    links: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()  # commands to try where no vantage could: filled when probes did not run
    caution: str | None = None  # why running the step that failed again may do harm; None where nothing says so


class Timings(Noun):
    """Milliseconds."""

    scan: float = 0
    probes: float = 0
    total: float = 0


class TriageReport(Noun):
    """The object that `triage --json` prints. `diagnoses` is best first and never empty."""

    schema_: str = Field(default="buildmedic.triage/1", alias="schema")
    diagnoses: tuple[Diagnosis, ...]
    log: LogSummary
    ms: Timings = Timings()

    model_config = ConfigDict(populate_by_name=True)
