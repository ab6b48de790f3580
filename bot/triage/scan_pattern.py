"""What hyperscan looks for on behalf of a rule: more than the rule matches, never less, and reported few times.

Hyperscan sees the raw log, the rule's author means the cleaned line, and RE2 has the last word on every candidate.
So `^` lets the end of a timestamp or marker stand before it, nothing runs across a line's end, and repeats at either
end are cut to what they need at least: hyperscan reports every offset at which a match may end.
"""

import math
from typing import NamedTuple

from bot.triage.scan_sieve import texts
from bot.triage.scan_syntax import (
    ALL,
    EMPTY,
    NEWLINE,
    Alt,
    Anchor,
    Bytes,
    Cat,
    Node,
    Parsed,
    Rep,
    class_text,
    mask,
)

BEFORE_LINE = mask(" \t]+\r\x07:\xbf")
"""The last byte of everything that `logtext.undecorated` takes from the front of a line."""

ONCE_A_LINE = "[^\\n]*$"
_MOST_COPIES = 10
_WIDE = 100  # a class of so many bytes tells nothing
_STRONG = 3  # so many fixed bytes keep candidates rare
_NARROW = 64  # a class of so many bytes tells something
_TELLING = 8  # so many fixed bytes say nearly all that the rule says


class Hunt(NamedTuple):
    """`expression` is hyperscan's (MULTILINE). `weak`: it says little, so it is reported once a line, at its end.
    `exact`: a line that hyperscan reports fits, but for what cleaning may change. `sieve`: expressions for fixed
    texts; one of them stands in every line that `expression` finds (none: there is no such text)."""

    expression: str
    weak: bool = False
    exact: bool = False
    sieve: tuple[str, ...] = ()


def hunt(parsed: Parsed) -> Hunt | None:
    """None where no single line can ever match."""
    tree = _without_any_start(parsed.tree)
    plain = _plain(tree)
    if plain is None:
        return None
    cut = _without_vague_start(_trimmed(plain, wide=True))
    weak = _bits(cut) < 8 * _STRONG
    shown = _anchored(cut, first=True, last=not weak)
    exact = parsed.exact and _exact(tree) and cut == _trimmed(plain, wide=False)
    sieve = tuple(render(Cat(tuple(map(Bytes, text)))) for text in texts(cut))
    return Hunt(render(shown) + (ONCE_A_LINE if weak else ""), weak, exact, sieve)


def fallback(parsed: Parsed) -> Hunt | None:
    """The strongest part that every match holds, for what hyperscan finds too large; None if there is none."""
    plain = _plain(parsed.tree)
    core = None if plain is None else _core(_trimmed(plain, wide=True))
    if core is None or strength(core) < _STRONG:
        return None
    return Hunt(render(_anchored(core, first=False, last=False)))


def _trimmed(plain: Node, *, wide: bool) -> Node:
    cut = trim(trim(plain, front=True, wide=wide), front=False, wide=wide)
    return cut if width(cut) else plain


def _without_any_start(tree: Node) -> Node:
    """`^.*x` fits the lines that `x` fits."""
    if isinstance(tree, Cat) and len(tree.parts) > 2 and tree.parts[0] == Anchor("^"):
        start = tree.parts[1]
        if isinstance(start, Rep) and (start.least, start.most) == (0, None) and isinstance(start.part, Bytes):
            return Cat(tree.parts[2:]) if start.part.set | NEWLINE == ALL else tree
    return tree


def _without_vague_start(cut: Node) -> Node:
    """From its first long fixed text on, where anything may stand before it (`\\S+@\\S+: .*unknown revision`):
    hyperscan would follow that from nearly every byte of the log. RE2 has the whole rule."""
    if not isinstance(cut, Cat):
        return cut
    run = 0
    for i, part in enumerate(cut.parts):
        run = run + 1 if isinstance(part, Bytes) and part.set.bit_count() <= 2 else 0
        if run == _TELLING:
            start = cut.parts[: i + 1 - run]
            vague = any(isinstance(p, Rep) and p.most is None for p in start) and strength(Cat(start)) < _STRONG
            return Cat(cut.parts[i + 1 - run :]) if vague else cut
    return cut


def _exact(node: Node) -> bool:
    """Whether nothing in it is looked for in a wider sense."""
    if isinstance(node, Anchor):
        return node.kind == "b"
    if isinstance(node, Rep):
        fits = node.least <= _MOST_COPIES and (node.most is None or node.most <= 2 * _MOST_COPIES)
        return fits and _exact(node.part)
    return isinstance(node, Bytes) or all(map(_exact, node.parts))


