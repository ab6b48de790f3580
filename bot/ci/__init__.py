"""CI systems. Each kind is one adapter file here that registers itself and owns its settings.

    @register("github", GitHubSettings)
    class GitHub: ...            # implements bot.ports.CI; built from its settings alone

Nothing else names a kind: `kinds()` finds the files.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from bot.model.errors import ConfigError
from bot.ports import CI

T = TypeVar("T")


class _Kind(NamedTuple):
    settings: type[BaseModel]
    adapter: Callable[[Any], CI]


_registered: dict[str, _Kind] = {}


def register(kind: str, settings: type[BaseModel]) -> Callable[[type[T]], type[T]]:
    """Class decorator: this adapter serves `kind`, whose entries in the configuration are read as `settings`."""

    def enter(adapter: type[T]) -> type[T]:
        if kind in _registered:
            raise ValueError(f"two adapters claim the CI kind {kind!r}")
        _registered[kind] = _Kind(settings, adapter)  # type: ignore[arg-type]  # the contract suite checks that it is a CI
        return adapter

    return enter


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)


def kinds() -> Mapping[str, type[BaseModel]]:
    """Kind -> its settings class."""
    _discover()
    return {name: kind.settings for name, kind in sorted(_registered.items())}


def make(settings: BaseModel) -> CI:
    """The adapter for these settings. Raises ConfigError if no kind has settings of this class."""
    _discover()
    for kind in _registered.values():
        if type(settings) is kind.settings:
            return kind.adapter(settings)
    raise ConfigError(f"no CI kind takes {type(settings).__name__} (known: {', '.join(sorted(_registered))})")
