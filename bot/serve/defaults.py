"""What holds where no configuration file was named. A module of its own, and a light one: `triage` of a log needs
neither YAML nor the settings classes, and importing them takes a tenth of the time it may take in all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network

    from pydantic import BaseModel

    from bot.model.language import Language


class Options(Protocol):
    """The part of the settings that commands for one log, one probe or one playbook need."""

    @property
    def playbooks(self) -> tuple[Path, ...]: ...

    @property
    def ci(self) -> Mapping[str, BaseModel]: ...

    @property
    def vantage_names(self) -> tuple[str, ...]: ...

    @property
    def language(self) -> Language: ...

    @property
    def probe_allow(self) -> tuple[IPv4Network | IPv6Network, ...]: ...

    def vantage(self, name: str) -> BaseModel | None: ...


class Defaults:
    """The built-in playbooks and the local vantage."""

    playbooks: tuple[Path, ...] = ()
    ci: Mapping[str, BaseModel] = {}
    vantage_names: tuple[str, ...] = ("local",)
    language: Language = "en"
    probe_allow: tuple[IPv4Network | IPv6Network, ...] = ()

    def vantage(self, name: str) -> BaseModel | None:
        return None