def width(node: Node) -> int:
    """The fewest bytes that a match takes."""
    if isinstance(node, Bytes):
        return 1
    if isinstance(node, Cat):
        return sum(map(width, node.parts))
    if isinstance(node, Alt):
        return min(map(width, node.parts))
    return node.least * width(node.part) if isinstance(node, Rep) else 0


def strength(node: Node) -> int:
    """The longest run of (nearly) fixed bytes that every match holds."""
    if isinstance(node, Bytes):
        return int(node.set.bit_count() <= 2)
    if isinstance(node, Alt):
        return min(map(strength, node.parts))
    if isinstance(node, Rep):
        return strength(node.part) if node.least else 0
    if isinstance(node, Anchor):
        return 0
    best = run = 0
    for part in node.parts:
        if isinstance(part, Bytes):
            run = run + 1 if part.set.bit_count() <= 2 else 0
            best = max(best, run)
        elif not isinstance(part, Anchor):
            best, run = max(best, strength(part)), 0
    return best


def _bits(node: Node) -> float:
    """What the most telling run of bytes says that every match holds. Narrow classes count as much as the fixed bytes
    beside them: `SC\\d{4}` is rare, `\\d{9}` is not."""
    if isinstance(node, Alt):
        return min(map(_bits, node.parts))
    if isinstance(node, Rep) and node.least and not isinstance(node.part, Bytes):
        return _bits(node.part)
    best = fixed = narrow = 0.0
    for part in node.parts if isinstance(node, Cat) else (node,):
        one, times = (part.part, part.least) if isinstance(part, Rep) else (part, 1)
        if isinstance(one, Alt) and times and (short := _fixed(one)):
            one, times = Bytes(1), short
        if isinstance(part, Anchor):
            continue
        if not isinstance(one, Bytes) or not times or one.set.bit_count() > _NARROW:
            best, fixed, narrow = max(best, 0.0 if part == node else _bits(part)), 0.0, 0.0
            continue
        if one.set.bit_count() <= 2:
            fixed += 8 * times
        else:
            narrow += (8 - math.log2(one.set.bit_count())) * times
        best = max(best, fixed + min(narrow, fixed))
    return best


def _fixed(node: Alt) -> int:
    """How long the shortest of several fixed texts is; 0 if they are not all fixed."""
    if width(node) and strength(node) == width(node):
        return width(node)
    return 0


def _plain(node: Node) -> Node | None:
    """Without line breaks, nested sequences and large counts; None where nothing is left that could match."""
    if isinstance(node, Bytes):
        left = node.set & ~NEWLINE
        return Bytes(left) if left else None
    if isinstance(node, Cat):
        return _plain_cat(node)
    if isinstance(node, Alt):
        parts = [p for p in map(_plain, node.parts) if p is not None]
        return None if not parts else parts[0] if len(parts) == 1 else Alt(tuple(parts))
    if isinstance(node, Rep):
        part = _plain(node.part)
        if part is None or part == EMPTY:
            return EMPTY if part == EMPTY or not node.least else None
        most = None if node.most is None or node.most > 2 * _MOST_COPIES else node.most
        return Rep(part, min(node.least, _MOST_COPIES), most)
    return EMPTY if node.kind == "B" else node  # what stands before a line is not what the author means by \B


def _plain_cat(node: Cat) -> Node | None:
    parts: list[Node] = []
    for part in node.parts:
        made = _plain(part)
        if made is None:
            return None
        parts.extend(made.parts if isinstance(made, Cat) else (made,))
    return parts[0] if len(parts) == 1 else Cat(tuple(parts))


def trim(node: Node, *, front: bool, wide: bool) -> Node:
    """Without what may be missing at that end. A match of `node` holds one of the result."""
    if isinstance(node, Alt):
        if not width(node):
            return node
        parts = _apart([trim(p, front=front, wide=wide) for p in node.parts], front=front)
        return parts[0] if len(parts) == 1 else Alt(tuple(parts))
    if isinstance(node, Rep):
        if not node.least:
            return EMPTY
        one = trim(node.part, front=front, wide=wide)
        rest = (node.part,) * (node.least - 1)
        return _cat(one, *rest) if front else _cat(*rest, one)
    if not isinstance(node, Cat):
        return node
    parts = list(node.parts if front else reversed(node.parts))
    while len(parts) > 1 and (drop := _needless(parts, wide=wide)):
        del parts[:drop]
    if parts:
        head = trim(parts[0], front=front, wide=wide)
        parts[:1] = (head.parts if front else reversed(head.parts)) if isinstance(head, Cat) else (head,)
    return _cat(*(parts if front else reversed(parts)))


