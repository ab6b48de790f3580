"""The configuration file, section by section, as each command needs it.

`Settings.load` checks all that can be checked without the environment: YAML, keys, types, names, references. A variable
that is not set is an error only when a part that needs it is asked for: `settings.slack`, `settings.vantage("runner")`.
Settings of a CI, a vantage or Slack are classes of those parts; only what no part owns is declared here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    model_validator,
)

from bot.model.duration import Duration
from bot.model.errors import ConfigError
from bot.serve.checked import unknown_key, validate
from bot.serve.yamlfile import Document, Where, read
from bot.triage.approve import Policy

if TYPE_CHECKING:
    from bot.model.language import Language
    from bot.slack.settings import SlackSettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError as error:
        raise ValueError(f"must be an address range such as 10.0.0.0/8: {error}") from None


def _approver(value: str) -> str:
    if not re.fullmatch(r"[UWS][A-Z0-9]{2,}", value):
        raise ValueError(f"{value!r} is no Slack id: a person's begins with U or W, a user group's with S")
    return value


def _slack_user(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", value):
        raise ValueError(f"{value!r} is no Slack user id (they begin with U or W)")
    return value


SlackUser = Annotated[str, AfterValidator(_slack_user)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
Approver = Annotated[str, AfterValidator(_approver)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySettings(Section):
    """Who must agree to what is done to an environment (or to a job that belongs to none: `rerun`)."""

    approvals: Annotated[int, Field(ge=0, le=20)] = 0
    approvers: tuple[Approver, ...] = ()
    self_approval: bool = False
    expires: Duration = 1800.0

    @model_validator(mode="after")
    def _reachable(self) -> PolicySettings:
        if self.approvals and not self.approvers:
            raise ValueError(f"{self.approvals} approvals are asked for and nobody may give one: add approvers")
        people = {a for a in self.approvers if not a.startswith("S")}
        if len(people) == len(set(self.approvers)) and len(people) < self.approvals:
            raise ValueError(f"{self.approvals} approvals can never come from {len(people)} approver(s)")
        return self

    @property
    def policy(self) -> Policy:
        return Policy.model_validate(self.model_dump())


class AlertmanagerSettings(Section):
    name: str
    kind: Literal["alertmanager"]
    bearer: SecretStr


class StorageSettings(Section):
    url: str = "sqlite:///buildmedic.db"


class HttpSettings(Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080


class _Shared(Section):
    """The parts that hold no secret and are checked whole."""

    probe_allow: tuple[Network, ...] = ()
    environments: dict[str, PolicySettings] = {}
    rerun: PolicySettings = PolicySettings()
    people: dict[str, SlackUser] = {}  # a CI's login, or an e-mail address, of each person -> their Slack user id
    playbooks: tuple[Path, ...] = ()
    storage: StorageSettings = StorageSettings()
    http: HttpSettings = HttpSettings()


ALERTS: dict[str, type[BaseModel]] = {"alertmanager": AlertmanagerSettings}
_SECTIONS = ("slack", "ci", "vantages", "deploys", "alerts", *_Shared.model_fields)
_NAMED = ("ci", "deploys", "alerts")


class Settings:
    """One configuration file. Every property may raise ConfigError: a variable that it needs may be missing."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._data: dict[str, Any] = {k: v for k, v in document.data.items() if v is not None}
        self.file = Path(document.file)

    @classmethod
    def load(cls, path: str | Path, env: Mapping[str, str] | None = None) -> Settings:
        """Read and check a file. Raises ConfigError: one line with file, line, key and what to write instead."""
        document = read(Path(path), os.environ if env is None else env)
        if not isinstance(document.data, dict):
            raise ConfigError(f"{path}: must be a mapping of sections such as `slack:`, `ci:`, `vantages:`")
        for key in document.data:
            if key not in _SECTIONS:
                raise document.fault((key,), unknown_key(key, _SECTIONS))
        settings = cls(document)
        settings._check()
        return settings

    # what commands ask for

    @property
    def slack(self) -> SlackSettings:
        if "slack" not in self._data:
            raise ConfigError(f"{self.file}: has no `slack:` section, and this command needs one")
        self._need(("slack",))
        return self._slack

    @property
    def has_slack(self) -> bool:
        return "slack" in self._data

    @property
    def language(self) -> Language:
        """What people are spoken to in where no channel says otherwise."""
        return self._slack.language if self.has_slack else "en"

    @property
    def ci(self) -> dict[str, BaseModel]:
        """Entry name -> settings of its kind (`bot.ci.make` takes them)."""
        self._need(("ci",))
        return self._ci

    @property
    def ci_names(self) -> tuple[str, ...]:
        return tuple(self._ci)

    def ci_entry(self, name: str) -> BaseModel:
        """The settings of one CI, whatever variables the others lack."""
        self._need(("ci", self.ci_names.index(name)))
        return self._ci[name]

    @property
    def deploys(self) -> dict[str, BaseModel]:
        """Entry name -> settings of its kind (`bot.deploy.make` takes them)."""
        self._need(("deploys",))
        return self._deploys

    @property
    def deploy_names(self) -> tuple[str, ...]:
        return tuple(self._deploys)

    def deploy_entry(self, name: str) -> BaseModel:
        """The settings of one deploy, whatever variables the others lack."""
        self._need(("deploys", self.deploy_names.index(name)))
        return self._deploys[name]

    @property
    def vantages(self) -> dict[str, BaseModel]:
        """Name -> settings of its kind (`bot.probes.make` takes them); `local` is only here if it is configured."""
        self._need(("vantages",))
        return self._vantages

    def vantage(self, name: str) -> BaseModel | None:
        """The settings of one vantage, whatever variables the others lack; None if it is not configured."""
        if name not in self._vantages:
            return None
        self._need(("vantages", name))
        return self._vantages[name]

    @property
    def vantage_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("local", *self._vantages)))

    @property
    def probe_allow(self) -> tuple[IPv4Network | IPv6Network, ...]:
        self._need(("probe_allow",))
        return self._shared.probe_allow

    @property
    def environments(self) -> dict[str, Policy]:
        self._need(("environments",))
        return {name: p.policy for name, p in self._shared.environments.items()}

    @property
    def rerun(self) -> Policy:
        self._need(("rerun",))
        return self._shared.rerun.policy

    @property
    def people(self) -> dict[str, str]:
        """CI login or e-mail address, in lower case -> Slack user id."""
        self._need(("people",))
        return {name.lower(): user for name, user in self._shared.people.items()}

    @property
    def playbooks(self) -> tuple[Path, ...]:
        """Folders of our own playbooks. Raises ConfigError for one that is not there."""
        self._need(("playbooks",))
        for index, folder in enumerate(self._shared.playbooks):
            if not folder.is_dir():
                raise self._document.fault(("playbooks", index), f"{folder} is not a directory")
        return self._shared.playbooks

    @property
    def database(self) -> Path:
        """Where the SQLite file is."""
        self._need(("storage",))
        url, place = self._shared.storage.url, ("storage", "url")
        if url.startswith(("postgresql:", "postgres:")):
            raise self._document.fault(place, "PostgreSQL is not in this release: write sqlite:///FILE")
        found = re.fullmatch(r"sqlite:///(.+)", url)
        if found is None or found[1] == ":memory:":
            raise self._document.fault(place, "must be sqlite:///FILE (a file survives a restart)")
        return self.file.resolve().parent / Path(found[1]).expanduser()

    @property
    def http(self) -> HttpSettings:
        self._need(("http",))
        return self._shared.http

    @property
    def other_names(self) -> frozenset[str]:
        """The names of deploys and alerts entries."""
        return frozenset(str(e["name"]) for section in ("deploys", "alerts") for e in self._data.get(section, []))

    @property
    def not_used(self) -> tuple[str, ...]:
        """What is configured and does nothing in this release, in words."""
        lines = []
        for index, entry in enumerate(self._data.get("alerts", [])):
            line = self._document.line(("alerts", index))
            lines.append(
                f"{self.file}:{line}: alerts entry {entry['name']!r} ({entry['kind']}) is read and checked, "
                "but not used in this release: its webhook is not taken"
            )
        return tuple(lines)

    # checks

    def _need(self, where: Where) -> None:
        if error := self._document.missing_under(where):
            raise error

    def _check(self) -> None:
        """Touch every part, so that a typing mistake shows whatever the command."""
        _ = self._shared
        if self.has_slack:
            _ = self._slack
        _ = self._ci, self._vantages, self._deploys
        for _place, _entry in self._entries("alerts", ALERTS):
            pass
        self._check_names()
        self._check_environments()

    @cached_property
    def _shared(self) -> _Shared:
        others = [key for key in self._document.data if key not in _Shared.model_fields or key not in self._data]
        return validate(self._document, (), _Shared, drop=others)

    @cached_property
    def _slack(self) -> SlackSettings:
        from bot.slack.settings import SlackSettings

        return validate(self._document, ("slack",), SlackSettings)

    @cached_property
    def _ci(self) -> dict[str, BaseModel]:
        if "ci" not in self._data:
            return {}
        from bot.ci import kinds

        return {str(self._document.at(place)["name"]): entry for place, entry in self._entries("ci", kinds())}

    @cached_property
    def _deploys(self) -> dict[str, BaseModel]:
        if "deploys" not in self._data:
            return {}
        from bot.deploy import kinds

        return {str(self._document.at(place)["name"]): entry for place, entry in self._entries("deploys", kinds())}

    @cached_property
    def _vantages(self) -> dict[str, BaseModel]:
        entries = self._data.get("vantages")
        if entries is None:
            return {}
        from bot.probes import kinds

        if not isinstance(entries, dict):
            raise self._document.fault(("vantages",), "must be a mapping of names, `runner: {kind: ssh, ...}`")
        found = {}
        for name in entries:
            place = ("vantages", name)
            self._check_name(place, name)
            found[name] = self._entry(place, kinds())
            if name == "local" and entries[name]["kind"] != "local":
                raise self._document.fault((*place, "kind"), "the name `local` is the bot's own host: kind local")
        return found

    def _entries(self, section: str, known: Mapping[str, type[BaseModel]]) -> Iterator[tuple[Where, BaseModel]]:
        entries = self._data.get(section, [])
        if not isinstance(entries, list):
            raise self._document.fault((section,), "must be a list, `- {name: ..., kind: ...}`")
        for index, entry in enumerate(entries):
            place = (section, index)
            if isinstance(entry, dict):
                self._check_name((*place, "name"), entry.get("name"))
            yield place, self._entry(place, known)

    def _entry(self, place: Where, known: Mapping[str, type[BaseModel]]) -> BaseModel:
        entry = self._document.at(place)
        if not isinstance(entry, dict):
            raise self._document.fault(place, "must be a mapping (key: value)")
        kind = entry.get("kind")
        if kind is None:
            raise self._document.fault(place, f"the key 'kind' is missing (known kinds: {', '.join(sorted(known))})")
        if kind not in known:
            raise self._document.fault(
                (*place, "kind"), f"{kind!r} is not a kind known to this release (known: {', '.join(sorted(known))})"
            )
        return validate(self._document, place, known[kind])

    def _check_name(self, place: Where, name: object) -> None:
        if name is None:
            raise self._document.fault(place[:-1], "the key 'name' is missing")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self._document.fault(place, "a name is made of letters, digits, dots, dashes and underscores")

    def _check_names(self) -> None:
        seen: dict[str, str] = {}
        for section in _NAMED:
            for index, entry in enumerate(self._data.get(section, [])):
                name = entry["name"]
                if name in seen:
                    raise self._document.fault(
                        (section, index, "name"),
                        f"the name {name!r} is taken already (in {seen[name]}): names are unique across "
                        "ci, deploys and alerts, since /webhooks/NAME tells them apart",
                    )
                seen[name] = section

    def _check_environments(self) -> None:
        known = list(self._shared.environments)
        for index, entry in enumerate(self._data.get("deploys", [])):
            environment = entry["environment"]
            place = ("deploys", index, "environment")
            if environment not in known and place not in self._document.missing:
                names = ", ".join(known) or "none"
                raise self._document.fault(
                    place, f"{environment!r} is not among the environments ({names}): who would approve a rollback?"
                )
