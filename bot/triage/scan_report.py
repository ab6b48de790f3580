"""From what the scanner kept to what people are shown: text, span, facts, context, all of it without secrets."""

from dataclasses import dataclass

from bot.model.diagnosis import Hit, LogState, LogSummary, Scan
from bot.triage.logtext import clean_bytes, shown
from bot.triage.redact import MARK, cut, redact, spans
from bot.triage.scan_roles import Notes, Seen, weigh
from bot.triage.scan_rules import Rule, RuleSet
from bot.triage.scan_steps import Place, Steps

LONG = 4096
"""Bytes of a cleaned line that are kept whole; of a longer one, what stands around the match."""

_TEXT, _FACT = 500, 300  # characters shown, at most
_LINES_BEFORE, _LINES_AFTER = 3, 2
_TAIL_LINES = 15
_AROUND = 1500
_BEFORE_WHOLE = 1200  # so many bytes before a hit begin within a line


class Line:
    """A line with hits, as bytes, and what stands around it."""

    __slots__ = ("after", "before", "number", "place", "testing", "text", "vertex", "vertex_name")

    def __init__(
        self, number: int, before: bytes, text: bytes, after: bytes, place: Place, testing: str | None
    ) -> None:
        self.number, self.before, self.text, self.after = number, before, text, after
        self.place, self.testing = place, testing
        self.vertex: int | None = None  # BuildKit's number of the build step
        self.vertex_name: bytes | None = None


class Kept:
    """A hit: a rule on a line. Of a long line the match is looked up at once, and the rest let go."""

    __slots__ = ("found", "line", "rule", "ruleset")

    def __init__(self, line: Line, ruleset: RuleSet, rule: int, text: bytes) -> None:
        self.line, self.ruleset, self.rule = line, ruleset, rule
        self.found = self._find(text) if len(text) > LONG else None

    def match(self) -> "Match | None":
        return self.found or self._find(self.line.text)

    def _find(self, text: bytes) -> "Match | None":
        found = self.ruleset.captures(self.rule).search(text)
        if found is None:
            return None
        start, end = found.span()
        groups: dict[str, tuple[int, int]] = {}
        for name, number in self.ruleset.groups(self.rule):
            if found.start(number) >= 0:
                groups.setdefault(name, found.span(number))
        if len(text) <= LONG:
            return Match(text, start, end, groups)
        first, last = max(0, start - _AROUND), min(len(text), start + 2 * _AROUND)
        near = {name: (min(a, last) - first, min(b, last) - first) for name, (a, b) in groups.items()}
        return Match(text[first:last], start - first, min(end, last) - first, near)


@dataclass(frozen=True)
class Match:
    """Where a rule fits; groups by name. Offsets are bytes of `text`."""

    text: bytes
    start: int
    end: int
    groups: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Gathered:
    """All that one log gave."""

    kept: list[Kept]
    counts: dict[str, int]
    size: int  # bytes of the log as it was given
    lines: int
    state: LogState
    notes: list[str]
    command: bytes | None
    recent: bytes  # the end of the log, without escape codes
    steps: Steps
    signs: Notes


def report(gathered: Gathered) -> Scan:
    seen: list[Seen] = []
    contexts: dict[int, tuple[str, ...]] = {}
    for kept in gathered.kept:
        if (match := kept.match()) is not None:
            context = contexts.get(id(kept.line))
            if context is None:
                context = contexts[id(kept.line)] = _context(kept.line)
            rule = kept.ruleset.rules[kept.rule]
            hit = _hit(kept.line, rule, match, context)
            seen.append(Seen(hit, rule, kept.line.place, kept.line.testing, kept.line.vertex))
    seen.sort(key=lambda s: (s.hit.line, s.hit.start, s.hit.playbook, s.hit.rule))
    hits = weigh(seen, gathered.signs, gathered.steps.steps)
    command = gathered.command and _short(redact(shown(gathered.command)).strip(), _TEXT)
    return Scan(
        log=LogSummary(
            bytes=gathered.size, lines=gathered.lines, state=gathered.state,
            note="; ".join(gathered.notes) or None,
        ),
        hits=tuple(hits), counts=gathered.counts, last_command=command or None, tail=_tail(gathered.recent),
        failed_step=gathered.signs.failed_step,
    )  # fmt: skip


def _hit(line: Line, rule: Rule, match: Match, context: tuple[str, ...]) -> Hit:
    text = shown(match.text)
    start, end = (len(shown(match.text[:at])) for at in (match.start, match.end))
    secrets = spans(text)
    if not secrets and MARK in context and text not in context:
        secrets = [(0, len(text))]  # a line of a key block: only the lines around it tell
    facts = {}
    for name, (first, last) in match.groups.items():
        value = cut(text, secrets, len(shown(match.text[:first])), len(shown(match.text[:last]))).strip()
        if value:
            facts[name] = _short(value, _FACT)
    clear = cut(text, secrets)
    start, end = (len(cut(text, secrets, 0, at)) for at in (start, end))
    clear, start, end = _window(clear, start, end)
    return Hit(
        playbook=rule.playbook, rule=rule.index, line=line.number, text=clear, start=start, end=end, facts=facts,
        context=context, role=rule.role, step=_step(line),
    )  # fmt: skip


def _step(line: Line) -> str | None:
    if line.place.name is not None:
        return line.place.name
    return redact(shown(line.vertex_name))[:200] if line.vertex_name else None


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """At most 500 characters, the match among them."""
    if len(text) <= _TEXT:
        return text, start, end
    room = _TEXT - 2
    first = max(0, min(start - room // 4, len(text) - room)) if end > room else 0
    made = ("…" if first else "") + text[first : first + room] + ("…" if first + room < len(text) else "")
    shift = first - (1 if first else 0)
    return made, min(start - shift, len(made)), min(end - shift, len(made))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _context(line: Line) -> tuple[str, ...]:
    before = line.before.split(b"\n")[:-1]
    if len(line.before) >= _BEFORE_WHOLE and len(before) > 1:
        del before[0]  # its beginning is not there
    if b"PRIVATE KEY" not in line.before:
        del before[:-_LINES_BEFORE]
    after = line.after.split(b"\n")[1 : 1 + _LINES_AFTER]
    own = line.text if len(line.text) <= LONG else line.text[:LONG]
    cleaned = [shown(clean_bytes(raw[-LONG:])) for raw in before]
    own_at = len(cleaned)
    cleaned += [shown(own), *(shown(clean_bytes(raw)) for raw in after)]
    clear = redact("\n".join(cleaned)).split("\n")
    first = max(0, own_at - _LINES_BEFORE)
    return tuple(_short(text, _TEXT) for text in _stripped(clear[first:]))


def _stripped(lines: list[str]) -> list[str]:
    """Without empty lines at the end."""
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _tail(recent: bytes) -> tuple[str, ...]:
    lines = recent.split(b"\n")
    if len(recent) >= 16 << 10 and len(lines) > 1:
        del lines[0]
    cleaned = [shown(clean_bytes(line[-LONG:])) for line in lines[-60:]]
    clear = _stripped(redact("\n".join(cleaned)).split("\n"))
    return tuple(_short(text, _TEXT) for text in clear[-_TAIL_LINES:])
