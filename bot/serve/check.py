"""`config check`: reach every service that the configuration names, all at once, and say what would not work."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bot.model.errors import BuildmedicError, ConfigError
from bot.ports import Check

if TYPE_CHECKING:
    from bot.serve.settings import Settings

LIMIT = 30.0  # seconds for one service; its own time-outs are shorter and say more


class Checked(Protocol):
    """What a CI, a deploy, a vantage and Slack have in common."""

    async def check(self) -> Sequence[Check]: ...

    async def close(self) -> None: ...


Maker = Callable[[], Checked]


def run_check(settings: Settings, as_json: bool = False) -> int:
    """Exit status 1 where something would not work."""
    found = asyncio.run(check_all(settings))
    if as_json:
        from bot.serve.cli_triage import print_json

        print_json([c.model_dump(mode="json") for c in found])
    else:
        _show(settings, found)
    return 0 if all(c.ok for c in found) else 1


async def check_all(settings: Settings, limit: float = LIMIT) -> list[Check]:
    """Every check, in the order of the configuration; a part that cannot even be made is a check that failed."""
    groups = await asyncio.gather(*(_one(what, make, limit) for what, make in _parts(settings)))
    return [*_local(settings), *(check for group in groups for check in group)]


async def _one(what: str, make: Maker, limit: float) -> Sequence[Check]:
    """Never raises: one broken service must not hide the others."""
    part: Checked | None = None
    try:
        part = make()
        return await asyncio.wait_for(part.check(), limit)
    except TimeoutError:
        return [Check(what=what, ok=False, detail=f"no answer within {limit:g} s")]
    except BuildmedicError as error:
        return [Check(what=what, ok=False, detail=str(error))]
    except Exception as error:
        return [Check(what=what, ok=False, detail=f"the check itself failed: {type(error).__name__}: {error}")]
    finally:
        if part is not None:
            await _quietly(part.close())


async def _quietly(closing: Awaitable[None]) -> None:
    try:
        await asyncio.wait_for(closing, 5)
    except Exception as error:
        sys.stderr.write(f"buildmedic: while closing: {type(error).__name__}: {error}\n")


def _parts(settings: Settings) -> list[tuple[str, Maker]]:
    """What to reach. Making happens later, so that a missing variable is one failed check and not the end."""
    parts: list[tuple[str, Maker]] = []
    if settings.has_slack:
        parts.append(("slack", lambda: _slack(settings)))
    parts += [(f"ci {name}", _ci(settings, name)) for name in settings.ci_names]
    parts += [(f"deploy {name}", _deploy(settings, name)) for name in settings.deploy_names]
    parts += [(f"vantage {name}", _vantage(settings, name)) for name in settings.vantage_names]
    return parts


def _slack(settings: Settings) -> Checked:
    chosen = settings.slack
    from bot.slack.chat import SlackChat

    return SlackChat(chosen)


def _ci(settings: Settings, name: str) -> Maker:
    def made() -> Checked:
        from bot.ci import make

        return make(settings.ci_entry(name))

    return made


def _deploy(settings: Settings, name: str) -> Maker:
    def made() -> Checked:
        from bot.deploy import make

        return make(settings.deploy_entry(name))

    return made


def _vantage(settings: Settings, name: str) -> Maker:
    def made() -> Checked:
        from bot.probes import make

        return make(name, settings.vantage(name), settings.probe_allow)

    return made


def _local(settings: Settings) -> list[Check]:
    """What can be told without the network: sections that `serve` needs, playbooks, the database's folder."""
    checks = []
    if not settings.has_slack:
        detail = "there is no `slack:` section: enough for triage and probe, not for serve"
        checks.append(Check(what="slack", ok=True, detail=detail))
    if not settings.ci_names:
        detail = "there is no `ci:` entry: enough for triage of a file and for probe, not for serve"
        checks.append(Check(what="ci", ok=True, detail=detail))
    checks += [_guarded("playbooks", lambda: _playbooks(settings)), _guarded("storage", lambda: _storage(settings))]
    checks += _strangers(settings)
    for what in ("environments", "rerun", "http"):
        problem = _problem(lambda what=what: getattr(settings, what))  # type: ignore[misc]  # a default binds the loop's value
        if problem:
            checks.append(Check(what=what, ok=False, detail=problem))
    return checks


def _strangers(settings: Settings) -> list[Check]:
    """Vantages that serve a CI which is not there: a mistyped name would silently mean "never probed"."""
    if not settings.ci_names:
        return []
    checks = []
    for name in settings.vantage_names:
        try:
            entry = settings.vantage(name)
        except ConfigError:
            continue  # said when the vantage itself is checked
        for serves in getattr(entry, "serves", ()):
            if serves.ci not in settings.ci_names:
                known = ", ".join(settings.ci_names)
                detail = f"serves the ci {serves.ci!r}, and there is none of that name (known: {known})"
                checks.append(Check(what=f"vantage {name}", ok=False, detail=detail))
    return checks


def _playbooks(settings: Settings) -> Check:
    from bot.serve.library import load

    loaded = load(settings.playbooks)
    if loaded.problems:
        detail = "; ".join(str(p) for p in loaded.problems)
        return Check(what="playbooks", ok=False, detail=f"refused: {detail}")
    return Check(what="playbooks", ok=True, detail=f"{len(loaded.library.playbooks)} in force")


def _storage(settings: Settings) -> Check:
    """The file is neither made nor opened: a check leaves nothing behind."""
    import os

    file = settings.database
    there = file if file.exists() else file.parent
    if not there.exists():
        return Check(what="storage", ok=False, detail=f"the folder {file.parent} is not there: make it")
    if file.is_dir() or not os.access(there, os.W_OK):
        return Check(what="storage", ok=False, detail=f"{there} cannot be written by this user")
    return Check(what="storage", ok=True, detail=str(file))


def _guarded(what: str, do: Callable[[], Check]) -> Check:
    try:
        return do()
    except BuildmedicError as error:
        return Check(what=what, ok=False, detail=str(error))


def _problem(do: Callable[[], Any]) -> str | None:
    try:
        do()
    except ConfigError as error:
        return str(error)
    return None


def _show(settings: Settings, found: Sequence[Check]) -> None:
    from rich.text import Text

    from bot.serve.cli_report import console

    out = console()
    for check in found:
        mark = Text("ok     ", style="green") if check.ok else Text("FAULT  ", style="bold red")
        out.print(mark.append(f"{check.what}: {check.detail}", style=""), soft_wrap=True)
    for line in settings.not_used:
        out.print(Text("note   ", style="yellow").append(line, style=""), soft_wrap=True)
    bad = sum(not c.ok for c in found)
    out.print(f"{bad} fault{'' if bad == 1 else 's'}, {len(found) - bad} in order" if bad else "everything in order")
