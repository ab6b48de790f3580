"""Every rule over one log: one pass of hyperscan over raw blocks, RE2 on the lines that it points at.

Memory stays the same however long the log or one of its lines is: blocks of about 2 MiB are cut at line ends, a longer
line is matched in pieces that overlap, and of each rule the first and the last hits are kept while all are counted.
"""

from bisect import bisect_right
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from bot.model.diagnosis import LogState, Scan
from bot.triage import scan_report
from bot.triage.logtext import shown, undecorated, without_escapes
from bot.triage.redact import redact
from bot.triage.scan_ahead import Ahead, Ticket
from bot.triage.scan_hunt import Ends, Hunter
from bot.triage.scan_roles import Notes
from bot.triage.scan_rules import Rule, RuleSet, check_pattern
from bot.triage.scan_signs import command, family, tells_status, vertex, vertex_of
from bot.triage.scan_source import Source
from bot.triage.scan_steps import Steps
from bot.triage.scan_window import CONTEXT_AFTER, Held, Window

__all__ = ["Rule", "RuleSet", "Scanner", "check_pattern", "scan_bytes"]

BLOCK = 2 << 20
OVERLAP = 1 << 16
"""Bytes that two pieces of one long line share: a match longer than this may be missed in a line that was cut."""
FIRST, LAST = 3, 5
"""Hits kept of each rule, from either end of the log; one and two where very many rules hit."""

_MOST_KEPT = 1000
_SAMPLE = 20  # hits of a rule after which RE2 is asked about those alone that are kept
_HELD_WINDOWS = 6  # blocks that stay at hand: most hits that are pushed out by later ones are never copied
_MOST_VERTICES = 5000
_RECENT = 16 << 10
_COMMANDS_TRIED = 2000  # lines that look like commands and turn out to be none, before we give up


def scan_bytes(ruleset: RuleSet, data: bytes) -> Scan:
    """A whole log at hand."""
    scanner = ruleset.scanner()
    scanner.feed(data)
    return scanner.finish()


@dataclass
class Block:
    """A block on its way: searched ahead by a thread or another process, or when its turn comes."""

    text: bytes  # without escape codes
    lines: int  # line ends in the block as it was given
    cut_start: bool
    cut_end: bool
    found: "Future[Ends] | Ticket | None" = None
    ends: Ends | None = None  # searched by this thread while it waited for another block


