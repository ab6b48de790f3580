"""Probe verbs and their arguments, for the command line and other front doors."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bot.model.errors import UsageError
from bot.prober import run as prober
from bot.prober.verb import BadArgument, Verb, read_args


class ArgumentInfo(NamedTuple):
    what: str
    required: bool
    default: Any


class VerbInfo(NamedTuple):
    says: str
    arguments: dict[str, ArgumentInfo]


def verbs() -> dict[str, VerbInfo]:
    """Every verb with its arguments, for help texts."""
    out = {}
    for name in prober.verb_names():
        verb = _verb(name)
        out[name] = VerbInfo(
            verb.says, {key: ArgumentInfo(a.what, a.required, a.default) for key, a in verb.args.items()}
        )
    return out


def parse_args(verb: str, given: Mapping[str, str] | Sequence[str]) -> dict[str, Any]:
    """The arguments of one probe, from `{"host": "a.example"}` or `["host=a.example"]`. Raises UsageError that names
    the known verbs or arguments."""
    found = _verb(verb)
    pairs = dict(given) if isinstance(given, Mapping) else _pairs(verb, found, given)
    try:
        read_args(found, pairs)
    except BadArgument as error:
        raise UsageError(f"{verb}: {error}") from None
    return pairs


def _verb(name: str) -> Verb:
    found = prober.verb(name)
    if found is None:
        raise UsageError(f"unknown probe {name!r} (known: {', '.join(prober.verb_names())})")
    return found


def _pairs(name: str, verb: Verb, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            known = ", ".join(sorted(verb.args)) or "none"
            raise UsageError(f"{name}: {text!r} is not ARG=VALUE (known arguments: {known})")
        if key in pairs:
            raise UsageError(f"{name}: {key} is given twice")
        pairs[key] = value
    return pairs
