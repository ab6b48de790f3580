"""The kinds of vantage. A kind is one file of this package that calls `register` with its settings and its maker."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence

from bot.ports import Vantage
from bot.probes.serving import Settings

Maker = Callable[[str, Settings, Sequence[str]], Vantage]
"""(name, settings, networks that the bot's own host may probe) -> vantage"""

_KINDS: dict[str, tuple[type[Settings], Maker]] = {}


def register(kind: str, settings: type[Settings], maker: Maker) -> None:
    _KINDS[kind] = (settings, maker)


def known() -> dict[str, tuple[type[Settings], Maker]]:
    """Every kind. Importing their files is cheap: heavy parts are imported when one is used."""
    package = importlib.import_module("bot.probes")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bot.probes.{module.name}")
    return dict(_KINDS)
