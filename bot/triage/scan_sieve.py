"""Fixed texts of which one stands in every match of a rule: cheap to look for in all of a log, so that the rules
themselves are only looked for in the lines that hold one.

Hyperscan finds thousands of such texts at a gigabyte a second, and rules with wildcards at a fifth of that. What a text
is worth is an estimate: long ones that are no everyday word of a build's log are rarely there without the rule's match.
"""

import math
import re
from typing import Final

from bot.triage.scan_syntax import Alt, Anchor, Bytes, Cat, Node, Rep

Text = tuple[int, ...]
"""A byte set for each place: one byte, or both cases of a letter."""

WORTH: Final = 4.0
"""Texts worth less would be found in too many lines."""
_MOST_SPELLED = 12  # ways of writing one piece that are spelled out
_MOST_TEXTS = 80  # of one rule
_LONG = 10  # bytes looked for; hyperscan's own table looks at eight
_EVERYDAY: Final = re.compile(
    r"download(?:ing)?|error|https?(?:://)?|test|github|docker|build|status|install|package|module|time|server|image"
    r"|cache|file|from|with|not|code|version|run|warning|the|get|for|\.go|com|info|main|npm|git|ownload(?:ing)?"
    r"|wnload(?:ing)?|load(?:ing)?| in "
)


def texts(node: Node) -> tuple[Text, ...]:
    """One of them stands in every match of `node`; none where nothing is worth looking for."""
    found = _best(node)
    return tuple(dict.fromkeys(map(_cut, found))) if found and worth(found) >= WORTH else ()


def worth(found: list[Text]) -> float:
    return min(min(_rarity(_cut(text)), _LONG) for text in found) - 0.1 * math.log(len(found))


def _rarity(text: Text) -> float:
    written = "".join(chr(m.bit_length() - 1) for m in text)  # of both cases the small one
    rare = sum(1.0 if c.isalpha() else 0.8 if c == " " or c.isdigit() else 1.3 for c in written)
    return rare - sum(0.8 * len(m[0]) for m in _EVERYDAY.finditer(written))


def _cut(text: Text) -> Text:
    """The rarest stretch of a long one."""
    if len(text) <= _LONG:
        return text
    return max((text[i : i + _LONG] for i in range(len(text) - _LONG + 1)), key=_rarity)


def _best(node: Node) -> list[Text] | None:
    if isinstance(node, Alt):
        found: list[Text] = []
        for part in node.parts:
            own = _best(part)
            if own is None or len(found) + len(own) > _MOST_TEXTS:
                return None
            found += own
        return found
    if isinstance(node, Rep):
        return _best(node.part) if node.least else None
    if isinstance(node, Cat):
        return max(_pieces(node), key=worth, default=None)
    spelled = _spelled(node)
    return spelled if spelled and all(spelled) else None


def _pieces(node: Cat) -> list[list[Text]]:
    """The stretches that can be spelled out, and the best of each part that cannot."""
    found: list[list[Text]] = []
    run: list[Text] = [()]
    for part in node.parts:
        spelled = _spelled(part)
        if spelled is not None and len(run) * len(spelled) <= _MOST_SPELLED:
            run = [a + b for a in run for b in spelled]
            continue
        found.append(run)
        run = spelled if spelled is not None else [()]
        if spelled is None and (inner := _best(part)) is not None:
            found.append(inner)
    return [piece for piece in (*found, run) if all(piece)]


def _spelled(node: Node) -> list[Text] | None:
    """Every way of writing it; None where there are too many."""
    if isinstance(node, Bytes):
        return [(node.set,)] if node.set.bit_count() <= 2 else None
    if isinstance(node, Anchor):
        return [()]
    if isinstance(node, Alt):
        ways = [_spelled(part) for part in node.parts]
        made = [text for way in ways if way is not None for text in way]
        return None if None in ways or len(made) > _MOST_SPELLED else made
    if isinstance(node, Rep):
        if node.most is None or node.most > 2:
            return None
        return _joined([_spelled(node.part)] * node.least, [_spelled(node.part)] * (node.most - node.least))
    return _joined([_spelled(part) for part in node.parts], [])


def _joined(needed: list[list[Text] | None], optional: list[list[Text] | None]) -> list[Text] | None:
    made: list[Text] = [()]
    for way in needed:
        if way is None or len(made) * len(way) > _MOST_SPELLED:
            return None
        made = [a + b for a in made for b in way]
    for way in optional:
        if way is None or len(made) * (len(way) + 1) > _MOST_SPELLED:
            return None
        made = [*made, *(a + b for a in made for b in way)]
    return made
