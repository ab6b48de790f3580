"""What a .dockerignore leaves out, as Docker and BuildKit decide it.

After github.com/moby/patternmatcher (and its `ignorefile`): patterns are cleaned and tried in order, the last that fits
counts, a file goes with its folder unless a later `!` brings it back. `*` stops at a slash, `**` does not.
"""

from __future__ import annotations

import posixpath
import re
from typing import Callable, List, NamedTuple, Optional, Tuple

MAX_PATTERNS = 2000
MAX_LENGTH = 1000
_LITERAL, _ONE, _SET, _STAR, _FOLDERS, _REST = range(6)
_SPACE = " \t\n\v\f\r\x85\xa0"
Token = Tuple[int, str]
Match = Callable[[str], bool]


class BadPattern(Exception):
    """A pattern that makes `docker build` fail; `str()` names it."""


class Pattern(NamedTuple):
    text: str  # cleaned, without its `!`
    back: bool  # `!`: what fits is sent after all
    match: Match


def read(content: str) -> List[Pattern]:
    """The patterns of a file. Raises BadPattern."""
    out: List[Pattern] = []
    for number, raw in enumerate(content.splitlines()):
        line = raw.lstrip("\ufeff") if number == 0 else raw
        text = line.strip(_SPACE)
        if not text or line.startswith("#"):
            continue
        back = text.startswith("!")
        text = text[1:].strip(_SPACE) if back else text
        if not text:
            raise BadPattern('illegal exclusion pattern: "!"')
        if len(text) > MAX_LENGTH or len(out) >= MAX_PATTERNS:
            raise BadPattern("more, or longer, patterns than are read here")
        text = clean(text)
        out.append(Pattern(text, back, compile_(text)))
    return out


def clean(text: str) -> str:
    """filepath.Clean, and paths from the root on taken as from the context on."""
    path = posixpath.normpath(text)
    path = "/" + path.lstrip("/") if path.startswith("/") else path  # normpath keeps two slashes, Go does not
    return path[1:] if len(path) > 1 and path.startswith("/") else path


def matched(patterns: List[Pattern], path: str, above: Optional[List[bool]]) -> Tuple[bool, List[bool]]:
    """(whether `path` is left out, which patterns fit it). `above`: which fit the folder that it is in."""
    out, fits = False, [False] * len(patterns)
    for index, pattern in enumerate(patterns):
        fit = bool(above and above[index])
        if not fit:
            if pattern.back != out:
                continue
            fit = pattern.match(path)
        fits[index] = fit
        if fit:
            out = not pattern.back
    return out, fits


def compile_(text: str) -> Match:
    """One cleaned pattern. Raises BadPattern."""
    _check(text)
    tokens, kind = _tokens(text)
    if kind == "exact":
        return lambda path: path == text
    if kind == "prefix":  # `dir/**`
        return lambda path: path.startswith(text[:-2])
    if kind == "suffix":  # `**/name`
        end = text[2:]
        return lambda path: path.endswith(end) or (end[:1] == "/" and path == end[1:])
    if sum(1 for token, _ in tokens if token >= _STAR) > 4:
        return lambda path: _walk(tokens, path)  # a regular expression could take for ever
    try:
        return re.compile("".join(_regex(token) for token in tokens) + r"\Z", re.DOTALL).match  # type: ignore[return-value]
    except re.error:
        raise BadPattern(f"syntax error in pattern: {text[:60]}") from None


def _tokens(text: str) -> Tuple[List[Token], str]:
    """The parts of a pattern, and whether it is plain enough to do without a regular expression."""
    out: List[Token] = []
    kind, at = "exact", 0
    while at < len(text):
        char, begun = text[at], at
        at += 1
        if text.startswith("**", begun):
            at += 1
            at += text[at : at + 1] == "/"
            if at >= len(text):
                out.append((_REST, ""))
                kind = "prefix" if kind == "exact" else "regex"
            else:
                out.append((_FOLDERS, ""))
                kind = "regex"
            if begun == 0:
                kind = "suffix"
            continue
        if char == "*":
            out.append((_STAR, ""))
        elif char == "?":
            out.append((_ONE, ""))
        elif char == "[":
            end = _class_end(text, at)
            out.append((_SET, text[begun:end]))
            at = end
        elif char == "\\" and at < len(text):
            out.append((_LITERAL, text[at]))
            at += 1
        else:
            out.append((_LITERAL, char))
            if char != "]":
                continue
        kind = "regex"
    return out, kind


def _class_end(text: str, at: int) -> int:
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def _regex(token: Token) -> str:
    kind, value = token
    if kind == _SET:
        inner, turned = value[1:-1], value[1:2] == "^"
        inner = re.sub(r"(?<!\\)([\[&~|])", r"\\\1", inner[1:] if turned else inner)
        return f"[{'^' if turned else ''}{inner}]"
    return {_LITERAL: re.escape(value), _ONE: "[^/]", _STAR: "[^/]*", _FOLDERS: "(?:.*/)?", _REST: ".*"}[kind]


def _walk(tokens: List[Token], path: str) -> bool:
    """All ways through the pattern at once: its length times the path's, however many stars there are."""
    sets = {index: re.compile(_regex(token)) for index, token in enumerate(tokens) if token[0] == _SET}
    states = _closure({0}, tokens)
    for char in path:
        following = set()
        for state in states:
            at, inside = abs(state), state < 0  # negative: within the folders that `**/` passes over
            kind, value = tokens[at - 1] if inside else tokens[at] if at < len(tokens) else (-1, "")
            if inside or kind == _FOLDERS:
                following.add(-(at if inside else at + 1))
                if char == "/":
                    following.add(at if inside else at + 1)
            elif kind == _REST or (kind == _STAR and char != "/"):
                following.add(at)
            elif (
                (kind == _LITERAL and value == char)
                or (kind == _ONE and char != "/")
                or (kind == _SET and sets[at].match(char) is not None)
            ):
                following.add(at + 1)
        states = _closure(following, tokens)
    return len(tokens) in states


def _closure(states: "set[int]", tokens: List[Token]) -> "set[int]":
    """With what may stand for nothing passed over."""
    out, waiting = set(), list(states)
    while waiting:
        state = waiting.pop()
        if state in out:
            continue
        out.add(state)
        if 0 <= state < len(tokens) and tokens[state][0] >= _STAR:
            waiting.append(state + 1)
    return out


def _check(text: str) -> None:
    """What filepath.Match calls a bad pattern."""
    at, bad = 0, BadPattern(f"syntax error in pattern: {text[:60]}")
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\":
            if at >= len(text):
                raise bad
            at += 1
        elif char == "[":
            at = _check_class(text, at, bad)


def _check_class(text: str, at: int, bad: BadPattern) -> int:
    if text[at : at + 1] == "^":
        at += 1
    count = 0
    while True:
        if at >= len(text):
            raise bad
        if text[at] == "]" and count:
            return at + 1
        for turn in range(2):
            if text[at : at + 1] in ("-", "]", ""):
                raise bad
            at += 1 if text[at] != "\\" else 2
            if at > len(text) or at >= len(text):
                raise bad
            if turn or text[at] != "-":
                break
            at += 1
        count += 1
