"""Every rule over one log: one pass of hyperscan over raw blocks, RE2 on the lines that it points at.

Memory stays the same however long the log or one of its lines is: blocks of about 1 MiB are cut at line ends, a longer
line is matched in pieces that overlap, and of each rule the first and the last hits are kept while all are counted.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Any

from bot.model.diagnosis import LogState, Scan
from bot.triage import scan_report
from bot.triage.logtext import undecorated, without_escapes
from bot.triage.scan_report import LONG, Kept, Line
from bot.triage.scan_roles import Notes
from bot.triage.scan_rules import Rule, RuleSet, check_pattern
from bot.triage.scan_signs import command, family, in_go_test, vertex, vertex_of
from bot.triage.scan_source import Source
from bot.triage.scan_steps import Place, Steps

__all__ = ["Rule", "RuleSet", "Scanner", "check_pattern", "scan_bytes"]

BLOCK = 1 << 20
OVERLAP = 1 << 16
"""Bytes that two pieces of one long line share: a match longer than this may be missed in a line that was cut."""
FIRST, LAST = 6, 6
"""Hits kept of each rule, from either end of the log."""

_BEFORE, _AFTER = 1200, 800  # bytes of context kept with a hit
_FLOOD = 8  # with more reports than one in so many bytes, a block is scanned line by line
_MOST_VERTICES = 5000
_CUT = b"\xff"  # stands where a piece of a line was cut: `^` and `$` do not fit there
_TAIL = 16 << 10
_COMMANDS_TRIED = 2000  # lines that look like commands and turn out to be none, before we give up


def scan_bytes(ruleset: RuleSet, data: bytes) -> Scan:
    """A whole log at hand."""
    scanner = ruleset.scanner()
    scanner.feed(data)
    return scanner.finish()


class Scanner:
    """One log: `feed` its bytes as they come, in blocks of any size, then `finish`."""

    def __init__(self, ruleset: RuleSet, block: int = BLOCK, overlap: int = OVERLAP) -> None:
        import hyperscan

        self._rules = ruleset
        self._block, self._overlap = block, min(overlap, block // 2)
        self._scratch = hyperscan.Scratch(ruleset.database)
        self._ends: list[list[int]] = [[] for _ in ruleset.expressions]
        self._sinks = [found.append for found in self._ends]
        self._source = Source()
        self._buffer = bytearray()
        self._line = 1  # number of the line that the buffer begins in
        self._inside = False  # the buffer begins within that line
        self._first_cut: int | None = None
        self._cuts = 0
        self._first: list[list[Kept]] = [[] for _ in ruleset.rules]
        self._last: list[deque[Kept]] = [deque(maxlen=LAST) for _ in ruleset.rules]
        self._counts = [0] * len(ruleset.rules)
        self._counted = [0] * len(ruleset.rules)  # the line that was counted last: one long line counts once
        self._pending: list[Line] = []  # lines whose context goes on in the next block
        self._recent = b""
        self._steps = Steps()
        self._vertices: dict[int, bytes] = {}
        self._notes = Notes()
        self._command: bytes | None = None
        self._failed_command: bytes | None = None
        self._pytest = False

    def feed(self, block: bytes) -> None:
        """The next bytes of the log."""
        for piece in self._source.take(block):
            self._push(piece)

    def finish(self, state: LogState = "read", note: str | None = None) -> Scan:
        """What the log showed. `state` and `note`: whether all of it could be had, as the caller knows."""
        for piece in self._source.rest():
            self._push(piece)
        if self._buffer:
            self._window(bytes(self._buffer), cut_end=False)
            self._line += self._buffer[-1:] != b"\n"
        self._buffer.clear()
        return scan_report.report(self._gathered(state, note))

    def _push(self, piece: bytes) -> None:
        view = memoryview(piece)
        for at in range(0, len(view), self._block):
            self._buffer += view[at : at + self._block]
            while len(self._buffer) >= self._block and self._drain():
                pass

    def _drain(self) -> bool:
        """Scan the whole lines that are there; a line that alone fills two blocks goes in pieces."""
        cut = self._buffer.rfind(b"\n") + 1
        if cut:
            data = bytes(memoryview(self._buffer)[:cut])
            del self._buffer[:cut]
            self._window(data, cut_end=False)
            return False
        if len(self._buffer) < 2 * self._block:
            return False
        self._first_cut = self._first_cut or self._line
        self._cuts += not self._inside
        self._window(bytes(memoryview(self._buffer)[: 2 * self._block]), cut_end=True)
        del self._buffer[: 2 * self._block - self._overlap]
        return True

    def _window(self, data: bytes, *, cut_end: bool) -> None:
        text = without_escapes(data) if b"\x1b" in data else data
        if b"\x00" in text:
            text = text.replace(b"\x00", b"")
        self._hunt(text)
        window = _Window(text, self._line, cut_start=self._inside, cut_end=cut_end)
        for line in self._pending:
            line.after += text[: _AFTER - len(line.after)]
        self._pending = [line for line in self._pending if len(line.after) < _AFTER]
        self._read_signs(window)
        self._confirm(window)
        for found in self._ends:
            if found:
                found.clear()
        self._recent = text[-_TAIL:] if len(text) >= _TAIL else (self._recent + text)[-_TAIL:]
        self._line += data.count(b"\n")
        self._inside = cut_end

    def _hunt(self, text: bytes) -> None:
        """Fill `_ends`: for each expression, where its matches end."""
        import hyperscan

        sinks = self._sinks
        tick = iter(range(max(4096, len(text) // _FLOOD))).__next__

        def found(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            tick()
            sinks[expression](end)

        try:
            self._rules.database.scan(text, match_event_handler=found, scratch=self._scratch)
        except (StopIteration, hyperscan.ScanTerminated):
            self._hunt_by_line(text)

    def _hunt_by_line(self, text: bytes) -> None:
        """For a block in which rules match at nearly every byte: each is reported once a line."""
        import hyperscan

        for ends in self._ends:
            ends.clear()
        database = self._rules.once
        scratch = hyperscan.Scratch(database)
        sinks, start = self._sinks, 0

        def found(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            sinks[expression](start + end)

        for line in text.splitlines(keepends=True) if b"\r" not in text else text.split(b"\n"):
            database.scan(line, match_event_handler=found, scratch=scratch)
            start += len(line) + (b"\r" in text)

    # rules

    def _confirm(self, window: "_Window") -> None:
        new: list[tuple[int, int, int, int, bytes]] = []  # line start, rule, piece start and end, cleaned text
        for number, expression in enumerate(self._rules.expressions):
            if (ends := self._ends[number]) and expression.rules:
                spans = window.spans(ends)
                trusted = expression.hunt.exact and not window.overwritten
                for rule in expression.rules:
                    new += [(fit[0], rule, *fit[1:]) for fit in self._fitting(rule, spans, window, trusted=trusted)]
        if new:
            self._keep(sorted(new, key=lambda n: n[:2]), window)

    def _fitting(self, rule: int, spans: "list[Span]", window: "_Window", *, trusted: bool) -> "list[Fit]":
        """The lines that the rule fits are counted; those that may be among the first or the last come back.

        `trusted`: where there are many, hyperscan's word is enough for those that are only counted."""
        if spans[0][0] == 0 and self._counted[rule] == self._line:
            spans = spans[1:]  # the next piece of a line that was counted
        search = self._rules.test(rule).search
        room = FIRST - len(self._first[rule])
        if trusted and len(spans) > room + LAST:
            chosen = spans[:room] + spans[-LAST:]
            found = [fit for span in chosen if (fit := window.fit(search, span))]
            if len(found) == len(chosen):
                self._counts[rule] += len(spans)
                return found
        found = [fit for span in spans if (fit := window.fit(search, span))]
        self._counts[rule] += len(found)
        return found if len(found) <= room + LAST else found[:room] + found[-LAST:]

    def _keep(self, new: list[tuple[int, int, int, int, bytes]], window: "_Window") -> None:
        at, number = 0, window.line
        lines: dict[tuple[int, int], Line] = {}
        for start, rule, first, last, text in new:
            number += window.text.count(b"\n", at, start)
            at = start
            self._counted[rule] = number
            line = lines.get((start, first))
            if line is None:
                line = lines[start, first] = self._line_of(window, number, start, last, text)
            kept = Kept(line, self._rules, rule, text)
            (self._first if len(self._first[rule]) < FIRST else self._last)[rule].append(kept)

    def _line_of(self, window: "_Window", number: int, start: int, last: int, text: bytes) -> Line:
        before = window.text[max(0, start - _BEFORE) : start]
        if start < _BEFORE:
            before = self._recent[-(_BEFORE - start) :] + before
        after = window.text[last : last + _AFTER]
        place = window.place(start)
        raw = window.text[start : min(last, start + 300)]
        line = Line(number, before, text[:LONG], after, raw, place, window.testing(start))
        if place.step.name is None and (of := vertex_of(raw)) is not None:
            line.vertex = self._vertices.get(of)
        if len(after) < _AFTER:
            self._pending.append(line)
        return line

    # signs

    def _read_signs(self, window: "_Window") -> None:
        found: dict[str, list[int]] = {}
        for number, expression in enumerate(self._rules.expressions):
            if expression.sign is not None and (ends := self._ends[number]):
                found.setdefault(expression.sign, []).extend(ends)
        for ends in found.values():
            ends.sort()
        window.places = [(-1, self._steps.place)]
        window.pytest = [(-1, self._pytest)]
        commands = self._sign_step(window, found.get("step", [])) + self._sign_vertex(window, found.get("vertex", []))
        self._sign_pytest(window, found.get("pytest", []))
        for _, number, _ in window.lines(found.get("failed-test", [])):
            self._notes.failed_test(number)
        for _, number, raw in window.lines(found.get("well", [])):
            self._notes.well(family(undecorated(raw).decode("utf-8", "replace")), number)
        exits = list(window.lines(found.get("exit", [])))
        for start, number, _ in exits:
            self._notes.exit(number)
            window.place(start).step.failed = True
        self._sign_command(window, found.get("command", []), commands, exits[0][0] if exits else None)

    def _sign_step(self, window: "_Window", ends: list[int]) -> list[tuple[int, bytes]]:
        commands = []
        for start, number, raw in window.lines(ends):
            self._steps.mark(raw, number)
            window.places.append((start, self._steps.place))
            if (at := raw.find(b"##[group]Run ")) >= 0:
                commands.append((start, raw[at + 13 :].strip()))
        return commands

    def _sign_vertex(self, window: "_Window", ends: list[int]) -> list[tuple[int, bytes]]:
        commands = []
        for start, _, raw in window.lines(ends):
            if (found := vertex(raw)) and len(self._vertices) < _MOST_VERTICES:
                self._vertices[found[0]] = found[1]
                if b"] RUN " in found[1]:
                    commands.append((start, found[1].partition(b"] RUN ")[2]))
        return commands

    def _sign_command(
        self, window: "_Window", ends: list[int], others: list[tuple[int, bytes]], exit_at: int | None
    ) -> None:
        """The last command, and the one that was under way when the first exit was told."""
        if exit_at is not None and self._failed_command is None:
            self._failed_command = self._last_command(window, ends, others, exit_at) or self._command
        self._command = self._last_command(window, ends, others, len(window.text)) or self._command

    @staticmethod
    def _last_command(
        window: "_Window", ends: list[int], others: list[tuple[int, bytes]], before: int
    ) -> bytes | None:
        at, last = max((o for o in others if o[0] < before), default=(-1, None))
        for end in reversed(ends[: bisect_right(ends, before)][-_COMMANDS_TRIED:]):
            start, stop = window.bounds(end)
            if start < at:
                break
            raw = window.text[start : min(stop, start + 4096)]
            if shown := command(undecorated(raw.rstrip(b"\r")), raw):
                return shown[:1000]
        return last

    def _sign_pytest(self, window: "_Window", ends: list[int]) -> None:
        for start, _, raw in window.lines(ends):
            self._pytest = b" FAILURES " in raw or b" ERRORS " in raw
            window.pytest.append((start, self._pytest))

    def _gathered(self, state: LogState, note: str | None) -> "scan_report.Gathered":
        source = self._source
        notes = [*([note] if note else []), *source.notes]
        if self._first_cut:
            more = f" and {self._cuts - 1} more" if self._cuts > 1 else ""
            notes.append(
                f"line {self._first_cut}{more} is longer than {2 * self._block >> 10} KiB and was matched in pieces"
            )
        kept = [k for rule in range(len(self._first)) for k in (*self._first[rule], *self._last[rule])]
        counts: dict[str, int] = {}
        for rule, count in zip(self._rules.rules, self._counts, strict=True):
            if count and rule.kind == "any":
                counts[rule.playbook] = counts.get(rule.playbook, 0) + count
        return scan_report.Gathered(
            kept=kept, counts=counts, bytes=source.given, lines=self._line - 1, notes=notes,
            state=source.state if source.state and state == "read" else state,
            command=self._failed_command or self._command, recent=self._recent, steps=self._steps, signs=self._notes,
        )  # fmt: skip