class Scanner:
    """One log: `feed` its bytes as they come, in blocks of any size, then `finish`."""

    def __init__(self, ruleset: RuleSet, block: int = BLOCK, overlap: int = OVERLAP, threads: int = 0) -> None:
        self._rules = ruleset
        self._block, self._overlap = block, min(overlap, block // 2)
        self._hunter = Hunter(ruleset)
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None  # from the second block on
        self._idle: deque[Hunter] = deque()
        self._ahead: Ahead | None = None
        self._blocks: deque[Block] = deque()
        self._ends: Ends = {}
        self._source = Source()
        self._buffer = bytearray()
        self._line = 1  # number of the line that the next block begins in
        self._inside = False  # the buffer begins within a line
        self._first_cut, self._cuts = 0, 0  # lines longer than a block
        self._first: list[list[Held]] = [[] for _ in ruleset.rules]
        self._last: list[deque[Held]] = [deque(maxlen=LAST) for _ in ruleset.rules]
        self._counts = [0] * len(ruleset.rules)
        self._cut_hit: set[int] = set()  # rules that a line of several pieces was counted for
        self._doubted: set[int] = set()  # rules for which hyperscan's word was once not enough
        self._windows: deque[Window] = deque()
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
        half = bool(self._buffer) and not self._buffer.endswith(b"\n")
        if self._buffer:
            self._window(bytes(self._buffer), cut_end=False)
        self._buffer.clear()
        while self._blocks:
            self._absorb(self._blocks.popleft())
        self._line += half
        if self._pool is not None:
            self._pool.shutdown()
        if self._ahead is not None:
            self._ahead.close()
        while self._windows:
            self._settle(self._windows.popleft())
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
        self._window(bytes(memoryview(self._buffer)[: 2 * self._block]), cut_end=True)
        del self._buffer[: 2 * self._block - self._overlap]
        return True

    def _window(self, data: bytes, *, cut_end: bool) -> None:
        """One block, cut: it is searched ahead where that can be, and absorbed in its turn."""
        text = without_escapes(data) if b"\x1b" in data else data
        if b"\x00" in text:
            text = text.replace(b"\x00", b"")
        self._blocks.append(Block(text, data.count(b"\n"), self._inside, cut_end))
        self._inside = cut_end
        self._give_away()
        while len(self._blocks) > (3 * self._threads if self._pool is not None else 0):
            self._absorb(self._blocks.popleft())
        if self._threads and self._pool is None:
            self._ahead = self._ahead or Ahead.start(self._rules, 4 * self._block)  # before there are other threads
            self._pool = ThreadPoolExecutor(self._threads, "scan")
            self._idle.extend(Hunter(self._rules) for _ in range(self._threads))

    def _give_away(self) -> None:
        """To threads where the log is quiet, and where it is not to the other process, as it has room."""
        if self._pool is not None and not self._hunter.busy:
            last = self._blocks[-1] if self._blocks else None
            if last is not None and last.found is None and last.ends is None:
                last.found = self._pool.submit(self._hunted, last.text)
        elif self._ahead is not None:
            for block in self._blocks:
                if self._ahead.room and block.found is None and block.ends is None:
                    block.found = self._ahead.submit(block.text)

    def _hunted(self, text: bytes) -> Ends:
        """In a thread of the pool."""
        hunter = self._idle.pop()
        try:
            return hunter.hunt(text)
        finally:
            if hunter.busy:  # its reports would stand in the way of the thread that weighs them
                self._hunter.busy = True
                hunter.rest()
            self._idle.append(hunter)

    def _found(self, block: Block) -> Ends:
        found = block.found
        if isinstance(found, Future):
            return found.result()
        if found is not None:
            for later in self._blocks:  # rather than wait, search what nobody has begun with
                if found.ready():
                    break
                if later.found is None and later.ends is None:
                    later.ends = self._hunter.hunt(later.text)
            block.ends = found.result()
            self._hunter.busy = self._hunter.busy and found.busy
            self._give_away()
        return self._hunter.hunt(block.text) if block.ends is None else block.ends

    def _absorb(self, block: Block) -> None:
        text = block.text
        self._ends = self._found(block)
        if block.cut_end and not block.cut_start:
            self._first_cut = self._first_cut or self._line
            self._cuts += 1
        for earlier in self._windows:
            if len(earlier.after) < CONTEXT_AFTER:
                earlier.after += text[: CONTEXT_AFTER - len(earlier.after)]
        window = Window(text, self._line, self._recent, cut_start=block.cut_start, cut_end=block.cut_end)
        self._read_signs(window)
        self._collect(window)
        self._recent = text[-_RECENT:] if len(text) >= _RECENT else (self._recent + text)[-_RECENT:]
        self._line += block.lines
        if not block.cut_end:
            self._cut_hit.clear()
        self._windows.append(window)
        while len(self._windows) > _HELD_WINDOWS and len(self._windows[0].after) >= CONTEXT_AFTER:
            self._settle(self._windows.popleft())

    # rules

    def _collect(self, window: Window) -> None:
        for number in sorted(self._ends):
            expression = self._rules.expressions[number]
            exact = expression.hunt.exact and not window.overwritten
            for rule in expression.rules:
                self._hold(window, rule, self._fitting(rule, self._ends[number], window, exact=exact))

    def _fitting(self, rule: int, ends: list[int], window: Window, *, exact: bool) -> list[int]:
        """Those in lines that the rule fits, as RE2 says; for rules that hyperscan knows exactly, as a sample says."""
        if rule in self._cut_hit and window.bounds(ends[0])[0] == 0:
            ends = ends[1:]  # the next piece of a line that was counted
        if not ends:
            return ends
        if exact and rule not in self._doubted:
            if self._counts[rule] > _SAMPLE or window.fit(self._rules.test(rule).search, ends[0]):
                return ends
            self._doubted.add(rule)
        search = self._rules.test(rule).search
        return [end for end in ends if window.fit(search, end)]

    def _hold(self, window: Window, rule: int, ends: list[int]) -> None:
        if not ends:
            return
        self._counts[rule] += len(ends)
        window.rules.add(rule)
        if window.cut_end and window.bounds(ends[-1])[1] == len(window.text):
            self._cut_hit.add(rule)
        first, last = self._first[rule], self._last[rule]
        room = FIRST - len(first)
        if room:
            first += [Held(window, rule, end) for end in ends[:room]]
            ends = ends[room:]
        last += [Held(window, rule, end) for end in ends[-LAST:]]

    def _settle(self, window: Window) -> None:
        """Before a window is let go: copy what is kept of it."""
        held = [h for rule in window.rules for h in (*self._first[rule], *self._last[rule]) if h.window is window]
        window.settle(held, self._rules)
        for hit in held:
            if hit.kept is None:
                self._counts[hit.rule] -= 1
                self._doubted.add(hit.rule)

    # signs

    def _read_signs(self, window: Window) -> None:
        found: dict[str, list[int]] = {}
        for number in self._rules.signs:
            if ends := self._ends.get(number):
                found.setdefault(self._rules.expressions[number].sign or "", []).extend(ends)
        for ends in found.values():
            ends.sort()
        window.places = [(-1, self._steps.place)]
        window.pytest = [(-1, self._pytest)]
        window.vertices = self._vertices
        commands = self._sign_step(window, found.get("step", []))
        commands += self._sign_vertex(window, found.get("vertex", []))
        self._sign_pytest(window, found.get("pytest", []))
        for _, number, _ in window.lines(found.get("failed-test", [])):
            self._notes.failed_test(number)
        for _, number, _ in window.lines(found.get("again", [])):
            self._notes.again(number)
        for _, number, raw in window.lines(found.get("well", [])):
            self._notes.well(family(undecorated(raw).decode("utf-8", "replace")), number)
        exits = list(window.lines(found.get("exit", [])))
        for start, number, raw in exits:
            place, of = window.place(start), vertex_of(raw)
            self._notes.exit(number, place.name or self._vertex_name(of), status=tells_status(raw))
            place.step.failed = True
            if of is not None and b" ERROR: " in raw and len(self._notes.failed_vertices) < _MOST_VERTICES:
                self._notes.failed_vertices.add(of)
        self._sign_command(window, found.get("command", []), commands, exits[0][0] if exits else None)

    def _sign_step(self, window: Window, ends: list[int]) -> list[tuple[int, bytes]]:
        commands = []
        for start, number, raw in window.lines(ends):
            self._steps.mark(raw, number)
            window.places.append((start, self._steps.place))
            if (at := raw.find(b"##[group]Run ")) >= 0:
                commands.append((start, raw[at + 13 :].strip()))
        return commands

    def _sign_vertex(self, window: Window, ends: list[int]) -> list[tuple[int, bytes]]:
        commands = []
        for start, _, raw in window.lines(ends):
            if (found := vertex(raw)) and len(self._vertices) < _MOST_VERTICES:
                self._vertices[found[0]] = found[1][:1000]
                if b"] RUN " in found[1]:
                    commands.append((start, found[1].partition(b"] RUN ")[2]))
        return commands

    def _vertex_name(self, number: int | None) -> str | None:
        found = None if number is None else self._vertices.get(number)
        return redact(shown(found))[:200] if found else None

    def _sign_pytest(self, window: Window, ends: list[int]) -> None:
        for start, _, raw in window.lines(ends):
            self._pytest = b" FAILURES " in raw or b" ERRORS " in raw
            window.pytest.append((start, self._pytest))

    def _sign_command(
        self, window: Window, ends: list[int], others: list[tuple[int, bytes]], exit_at: int | None
    ) -> None:
        """The last command, and the one that was under way when the first exit was told."""
        if exit_at is not None and self._failed_command is None:
            self._failed_command = _last_command(window, ends, others, exit_at) or self._command
        self._command = _last_command(window, ends, others, len(window.text)) or self._command

    def _gathered(self, state: LogState, note: str | None) -> scan_report.Gathered:
        source = self._source
        notes = [*([note] if note else []), *source.notes]
        if self._first_cut:
            more = f" and {self._cuts - 1} more" if self._cuts > 1 else ""
            notes.append(
                f"line {self._first_cut}{more} is longer than {2 * self._block >> 10} KiB and was matched in pieces"
            )
        kept = [
            [h.kept for h in (*first, *last) if h.kept] for first, last in zip(self._first, self._last, strict=True)
        ]
        if sum(map(len, kept)) > _MOST_KEPT:
            kept = [[*own[:1], *own[1:][-2:]] for own in kept]
        counts: dict[str, int] = {}
        for rule, count in zip(self._rules.rules, self._counts, strict=True):
            if count and rule.kind == "any":
                counts[rule.playbook] = counts.get(rule.playbook, 0) + count
        return scan_report.Gathered(
            kept=[k for own in kept for k in own], counts=counts, size=source.given, lines=self._line - 1,
            notes=notes, state=source.state if source.state and state == "read" else state,
            command=self._failed_command or self._command, recent=self._recent, steps=self._steps, signs=self._notes,
        )  # fmt: skip


def _last_command(window: Window, ends: list[int], others: list[tuple[int, bytes]], before: int) -> bytes | None:
    """The last one shown up to there: by a command line, or by one of the `others` (start, command)."""
    at, last = max((o for o in others if o[0] < before), default=(-1, None))
    for end in reversed(ends[: bisect_right(ends, before)][-_COMMANDS_TRIED:]):
        start, stop = window.bounds(end)
        if start < at:
            break
        raw = window.text[start : min(stop, start + 4096)]
        if shown := command(undecorated(raw.rstrip(b"\r")), raw):
            return shown[:1000]
    return last
