"""One registry for the kinds of a part: each kind is one file of the part's package and registers itself.

    _kinds = Kinds[CI]("CI", __name__)                 # in bot/ci/__init__.py

    @register("github", GitHubSettings)                # in bot/ci/github.py
    class GitHub: ...                                  # implements the port; built from its settings alone

Nothing else names a kind: the files are found when somebody asks.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from bot.model.errors import ConfigError

P = TypeVar("P")
T = TypeVar("T")


class _Kind(NamedTuple):
    settings: type[BaseModel]
    adapter: Callable[[Any], Any]


class Kinds(Generic[P]):
    """The kinds of one port `P`. `what` names the part in messages; `package` is where the files are."""

    def __init__(self, what: str, package: str) -> None:
        self._what, self._package = what, package
        self._registered: dict[str, _Kind] = {}
        self._found = False

    def register(self, kind: str, settings: type[BaseModel]) -> Callable[[type[T]], type[T]]:
        """Class decorator: this adapter serves `kind`, whose entries in the configuration are read as `settings`.
        That the class is a `P` is checked by the port's contract suite."""

        def enter(adapter: type[T]) -> type[T]:
            if kind in self._registered:
                raise ValueError(f"two adapters claim the {self._what} kind {kind!r}")
            self._registered[kind] = _Kind(settings, adapter)
            return adapter

        return enter

    def _discover(self) -> dict[str, _Kind]:
        if not self._found:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
                importlib.import_module(module.name)
            self._found = True
        return self._registered

    def kinds(self) -> Mapping[str, type[BaseModel]]:
        """Kind -> its settings class."""
        return {name: kind.settings for name, kind in sorted(self._discover().items())}

    def make(self, settings: BaseModel) -> P:
        """The adapter for these settings. Raises ConfigError if no kind has settings of this class."""
        for kind in self._discover().values():
            if type(settings) is kind.settings:
                adapter: P = kind.adapter(settings)
                return adapter
        known = ", ".join(sorted(self._registered))
        raise ConfigError(f"no {self._what} kind takes {type(settings).__name__} (known: {known})")