Span = tuple[int, int, int]
"""A line in which matches end: its first byte, the one after its last, where the first match ends."""
Fit = tuple[int, int, int, bytes]
"""Where the line begins, where the piece of it that fits begins and ends, that piece cleaned."""


class _Window:
    """One block, searched: text without escape codes, and what its signs said."""

    def __init__(self, text: bytes, line: int, *, cut_start: bool, cut_end: bool) -> None:
        self.text, self.line = text, line
        self.overwritten = b"\r" in text  # or just lines that end in CR LF
        self._cut_start, self._cut_end = cut_start, cut_end
        self._cleaned: dict[int, bytes] = {}
        self.places: list[tuple[int, Place]] = []
        self.pytest: list[tuple[int, bool]] = []

    def bounds(self, end: int) -> tuple[int, int]:
        """The line in which a match ends: its first byte, and the one after its last."""
        start = self.text.rfind(b"\n", 0, end - 1) + 1
        last = self.text.find(b"\n", end - 1)
        return start, len(self.text) if last < 0 else last

    def spans(self, ends: list[int]) -> list[Span]:
        """Each line in which matches end, once."""
        found, done = [], -1
        for end in ends if len(ends) < 2 else sorted(ends):
            if end > done:
                start, done = self.bounds(end)
                found.append((start, done, end))
        return found

    def lines(self, ends: list[int]) -> Iterator[tuple[int, int, bytes]]:
        """Each of those lines: start, number, raw text (at most 4 KiB)."""
        number, at = self.line, 0
        for start, last, _ in self.spans(ends):
            number += self.text.count(b"\n", at, start)
            at = start
            yield start, number, self.text[start : min(last, start + 4096)]

    def fit(self, search: Any, span: Span) -> Fit | None:
        """What of the line fits, if anything does: first the text that carriage returns left to stand where the
        match ends, then the rest of what they overwrote."""
        start, last, end = span
        if not self.overwritten or b"\r" not in (whole := self.text[start:last]).rstrip(b"\r"):
            if (text := self._cleaned.get(start)) is None:
                text = self._cleaned[start] = self._clean(start, start, last)
            return (start, start, last, text) if search(text) else None
        edges = [start - 1, *(i + start for i, c in enumerate(whole) if c == 13), last]
        pieces = [(a + 1, b) for a, b in zip(edges, edges[1:], strict=False) if b > a + 1]
        pieces.sort(key=lambda p: not p[0] < end <= p[1] + 1)
        for first, stop in pieces:
            if search(text := self._clean(start, first, stop)):
                return start, first, stop, text
        return None

    def _clean(self, start: int, first: int, last: int) -> bytes:
        text = self.text[first:last].rstrip(b"\r")
        text = _CUT + text if self._cut_start and start == first == 0 else undecorated(text)
        return text + _CUT if self._cut_end and last == len(self.text) else text

    def place(self, start: int) -> Place:
        return self.places[bisect_right(self.places, start, key=lambda p: p[0]) - 1][1]

    def testing(self, start: int) -> str | None:
        """The test runner in whose output the line stands."""
        if self.pytest[bisect_right(self.pytest, start - 1, key=lambda t: t[0]) - 1][1]:
            return "pytest"
        return "go test" if in_go_test(self.text, start) else None
