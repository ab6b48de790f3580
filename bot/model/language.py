"""The language in which people are spoken to. English is the source; another language is a table from English to it.

What is not in the table stays English, string by string. The language in use belongs to the task at hand
(`speaking`), since it concerns every sentence and no decision.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_HOLE = re.compile(r"\{(\w+)(?:[!:][^{}]*)?\}")
_current: ContextVar[Language] = ContextVar("language", default="en")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Everything that is put into words inside speaks this language."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Language:
    return _current.get()


def read(name: str) -> Language | None:
    """A language by its name; None where it is none of ours."""
    return next((known for known in LANGUAGES if known == name), None)


def tr(english: str, **fields: object) -> str:
    """This sentence in the language in use. With `fields`, `{name}` in it is filled by str.format."""
    text = _table(_current.get()).get(english, english)
    return text.format(**fields) if fields else text


def kept(english: str, **fields: object) -> str:
    """A sentence that is kept as data (a hit's reason, in a scan) and not told yet. It is English whatever language is
    in use: whoever tells it says `heard`."""
    return english.format(**fields) if fields else english


def heard(english: str) -> str:
    """A sentence that was filled in elsewhere (a workflow's, kept in the store): its template is found again, and
    what stood in the holes goes into the translation. Whatever no template fits stays as it is. So does what stands
    in a hole named `quoted`: somebody else's words, as a line of the log."""
    if _current.get() == "en" or not english or len(english) > 800:
        return english
    if (whole := _table(_current.get()).get(english)) is not None and not _HOLE.search(english):
        return whole
    for pattern, text in _templates(_current.get()):
        if found := pattern.fullmatch(english):
            return text.format(**{k: v if k == "quoted" else heard(v) for k, v in found.groupdict().items()})
    return english


def holes(text: str) -> frozenset[str]:
    """The names that str.format would ask for."""
    return frozenset(_HOLE.findall(text))


def _table(language: Language) -> Mapping[str, str]:
    if language == "zh":
        from bot.model.chinese import CHINESE

        return CHINESE
    return {}


@lru_cache(maxsize=8)
def _templates(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Every whole sentence with holes, as a pattern; those that spell out the most come first."""
    made = []
    for english, text in _table(language).items():
        names = _HOLE.findall(english)
        literal = _HOLE.sub("", english)
        # a template that is nearly all hole would fit anything
        if names and len(names) == len(set(names)) and sum(c.isalpha() for c in literal) >= 8:
            parts = _HOLE.split(english)
            body = "".join(f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
            made.append((len(literal), re.compile(body, re.DOTALL), text))
    made.sort(key=lambda m: -m[0])
    return tuple((pattern, text) for _, pattern, text in made)
