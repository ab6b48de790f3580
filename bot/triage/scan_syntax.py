"""Reads RE2's syntax into a small tree of byte sets, which `scan_pattern` turns into what hyperscan should look for.

Patterns are matched as bytes (RE2 in LATIN1 mode), so a character outside ASCII is several bytes: it and the classes
that hold it are rewritten on the way (`Parsed.latin1`). Syntax: https://github.com/google/re2/wiki/Syntax.
"""

from typing import NamedTuple

ALL = (1 << 256) - 1
HIGH = ALL ^ ((1 << 128) - 1)
NEWLINE = 1 << 10


def mask(chars: str | bytes) -> int:
    made = 0
    for c in chars.encode("latin-1") if isinstance(chars, str) else chars:
        made |= 1 << c
    return made


def span(first: int, last: int) -> int:
    return (1 << (last + 1)) - (1 << first) if last >= first else 0


DIGIT = span(48, 57)
UPPER, LOWER = span(65, 90), span(97, 122)
WORD = DIGIT | UPPER | LOWER | mask("_")
SPACE = mask("\t\n\f\r ")
_PERL = {"d": DIGIT, "w": WORD, "s": SPACE}
_POSIX = {
    "alnum": DIGIT | UPPER | LOWER, "alpha": UPPER | LOWER, "ascii": ALL ^ HIGH, "blank": mask("\t "),
    "cntrl": span(0, 31) | 1 << 127, "digit": DIGIT, "graph": span(33, 126), "lower": LOWER, "print": span(32, 126),
    "punct": span(33, 47) | span(58, 64) | span(91, 96) | span(123, 126), "space": SPACE | mask("\v"),
    "upper": UPPER, "word": WORD, "xdigit": DIGIT | mask("abcdefABCDEF"),
}  # fmt: skip
_ESCAPES = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}


class Bytes(NamedTuple):
    """One byte out of a set; bit n stands for byte n."""

    set: int


class Cat(NamedTuple):
    parts: "tuple[Node, ...]"


class Alt(NamedTuple):
    parts: "tuple[Node, ...]"


class Rep(NamedTuple):
    part: "Node"
    least: int
    most: int | None


class Anchor(NamedTuple):
    """`^` start of the line, `$` its end, `b` word border, `B` none."""

    kind: str


Node = Bytes | Cat | Alt | Rep | Anchor
EMPTY = Cat(())


class Parsed(NamedTuple):
    tree: Node
    latin1: bytes  # the same pattern for RE2 in LATIN1 mode
    groups: tuple[tuple[str, int], ...]  # named groups and their numbers; RE2 lets a name stand in several branches
    exact: bool  # the tree says what the pattern says, no more


class Unreadable(ValueError):
    """Syntax that RE2 may know and this reader does not."""


def parse(pattern: str) -> Parsed:
    """Raises Unreadable. The pattern is one that RE2 takes: faults in it are RE2's to explain."""
    reader = _Reader(pattern)
    tree = reader.alternatives(nested=False)
    return Parsed(tree, reader.latin1(), tuple(reader.groups), reader.exact)


def fold(set_: int) -> int:
    """Both cases of every ASCII letter in the set."""
    return set_ | (set_ & UPPER) << 32 | (set_ & LOWER) >> 32


