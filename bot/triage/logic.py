"""What can be told of verdict conditions without running them: which can never hold, which an earlier one hides, which
are no yes-or-no at all. Pure, and sure: what it cannot see through it does not judge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.triage import verdict

_MOST = 64  # alternatives of one condition; beyond that nothing is said
_COMPARES = ("==", "!=", "<", ">", "<=", ">=", "in")
_YES_NO_CALLS = re.compile(r"\.(?:contains|startsWith|endsWith|matches)\(")
_NOT_YES_NO = re.compile(r"""(?:\w+\.(?:outcome|ms|vantage|error|note)|log\.\w+|\d[\d.]*|"[^"]*"|'[^']*')$""")
_OUTCOME = re.compile(r"""(\w+)\.outcome==["']([\w-]+)["']$""")
_OK = re.compile(r"(!?)(\w+)\.ok$")

Way = frozenset[str]
"""One way in which a condition can hold: all of these at once."""


@dataclass
class _Reader:
    """Reads `||`, `&&`, `!` and brackets; everything between them is taken as it stands."""

    tokens: Sequence[str]
    at: int = 0

    def either(self) -> set[Way]:
        ways = self.both()
        while self._take("||"):
            ways |= self.both()
        return ways

    def both(self) -> set[Way]:
        ways = self.one()
        while self._take("&&"):
            right = self.one()
            ways = {a | b for a in ways for b in right}
            if len(ways) > _MOST:
                raise ValueError
        return ways

    def one(self) -> set[Way]:
        if self._peek() == "!" and self.tokens[self.at + 1 : self.at + 2] == ["("]:
            raise ValueError  # would need to be turned inside out
        if self._peek() == "(" and self._groups():
            self.at += 1
            ways = self.either()
            if not self._take(")"):
                raise ValueError
            return ways
        return {frozenset({self._atom()})}

    def _groups(self) -> bool:
        """Whether the bracket here encloses a whole condition: what follows it is an end, and no comparison."""
        depth = 0
        for i in range(self.at, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[i], 0)
            if depth == 0:
                return self.tokens[i + 1 : i + 2] in ([], ["||"], ["&&"], [")"])
        raise ValueError

    def _atom(self) -> str:
        parts: list[str] = []
        depth = 0
        while (word := self._peek()) is not None:
            if depth == 0 and word in ("||", "&&", ")"):
                break
            if word == "?":
                raise ValueError
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(word, 0)
            parts.append(word)
            self.at += 1
        if not parts:
            raise ValueError
        return "".join(f" {p} " if p == "in" else p for p in parts)

    def _peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self.at += 1
        return True


def ways(source: str) -> frozenset[Way] | None:
    """Every way in which the condition can hold; None where it is not plain enough to tell."""
    reader = _Reader(list(verdict.words(source)))
    try:
        found = reader.either()
    except (ValueError, RecursionError):
        return None
    return frozenset(found) if reader.at == len(reader.tokens) and len(found) <= _MOST else None


def never(source: str) -> str | None:
    """Why the condition can never hold: it contradicts itself, or is no yes-or-no."""
    found = ways(source)
    if found is None:
        return None
    for way in found:
        for atom in sorted(way):
            if not any(c in atom for c in _COMPARES[:-1]) and " in " not in atom and not _YES_NO_CALLS.search(atom):
                bare = atom.lstrip("!")
                if _NOT_YES_NO.fullmatch(bare):
                    return f"`{bare}` is no yes-or-no, so this never holds: compare it with something"
    reasons = [_contradiction(way) for way in found]
    return reasons[0] if all(reasons) else None


def _contradiction(way: Way) -> str | None:
    outcomes: dict[str, str] = {}
    for atom in sorted(way):
        if found := _OUTCOME.fullmatch(atom):
            probe, outcome = found.groups()
            if outcomes.setdefault(probe, outcome) != outcome:
                return f"`{probe}` cannot have two outcomes at once ({outcomes[probe]}, {outcome})"
    for atom in sorted(way):
        found = _OK.fullmatch(atom)
        known = outcomes.get(found.group(2)) if found else None
        if found and known and (known == "ok") == bool(found.group(1)):
            return f"`{atom}` contradicts the outcome {known}"
        if not atom.startswith("!") and f"!{atom}" in way:
            return f"`{atom}` and `!{atom}` cannot both hold"
    return None


def hidden_by(earlier: Sequence[str], source: str) -> int | None:
    """The index of an earlier condition that holds whenever this one does. A condition that names a probe which did
    not run is skipped, so one can only hide another that names all of its probes."""
    later = ways(source)
    if later is None:
        return None
    for i, other in enumerate(earlier):
        before = ways(other)
        if before is None or not verdict.names(other) <= verdict.names(source):
            continue
        if all(any(small <= way for small in before) for way in later):
            return i
    return None
