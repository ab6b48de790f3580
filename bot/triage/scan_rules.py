"""Rules, and the set of them compiled into one hyperscan database.

A database belongs to its rules, to this code, to hyperscan's version and to the CPU: `RuleSet.load` refuses another.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from bot.model import Noun
from bot.model.diagnosis import Role
from bot.triage.scan_pattern import ONCE_A_LINE, Hunt, fallback, hunt, width
from bot.triage.scan_signs import SIGNS
from bot.triage.scan_syntax import Parsed, Unreadable, parse

if TYPE_CHECKING:
    from bot.triage.scanner import Scanner

_FORMAT = 6  # raise it when what is compiled from a rule changes
_MAGIC = b"buildmedic-rules\n"
_PROBE = b"##[group]Run probe\n"  # a sign that a database in working order must find
_LONGEST = 4000


class Rule(Noun):
    """One RE2 pattern of a playbook. `kind` none: where it matches, the playbook's hits do not count."""

    playbook: str
    index: int  # in match.any or match.none
    pattern: str
    role: Role = "cause"
    kind: Literal["any", "none"] = "any"
    cause: str | None = None  # id of the playbook's cause, where known: look-alikes are judged by it


class Expression(NamedTuple):
    """What hyperscan looks for, and for whom: indexes of rules, or the kind of a sign."""

    hunt: Hunt
    rules: tuple[int, ...] = ()
    sign: str | None = None


def _options(*, capture: bool) -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # in UTF-8 mode `.*` stops at bytes that are no UTF-8
    options.log_errors = False
    options.never_capture = not capture
    return options


def re2_compiled(pattern: bytes, *, capture: bool) -> Any:
    """Raises ValueError with RE2's reason."""
    import re2

    try:
        return re2.compile(pattern, _options(capture=capture))
    except re2.error as error:
        said = error.args[0] if error.args else error
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def check_pattern(pattern: str, *, alone: bool = True) -> str | None:
    """Why RE2, hyperscan or common sense refuses a pattern, in words; None if it is fine. Without `alone` hyperscan is
    not asked: it sees the whole set soon, and compiling thousands one by one takes as long again."""
    reason, hunted, parsed = _read(pattern)
    if reason is not None or hunted is None or parsed is None or not alone:
        return reason
    try:
        _compiled([hunted])
    except ValueError as error:
        if _second_choice(parsed) is None:
            return f"hyperscan refuses it ({error}), and it has no fixed text to look for instead"
    return None


def _read(pattern: str) -> tuple[str | None, Hunt | None, Parsed | None]:
    if len(pattern) > _LONGEST:
        return f"it is longer than {_LONGEST} characters", None, None
    try:
        parsed = parse(pattern)
        re2_compiled(parsed.latin1, capture=True)
    except Unreadable as error:
        try:
            re2_compiled(pattern.encode("utf-8", "replace"), capture=True)
        except ValueError as refused:
            return f"RE2 refuses it: {refused}", None, None
        return f"it uses syntax that cannot be searched for: {error}", None, None
    except ValueError as error:
        return f"RE2 refuses it: {error}", None, None
    if not width(parsed.tree):
        return "it matches the empty string, so it would fit every line", None, None
    hunted = hunt(parsed)
    return (
        ("it can fit no line: rules see one line at a time", None, None) if hunted is None else (None, hunted, parsed)
    )


def _compiled(hunts: Sequence[Hunt], *, once: bool = False) -> Any:
    """A hyperscan database. Raises ValueError. `once`: each expression is reported once a scan."""
    return _database([h.expression for h in hunts], once=once)


def _database(expressions: Sequence[str], *, once: bool = False) -> Any:
    import hyperscan as hs

    database = hs.Database(mode=hs.HS_MODE_BLOCK)
    flags = hs.HS_FLAG_MULTILINE | (hs.HS_FLAG_SINGLEMATCH if once else 0)
    try:
        database.compile(
            expressions=[e.encode("ascii") for e in expressions],
            ids=list(range(len(expressions))), elements=len(expressions), flags=flags,
        )  # fmt: skip
    except hs.error as error:
        raise ValueError(str(error)) from None
    return database


def _second_choice(parsed: Parsed) -> Hunt | None:
    """The pattern's strongest fixed part, if hyperscan takes that."""
    if (second := fallback(parsed)) is None:
        return None
    try:
        _compiled([second])
    except ValueError:
        return None
    return second


