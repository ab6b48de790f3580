"""One block of a log, searched: its lines, what was found in them, and which of it is kept.

A hit is a place in a window until the window is let go; only then, if later hits have not pushed it out, is it copied.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from bot.triage.logtext import undecorated
from bot.triage.scan_report import LONG, Kept, Line
from bot.triage.scan_rules import RuleSet
from bot.triage.scan_signs import LOOK_BACK, in_go_test, vertex_of
from bot.triage.scan_steps import Place

CONTEXT_BEFORE, CONTEXT_AFTER = 1200, 800
"""Bytes of context kept with a hit."""
_CUT = b"\xff"  # stands where a piece of a line was cut: `^` and `$` do not fit there

Fit = tuple[int, int, bytes]
"""The piece of a line that a rule fits: where it begins and ends, and its cleaned text."""


class Window:
    """`text`: one block without escape codes; `before`: what came before it."""

    def __init__(self, text: bytes, line: int, before: bytes, *, cut_start: bool, cut_end: bool) -> None:
        self.text, self.line, self.before = text, line, before
        self.after = b""  # the first bytes of the blocks that follow, when they come
        returns = text.count(b"\r") if b"\r" in text else 0
        self.overwritten = returns != 0 and returns != text.count(b"\r\n")
        self.go_tests = b"=== " in text
        self._cut_start, self.cut_end = cut_start, cut_end
        self._cleaned: dict[int, bytes] = {}
        self._lines: dict[tuple[int, int], Line] = {}
        self.places: list[tuple[int, Place]] = []
        self.pytest: list[tuple[int, bool]] = []
        self.vertices: dict[int, bytes] = {}
        self.rules: set[int] = set()  # those that may still keep hits here

    def bounds(self, end: int) -> tuple[int, int]:
        """The line in which a match ends: its first byte, and the one after its last."""
        start = self.text.rfind(b"\n", 0, end - 1) + 1
        last = self.text.find(b"\n", end - 1)
        return start, len(self.text) if last < 0 else last

    def lines(self, ends: list[int]) -> Iterator[tuple[int, int, bytes]]:
        """Each line in which matches end, once, `ends` being in order: start, number, raw text (at most 4 KiB)."""
        number, at, done = self.line, 0, -1
        for end in ends:
            if end > done:
                start, done = self.bounds(end)
                number += self.text.count(b"\n", at, start)
                at = start
                yield start, number, self.text[start : min(done, start + 4096)]

    def fit(self, search: Any, end: int) -> Fit | None:
        """What of the line fits in which a match ends, if anything does: first the text that carriage returns left to
        stand where it ends, then the rest of what they overwrote."""
        start, last = self.bounds(end)
        if not self.overwritten or b"\r" not in (whole := self.text[start:last]).rstrip(b"\r"):
            if (text := self._cleaned.get(start)) is None:
                text = self._cleaned[start] = self._clean(start, start, last)
            return (start, last, text) if search(text) else None
        edges = [start - 1, *(i + start for i, c in enumerate(whole) if c == 13), last]
        pieces = [(a + 1, b) for a, b in itertools.pairwise(edges) if b > a + 1]
        pieces.sort(key=lambda p: not p[0] < end <= p[1] + 1)
        for first, stop in pieces:
            if search(text := self._clean(start, first, stop)):
                return first, stop, text
        return None

    def _clean(self, start: int, first: int, last: int) -> bytes:
        text = self.text[first:last].rstrip(b"\r")
        text = _CUT + text if self._cut_start and start == first == 0 else undecorated(text)
        return text + _CUT if self.cut_end and last == len(self.text) else text

    def place(self, start: int) -> Place:
        return self.places[bisect_right(self.places, start, key=lambda p: p[0]) - 1][1]

    def settle(self, hits: Sequence["Held"], ruleset: RuleSet) -> None:
        """Copy what these hits need; the window can be let go after it."""
        at, number = 0, self.line
        for hit in sorted(hits, key=lambda h: h.end):
            start = self.bounds(hit.end)[0]
            number += self.text.count(b"\n", at, start)
            at = start
            hit.window = None
            fit = self.fit(ruleset.test(hit.rule).search, hit.end)
            if fit is None:
                continue
            first, last, text = fit
            line = self._lines.get((start, first))
            if line is None:
                line = self._lines[start, first] = self._line(number, start, last, text)
            hit.kept = Kept(line, ruleset, hit.rule, text)

    def _line(self, number: int, start: int, last: int, text: bytes) -> Line:
        before = self.text[max(0, start - CONTEXT_BEFORE) : start]
        if start < CONTEXT_BEFORE:
            before = self.before[-(CONTEXT_BEFORE - start) :] + before
        after = self.text[last : last + CONTEXT_AFTER]
        after += self.after[: CONTEXT_AFTER - len(after)]
        place = self.place(start)
        line = Line(number, before, text[:LONG], after, place, self._testing(start))
        if self.vertices:
            line.vertex = of = vertex_of(self.text[start : min(last, start + 300)])
            if place.step.name is None and of is not None:
                line.vertex_name = self.vertices.get(of)
        return line

    def _testing(self, start: int) -> str | None:
        """The test runner in whose output the line stands."""
        if self.pytest[bisect_right(self.pytest, start - 1, key=lambda t: t[0]) - 1][1]:
            return "pytest"
        if start >= LOOK_BACK:
            return "go test" if self.go_tests and in_go_test(self.text, start) else None
        near = self.before[-LOOK_BACK:] + self.text[:start]
        return "go test" if in_go_test(near, len(near)) else None


class Held:
    """A hit that is kept so far, by where its match ends."""

    __slots__ = ("end", "kept", "rule", "window")

    def __init__(self, window: Window, rule: int, end: int) -> None:
        self.window: Window | None = window
        self.rule, self.end = rule, end
        self.kept: Kept | None = None
