"""The order of hypotheses: what counts more than what, in one place, and the same in words.

A line's role counts more than its place; a probe counts more than both; then the failing step, an unmistakable line,
the end of the log, the last link of an error chain, and how specific the pattern is.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.model.diagnosis import Hit, Role
from bot.triage.playbook import Playbook

ROLES: Mapping[Role, int] = {"cause": 3, "hint": 2, "wrapper": 1, "symptom": 0}
"""A hint: words that mean it in most tools, and are no tool's own; any line that says it better comes first."""
UNMISTAKABLE = 0.5
"""A prior above this says that the line can mean nothing else."""
_LINK = re.compile(r":\s|\s>\s|;\s|\bcaused by\b", re.IGNORECASE)
_SYNTAX = re.compile(r"\(\?P?<\w+>|\(\?[imsU-]*:?|\\[A-Za-z]|\[[^\]]*\]|\{[\d,]*\}|[.*+?()|^$]")


class Standing(NamedTuple):
    """Compared from the first field to the last; more is better."""

    kept: bool  # not ruled out by a probe
    confirmed: bool  # a probe bears it out
    role: int
    step: bool  # in the step that failed
    probed: float  # confidence, where probes bear it out
    clear_line: bool  # some rule finds this line unmistakable
    line: int
    link: int  # in a chain of errors on one line: which link
    clear: bool  # this playbook finds it unmistakable
    confidence: float
    start: int
    specific: int
    tool: bool


_WHY: Mapping[str, str] = {
    "kept": "the other was ruled out by a probe",
    "confirmed": "a probe bears it out",
    "step": "it stands in the step that failed",
    "probed": "the probes speak more clearly for it",
    "clear_line": "its line is unmistakable",
    "line": "it stands nearer to the end of the log",
    "link": "it is a later link of the same chain of errors",
    "clear": "its pattern is unmistakable on that line",
    "start": "its match starts later on the same line",
    "confidence": "its confidence is higher",
    "specific": "its pattern is more specific",
    "tool": "it is about the tool that ran",
}


def why(first: Standing, second: Standing) -> str:
    """Why the first stands before the second, in words."""
    for field, a, b in zip(Standing._fields, first, second, strict=True):
        if a != b:
            if field == "role":
                names = {v: k for k, v in ROLES.items()}
                return f"a {names[first.role]} comes before a {names[second.role]}"
            return _WHY[field]
    return "nothing tells them apart (by name)"


def link(hit: Hit, end: int | None = None) -> int:
    """Which link of the line's error chain the match ends in, from 0."""
    return sum(1 for m in _LINK.finditer(hit.text) if m.end() <= (hit.end if end is None else end))


def place(hit: Hit, failing: str | None) -> tuple[bool, int, int, int, int, int]:
    """Order of one playbook's own hits: the failing step, the role, the line, the last link, the start, the
    groups that captured."""
    inside = failing is not None and hit.step == failing
    return inside, ROLES[hit.role], hit.line, link(hit), hit.start, len(hit.facts)


def least(*roles: Role) -> Role:
    """The one that counts least."""
    return min(roles, key=ROLES.__getitem__)


def failing_step(hits: Sequence[Hit], *hints: str | None) -> str | None:
    """The log's own name of the step that failed: as the CI says, as the log says, else where the first exit line
    stands, else where the last hit stands. Only unsuppressed hits are passed in."""
    steps: list[str | None] = [h.step for h in hits if h.step]
    for hint in hints:
        if hint and (named := [s for s in steps if s and _same_step(s, hint)]):
            return named[-1]
    wrappers = [h.step for h in hits if h.role == "wrapper" and h.step]
    return (wrappers or steps[-1:] or [None])[0]


def _same_step(step: str, hint: str) -> bool:
    a, b = (re.sub(r"^run\s+", "", t.strip().casefold()) for t in (step, hint))
    return a == b or (len(b) > 3 and b in a)


def specificity(pattern: str) -> int:
    """How much a pattern spells out: its literal characters."""
    return len(_SYNTAX.sub("", pattern))


def about_tool(playbook: Playbook, tool: str | None) -> bool:
    return tool is not None and tool.casefold() in {t.casefold() for t in playbook.tool}