class RuleSet:
    """Rules, compiled. May be shared by threads; each log needs a `scanner()` of its own."""

    def __init__(self, rules: Sequence[Rule], expressions: Sequence[Expression], database: Any, sieve: Any) -> None:
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.expressions: tuple[Expression, ...] = tuple(expressions)
        self.database = database  # finds the expressions
        self.sieve = sieve  # finds something, much faster, in every line in which `database` does
        self.signs = tuple(i for i, e in enumerate(self.expressions) if e.sign is not None)
        self._tests: dict[int, Any] = {}
        self._captures: dict[int, Any] = {}
        self._groups: dict[int, tuple[tuple[str, int], ...]] = {}

    @classmethod
    def compile(cls, rules: Sequence[Rule]) -> Self:
        """Raises ValueError that names the rule and the reason."""
        hunts, parsed = _hunts(rules)
        expressions = _expressions(hunts)
        try:
            database = _compiled([e.hunt for e in expressions])
        except ValueError:
            expressions = _expressions(_replaced(rules, hunts, parsed))
            try:
                database = _compiled([e.hunt for e in expressions])
            except ValueError as error:
                raise ValueError(f"the rules together are too much for hyperscan: {error}") from None
        sieve = dict.fromkeys(e for one in expressions for e in one.hunt.sieve or (one.hunt.expression,))
        return cls(rules, expressions, database, _database(list(sieve)))

    def dump(self) -> bytes:
        """For `load`, in this version on this kind of machine."""
        import hyperscan as hs

        head = json.dumps([[e.hunt, e.rules, e.sign] for e in self.expressions]).encode()
        mark = self.fingerprint(self.rules).encode()
        sieve = hs.dumpb(self.sieve)
        sizes = len(head).to_bytes(8, "big") + len(sieve).to_bytes(8, "big")
        return b"".join((_MAGIC, mark, sizes, head, sieve, hs.dumpb(self.database)))

    @classmethod
    def load(cls, rules: Sequence[Rule], blob: bytes) -> Self:
        """Raises ValueError if `blob` is not the dump of these rules for this version and this CPU."""
        import hyperscan as hs

        mark = _MAGIC + cls.fingerprint(rules).encode()
        if not blob.startswith(mark):
            raise ValueError("the compiled rules belong to other rules or to another version")
        at = len(mark) + 16
        end = at + int.from_bytes(blob[len(mark) : at - 8], "big")
        last = end + int.from_bytes(blob[at - 8 : at], "big")
        try:
            expressions = [
                Expression(Hunt(*hunted), tuple(owners), sign) for hunted, owners, sign in json.loads(blob[at:end])
            ]
            sieve, database = (hs.loadb(part, hs.HS_MODE_BLOCK) for part in (blob[end:last], blob[last:]))
            found, sifted = ([], [])  # type: tuple[list[int], list[int]]
            for made, into in ((database, found), (sieve, sifted)):
                made.scan(_PROBE, match_event_handler=lambda i, *_, into=into: into.append(i), scratch=hs.Scratch(made))
        except (ValueError, TypeError, hs.error) as error:
            raise ValueError(f"the compiled rules cannot be used here: {error!r}") from None
        if not sifted or not any(expressions[i].sign == "step" for i in found if i < len(expressions)):
            raise ValueError("the compiled rules do not work here")
        return cls(rules, expressions, database, sieve)

    @staticmethod
    def fingerprint(rules: Sequence[Rule]) -> str:
        """Key for a cache: changes with the rules, this code and the engines' versions."""
        import platform
        from importlib.metadata import version

        parts = [str(_FORMAT), version("hyperscan"), platform.machine(), json.dumps(SIGNS)]
        parts += [f"{r.playbook}\0{r.index}\0{r.kind}\0{r.pattern}" for r in rules]
        return hashlib.sha256("\0\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def scanner(self, threads: int = 0) -> "Scanner":
        """For one log. `threads` look for the rules in blocks to come while the last one's hits are weighed."""
        from bot.triage.scanner import Scanner

        return Scanner(self, threads=threads)

    def test(self, rule: int) -> Any:
        """RE2 that says whether a cleaned line fits; the cheap form."""
        return self._tests.get(rule) or self._tests.setdefault(rule, self._re2(rule, capture=False))

    def captures(self, rule: int) -> Any:
        """RE2 with the rule's groups."""
        return self._captures.get(rule) or self._captures.setdefault(rule, self._re2(rule, capture=True))

    def _re2(self, rule: int, *, capture: bool) -> Any:
        pattern = self.rules[rule].pattern
        return re2_compiled(pattern.encode() if pattern.isascii() else parse(pattern).latin1, capture=capture)

    def groups(self, rule: int) -> tuple[tuple[str, int], ...]:
        """The rule's named groups and their numbers; a name may stand in several branches."""
        if (known := self._groups.get(rule)) is None:
            pattern = self.rules[rule].pattern
            known = self._groups[rule] = parse(pattern).groups if "<" in pattern else ()
        return known

    @functools.cached_property
    def once(self) -> Any:
        """The same rules, each reported once a scan: for blocks in which they match at nearly every byte."""
        return _compiled([e.hunt for e in self.expressions], once=True)


def _hunts(rules: Sequence[Rule]) -> tuple[list[Hunt], list[Parsed]]:
    hunts, trees = [], []
    for rule in rules:
        reason, hunted, parsed = _read(rule.pattern)
        if reason is not None or hunted is None or parsed is None:
            raise ValueError(f"playbook {rule.playbook}, match.{rule.kind}[{rule.index}]: {reason}")
        hunts.append(hunted)
        trees.append(parsed)
    return hunts, trees


def _expressions(hunts: Sequence[Hunt]) -> list[Expression]:
    """Rules that look for the same share an expression; the signs come last."""
    owners: dict[Hunt, list[int]] = {}
    for i, hunted in enumerate(hunts):
        owners.setdefault(hunted, []).append(i)
    return [*(Expression(h, tuple(of)) for h, of in owners.items()), *_signs()]


def _signs() -> Iterator[Expression]:
    for kind, patterns in SIGNS.items():
        for pattern in patterns:
            hunted = hunt(parse(pattern))
            assert hunted is not None
            yield Expression(Hunt(hunted.expression.removesuffix(ONCE_A_LINE), sieve=hunted.sieve), (), kind)


def _replaced(rules: Sequence[Rule], hunts: list[Hunt], parsed: list[Parsed]) -> list[Hunt]:
    """Those that hyperscan refuses give way to their strongest fixed part. Raises ValueError."""
    made = []
    for rule, hunted, tree in zip(rules, hunts, parsed, strict=True):
        try:
            _compiled([hunted])
            made.append(hunted)
        except ValueError as error:
            if (second := _second_choice(tree)) is None:
                where = f"playbook {rule.playbook}, match.{rule.kind}[{rule.index}]"
                raise ValueError(f"{where}: hyperscan refuses it: {error}") from None
            made.append(second)
    return made