def _apart(parts: list[Node], *, front: bool) -> list[Node]:
    """Without fixed texts that hold another one at that end: what `npm` is found in, `pnpm` adds nothing to, and two
    ways of finding the same make hyperscan slow."""
    texts = [p.parts if isinstance(p, Cat) else (p,) for p in parts]
    fixed = [t for t in texts if all(isinstance(b, Bytes) for b in t)]

    def needless(text: tuple[Node, ...]) -> bool:
        return any(len(f) < len(text) and (text[-len(f) :] if front else text[: len(f)]) == f for f in fixed if f)

    return [p for p, t in zip(parts, texts, strict=True) if not (all(isinstance(b, Bytes) for b in t) and needless(t))]


def _cat(*parts: Node) -> Node:
    return parts[0] if len(parts) == 1 else Cat(parts)


def _needless(parts: list[Node], *, wide: bool) -> int:
    """How many parts at this end can go: what may be empty, with an anchor before it where it fits nearly all.

    `wide`: also where that makes it fit more than it did."""
    first = parts[0]
    if isinstance(first, Anchor):
        return 2 if wide and len(parts) > 2 and _says_nothing(parts[1]) else 0
    return int(_may_be_empty(first))


def _says_nothing(node: Node) -> bool:
    return (
        isinstance(node, Rep)
        and node.most is None
        and isinstance(node.part, Bytes)
        and node.part.set.bit_count() > _WIDE
    )


def _may_be_empty(node: Node) -> bool:
    """Whether it may be left out; anchors ask for something, and stay."""
    if isinstance(node, Cat):
        return all(map(_may_be_empty, node.parts))
    if isinstance(node, Alt):
        return any(map(_may_be_empty, node.parts))
    return isinstance(node, Rep) and (not node.least or _may_be_empty(node.part))


def _core(node: Node) -> Node | None:
    if isinstance(node, Alt):
        cores = [_core(p) for p in node.parts]
        return None if None in cores else Alt(tuple(c for c in cores if c is not None))
    if isinstance(node, Rep):
        return _core(node.part) if node.least else None
    if not isinstance(node, Cat):
        return node if isinstance(node, Bytes) else None
    runs: list[Node] = []
    run: list[Node] = []
    for part in (*node.parts, EMPTY):
        if isinstance(part, Bytes):
            run.append(part)
            continue
        runs += [_cat(*run)] if run else []
        run = []
        if part != EMPTY and (inner := _core(part)) is not None:
            runs.append(inner)
    return max(runs, key=strength, default=None)


def _anchored(node: Node, *, first: bool, last: bool) -> Node:
    """Without `^` and `$` but at the very ends, where alone hyperscan knows them."""
    if isinstance(node, Anchor):
        return node if node.kind == "b" or (node.kind == "^" and first) or (node.kind == "$" and last) else EMPTY
    if isinstance(node, Alt):
        return Alt(tuple(_anchored(p, first=first, last=last) for p in node.parts))
    if isinstance(node, Rep):
        return Rep(_anchored(node.part, first=False, last=False), node.least, node.most)
    if isinstance(node, Cat):
        end = len(node.parts) - 1
        return Cat(tuple(_anchored(p, first=first and not i, last=last and i == end) for i, p in enumerate(node.parts)))
    return node


def render(node: Node) -> str:
    if isinstance(node, Bytes):
        single = node.set.bit_length() - 1
        return f"\\x{single:02x}" if node.set == 1 << single else class_text(node.set & ALL)
    if isinstance(node, Cat):
        return "".join(map(render, node.parts))
    if isinstance(node, Alt):
        return f"(?:{'|'.join(map(render, node.parts))})"
    if isinstance(node, Rep):
        inner = render(node.part)
        most = "" if node.most is None else str(node.most)
        count = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.least, node.most), f"{{{node.least},{most}}}")
        return f"{inner if isinstance(node.part, Bytes) else f'(?:{inner})'}{count}"
    return {"^": f"(?:^|{class_text(BEFORE_LINE)})", "$": "(?:\\r|$)"}.get(node.kind, "\\b")
