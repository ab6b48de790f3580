"""Vantages: places that probes run from. One file a kind.

kinds()                              kind -> settings class, for the configuration
make("runner", settings, allow)      a vantage; `local` needs no settings
parse_args("dns", ["host=a.example"])   arguments of a probe, checked
verbs()                              what can be probed, for help texts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bot.ports import Vantage
    from bot.probes.arguments import VerbInfo
    from bot.probes.serving import Settings

__all__ = ["kinds", "make", "parse_args", "verbs"]


def kinds() -> dict[str, type[Settings]]:
    """Every kind of vantage with its settings class."""
    from bot.probes.registry import known

    return {kind: settings for kind, (settings, _) in known().items()}


def make(name: str, settings: BaseModel | None = None, probe_allow: Iterable[object] = ()) -> Vantage:
    """A vantage of its settings; None is `local` without any. `probe_allow`: networks that the bot's own host may
    probe although they are private. Raises ConfigError for a network that is none, or settings of no known kind."""
    from bot.model.errors import ConfigError
    from bot.prober.policy import Policy
    from bot.probes.local import LocalSettings
    from bot.probes.registry import known

    allow = [str(network) for network in probe_allow]
    try:
        Policy("public", allow)
    except ValueError as error:
        raise ConfigError(f"probe_allow: {error}") from None
    chosen = LocalSettings() if settings is None else settings
    for kind, maker in known().values():
        if type(chosen) is kind:
            return maker(name, chosen, allow)
    raise ConfigError(f"vantages: {name}: {type(chosen).__name__} is not of a known kind")


def parse_args(verb: str, given: Mapping[str, str] | Sequence[str]) -> dict[str, Any]:
    """See bot.probes.arguments.parse_args."""
    from bot.probes.arguments import parse_args as parse

    return parse(verb, given)


def verbs() -> dict[str, VerbInfo]:
    """See bot.probes.arguments.verbs."""
    from bot.probes.arguments import verbs as table

    return table()
