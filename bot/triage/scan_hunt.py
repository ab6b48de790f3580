"""Where in a block hyperscan finds what: first a fast look for lines that could matter, then all rules in those lines.

A log is mostly lines that nobody asks for. Where too many lines could matter, the first look is left out for a while.
"""

from bisect import bisect_right
from itertools import accumulate

from bot.triage.scan_rules import RuleSet

_FLOOD = 8  # with more reports than one in so many bytes, a block is scanned line by line
_BUSY = 400  # with more than one in so many bytes, the first look does not pay
_LEAST, _MOST = 4, 64  # blocks for which it is then left out

Ends = dict[int, list[int]]
"""For each expression that was found: where in the block its first match in each line ends, in order."""


class Hunter:
    """One thread's tools. `busy`: the last block was so full that the first look did not pay."""

    def __init__(self, ruleset: RuleSet) -> None:
        import hyperscan

        self._rules = ruleset
        self._scratch = hyperscan.Scratch(ruleset.database)
        self._sieve_scratch = hyperscan.Scratch(ruleset.sieve)
        self._skip, self._skipped = 0, _LEAST
        self.busy = False

    def hunt(self, text: bytes) -> Ends:
        """Every place where an expression is found; `text` is whole lines, or a piece of one."""
        if self._skip:
            self._skip -= 1
            return self._everywhere(text)
        places = self._sift(text)
        self.busy = places is None
        if places is None:
            self._skip = self._skipped
            self._skipped = min(2 * self._skipped, _MOST)
            return self._everywhere(text)
        self._skipped = _LEAST
        return self._in_lines(text, places) if places else {}

    def rest(self) -> None:
        """Begin anew: another hunter sees how full the blocks are that come now."""
        self._skip, self.busy = 0, False

    def _sift(self, text: bytes) -> list[int] | None:
        """Where something stands that could matter; None where that is nearly everywhere."""
        import hyperscan

        places: list[int] = []
        note, tick = places.append, iter(range(64 + len(text) // _BUSY)).__next__

        def found(_expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            tick()
            note(end)

        try:
            self._rules.sieve.scan(text, match_event_handler=found, scratch=self._sieve_scratch)
        except (StopIteration, hyperscan.ScanTerminated):
            return None
        return places

    def _in_lines(self, text: bytes, places: list[int]) -> Ends:
        """Look into the lines of these places alone, put one after the other."""
        lines, shifts, done = [], [], -1
        for place in sorted(places):
            if place > done:
                start, done = text.rfind(b"\n", 0, place - 1) + 1, text.find(b"\n", place - 1) + 1
                done = done or len(text)
                lines.append(text[start:done])
                shifts.append(start)
        starts = list(accumulate(map(len, lines), initial=0))
        found = self._everywhere(b"".join(lines))
        for ends in found.values():
            for i, end in enumerate(ends):
                line = bisect_right(starts, end - 1, hi=len(lines)) - 1
                ends[i] = end - starts[line] + shifts[line]
        return found

    def _everywhere(self, text: bytes) -> Ends:
        import hyperscan

        ends: Ends = {}
        tick = iter(range(max(4096, len(text) // _FLOOD))).__next__

        def found(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            tick()
            if expression in ends:
                ends[expression].append(end)
            else:
                ends[expression] = [end]

        try:
            self._rules.database.scan(text, match_event_handler=found, scratch=self._scratch)
        except (StopIteration, hyperscan.ScanTerminated):
            return self._by_line(text)
        for expression, own in ends.items():
            if len(own) > 1:
                ends[expression] = _once_a_line(text, own)
        return ends

    def _by_line(self, text: bytes) -> Ends:
        """For a block in which rules match at nearly every byte: each is reported once a line."""
        import hyperscan

        database = self._rules.once
        scratch = hyperscan.Scratch(database)
        ends: Ends = {}
        start = 0

        def found(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.setdefault(expression, []).append(start + end)

        for line in text.split(b"\n"):
            database.scan(line, match_event_handler=found, scratch=scratch)
            start += len(line) + 1
        return ends


def _once_a_line(text: bytes, ends: list[int]) -> list[int]:
    kept, done, find = [], -1, text.find
    for end in sorted(ends):
        if end > done:
            kept.append(end)
            done = find(b"\n", end - 1) + 1 or len(text)
    return kept