def sequence(text: bytes) -> Node:
    return Cat(tuple(Bytes(1 << b) for b in text))


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.text, self.at = pattern, 0
        self.caseless = False
        self.depth = 0
        self.edits: list[tuple[int, int, bytes]] = []
        self.groups: list[tuple[str, int]] = []
        self.captured = 0
        self.exact = True

    def latin1(self) -> bytes:
        made, done = b"", 0
        for first, last, instead in self.edits:
            made += self.text[done:first].encode("ascii") + instead
            done = last
        return made + self.text[done:].encode("ascii")

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self) -> str:
        if self.at >= len(self.text):
            raise Unreadable("ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def until(self, end: str) -> str:
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise Unreadable(f"`{end}` is missing")
        found = self.text[self.at : stop]
        self.at = stop + len(end)
        return found

    def literal(self, code: int) -> Node:
        return Bytes(fold(1 << code) if self.caseless else 1 << code)

    def alternatives(self, *, nested: bool) -> Node:
        self.depth += 1
        if self.depth > 200:
            raise Unreadable("nested too deeply")
        caseless, branches = self.caseless, [self.branch()]
        while self.peek("|"):
            self.at += 1
            branches.append(self.branch())
        if nested:
            if not self.peek(")"):
                raise Unreadable("`)` is missing")
            self.at += 1
        elif self.at < len(self.text):
            raise Unreadable("`)` without `(`")
        self.caseless = caseless
        self.depth -= 1
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def branch(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if repeat := self.repeat():
                if not parts:
                    raise Unreadable("nothing to repeat")
                parts[-1] = Rep(parts[-1], *repeat)
            else:
                parts.extend(self.atom())
        return parts[0] if len(parts) == 1 else Cat(tuple(parts))

    def repeat(self) -> tuple[int, int | None] | None:
        found = self._bounds()
        if found is not None and self.peek("?"):
            self.at += 1  # lazy: which match is found differs, not whether there is one
        return found

    def _bounds(self) -> tuple[int, int | None] | None:
        c = self.text[self.at]
        if c in "*+?":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[c]
        if c != "{":
            return None
        body, end = self.text[self.at + 1 :].partition("}")[:2]
        low, comma, high = body.partition(",")
        if not end or not low.isdigit() or (high and not high.isdigit()):
            return None  # a literal brace
        self.at += len(body) + 2
        return int(low), int(high) if high else None if comma else int(low)

    def atom(self) -> list[Node]:
        start = self.at
        c = self.take()
        if c == "(":
            return self.group()
        if c == "[":
            return [self.char_class(start)]
        if c == "\\":
            return self.escape()
        if c in "^$":
            return [Anchor(c)]
        if c == ".":
            return [Bytes(ALL ^ NEWLINE)]
        if ord(c) < 128:
            return [self.literal(ord(c))]
        self.edits.append((start, self.at, b"(?:" + c.encode() + b")"))
        return [sequence(c.encode())]

    def group(self) -> list[Node]:
        if self.peek("?P<") or self.peek("?<"):
            self.captured += 1
            self.groups.append((self.until(">").partition("<")[2], self.captured))
        elif self.peek("?"):
            self.at += 1
            flags = ""
            while not self.peek(":") and not self.peek(")"):
                flags += self.take()
            on, _, off = flags.partition("-")
            was = self.caseless
            self.caseless = (was or "i" in on) and "i" not in off
            if self.take() == ")":
                return []  # holds to the end of the group, whose reader restores it
            found = self.alternatives(nested=True)
            self.caseless = was
            return [found]
        else:
            self.captured += 1
        return [self.alternatives(nested=True)]

    def escape(self) -> list[Node]:
        c = self.take()
        if c == "Q":
            body = self.until("\\E") if "\\E" in self.text[self.at :] else self._rest()
            if not body.isascii():
                raise Unreadable("\\Q...\\E with characters outside ASCII")
            return [self.literal(ord(x)) for x in body]
        if c in "AzbB":
            return [Anchor({"A": "^", "z": "$"}.get(c, c))]
        if c == "C":
            return [Bytes(ALL)]
        if (found := self.shorthand(c)) is not None:
            return [Bytes(found)]
        return [self.literal(self.code(c))]

    def _rest(self) -> str:
        body, self.at = self.text[self.at :], len(self.text)
        return body

    def shorthand(self, c: str) -> int | None:
        """A class written as an escape."""
        if c.lower() in _PERL:
            found = _PERL[c.lower()]
            return found if c.islower() else ALL ^ found
        if c in "pP":
            if self.take() == "{":
                self.until("}")
            self.exact = False
            return ALL  # more than the property says: RE2 confirms
        return None

    def code(self, c: str) -> int:
        """The byte that an escape stands for."""
        if c in _ESCAPES:
            return _ESCAPES[c]
        if c == "x":
            digits = self.until("}") if self.take_if("{") else self.take() + self.take()
            return self._byte(digits, 16)
        if c in "01234567":
            digits = c
            while len(digits) < 3 and self.at < len(self.text) and self.text[self.at] in "01234567":
                digits += self.take()
            return self._byte(digits, 8)
        if c.isalnum() or ord(c) > 127:
            raise Unreadable(f"escape \\{c}")
        return ord(c)

    def take_if(self, c: str) -> bool:
        found = self.peek(c)
        self.at += found
        return found

    @staticmethod
    def _byte(digits: str, base: int) -> int:
        try:
            value = int(digits, base)
        except ValueError:
            raise Unreadable(f"escape {digits}") from None
        if value > 255:
            raise Unreadable("a code point above 255")
        return value

    def char_class(self, start: int) -> Node:
        negated = self.take_if("^")
        found, wide, ranges = 0, set[str](), False
        first = True
        while first or not self.peek("]"):
            first = False
            if self.peek("[:") and (name := self._posix()) is not None:
                found |= name
                continue
            low = self.take()
            if low == "\\":
                low = self.take()
                if (short := self.shorthand(low)) is not None:
                    found |= short
                    continue
                low = chr(self.code(low))
            high = self._range_end(low)
            if ord(high) < 128 or self.text.isascii():
                found |= span(ord(low), ord(high))
            elif low == high:
                wide.add(low)
            else:
                ranges = True
                found |= span(ord(low), 127)
        self.at += 1
        return self._class(start, fold(found) if self.caseless else found, wide, ranges=ranges, negated=negated)

    def _class(self, start: int, found: int, wide: set[str], *, ranges: bool, negated: bool) -> Node:
        if not wide and not ranges:
            return Bytes(ALL ^ found if negated else found)
        if negated:  # any byte of a character outside ASCII passes: too much is confirmed, never too little
            found = ALL ^ (found & ~HIGH)
            self.edits.append((start, self.at, class_text(found).encode("ascii")))
            return Bytes(found)
        parts: list[Node] = [Bytes(found)] if found else []
        texts = [class_text(found).encode("ascii")] if found else []
        for c in sorted(wide):
            parts.append(sequence(c.encode()))
            texts.append(c.encode())
        if ranges:
            parts.append(Cat((Bytes(span(0xC2, 0xF4)), Rep(Bytes(span(0x80, 0xBF)), 1, 3))))
            texts.append(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
        self.edits.append((start, self.at, b"(?:" + b"|".join(texts) + b")"))
        return Alt(tuple(parts))

    def _posix(self) -> int | None:
        end = self.text.find(":]", self.at)
        name = self.text[self.at + 2 : end] if end > 0 else ""
        if name.lstrip("^") not in _POSIX:
            return None
        self.at = end + 2
        found = _POSIX[name.lstrip("^")]
        return ALL ^ found if name.startswith("^") else found

    def _range_end(self, low: str) -> str:
        if not self.peek("-") or self.text[self.at + 1 : self.at + 2] in ("", "]"):
            return low
        self.at += 1
        high = self.take()
        return chr(self.code(self.take())) if high == "\\" else high


def class_text(set_: int) -> str:
    """A set as a class that RE2 and hyperscan read alike."""
    if set_ == ALL:
        return r"[\x00-\xff]"
    runs, first = [], None
    for code in range(257):
        inside = code < 256 and set_ >> code & 1
        if inside and first is None:
            first = code
        elif not inside and first is not None:
            runs.append(f"\\x{first:02x}" if first == code - 1 else f"\\x{first:02x}-\\x{code - 1:02x}")
            first = None
    return f"[{''.join(runs)}]"
