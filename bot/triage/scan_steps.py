"""Which step of the log is under way, line by line, and how each step ended."""

import functools
import re
from typing import NamedTuple

from bot.triage.logtext import shown
from bot.triage.redact import redact
from bot.triage.scan_signs import step_mark

_MOST_STEPS = 20_000
_LONGEST_NAME = 200
_GITLAB_FORWARD = frozenset({"get_sources", "restore_cache", "download_artifacts", "step_script", "build_script"})


class Step:
    """A step of the log: from line `start` on, up to line `end` (None: the log ended in it).

    `forward`: it begins only where all went well before, or else the step before it says in itself that it failed."""

    __slots__ = ("end", "failed", "forward", "name", "script_ends", "start")

    def __init__(self, name: str | None, start: int, *, forward: bool = False) -> None:
        self.name, self.start, self.forward = name, start, forward
        self.end: int | None = None
        self.failed = False
        self.script_ends = False  # its script's group was closed: in a log cut short all would look like script


class Place(NamedTuple):
    """Where in the log's own structure a line stands."""

    step: Step
    name: str | None  # the step's name, or that of the group in it where the step has none
    script: bool = False  # the CI prints the step's script and settings here, not their output


class Steps:
    """Fed with the marker lines, in order."""

    def __init__(self) -> None:
        first = Step(None, 1)
        self.steps = [first]
        self.place = Place(first, None)
        self._open: list[str] = []  # sections that hold others (GitLab, Jenkins)

    def mark(self, raw: bytes, line: int) -> None:
        """A line that holds a marker; escape codes taken out."""
        found = step_mark(raw)
        if found is None:
            return
        if found["marker"]:
            self._runner(found["marker"], found["text"].strip(), line)
        elif found["section"] or found["fold"] or found["stage"] or found["unstage"]:
            self._section(found, line)
        elif found["header"] and re.match(rb"(?:FAIL|PASS|SKIP): |[ab]/", found["header"]) is None:
            self._begin(_name(found["header"]), line)
        elif found["post"]:
            self._begin("Post job cleanup", line)

    def _runner(self, marker: bytes, text: bytes, line: int) -> None:
        if marker == b"group":
            if text.startswith(b"Run "):
                self._begin(_name(text), line, script=True, forward=True)
            elif self.place.step.name is None:
                self.place = Place(self.place.step, _name(text))
        elif marker == b"endgroup":
            self.place.step.script_ends = True
            self.place = Place(self.place.step, self.place.step.name)
        elif text.startswith(b"Starting: "):
            self._begin(_name(text[10:]), line, forward=True)
        elif text.startswith((b"Finishing: ", b"Async Command End")):
            self._begin(None, line)

    def _section(self, found: "re.Match[bytes]", line: int) -> None:
        if found["stage"] or b"start" in (found["edge"], found["fold_edge"]):
            self._open.append(_name(found["stage"] or found["section"] or found["fold"]))
            del self._open[:-50]
        elif self._open:
            self._open.pop()
        name = self._open[-1] if self._open else None
        self._begin(name, line, forward=name in _GITLAB_FORWARD)

    def _begin(self, name: str | None, line: int, *, script: bool = False, forward: bool = False) -> None:
        self.steps[-1].end = line
        step = Step(name, line, forward=forward)
        if len(self.steps) < _MOST_STEPS:
            self.steps.append(step)
        else:
            self.steps[-1] = step
        self.place = Place(step, name, script)


@functools.lru_cache(maxsize=512)
def _name(text: bytes) -> str:
    return redact(shown(text[:1000])).strip()[:_LONGEST_NAME]
