"""`triage` and `probe`: put the parts together, run once, print."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.model.errors import ServiceError, UsageError, VantageDown
from bot.serve import triage_once as once

if TYPE_CHECKING:
    from bot.model.diagnosis import ProbeResult
    from bot.ports import CI
    from bot.serve.settings import Settings
    from bot.triage.diagnose import Library


def triage(log: str, settings: Settings, names: Sequence[str], as_json: bool) -> int:
    """`buildmedic triage`. Raises BuildmedicError for what cannot be read or reached."""
    from bot.serve.library import load

    # usage errors come before the work: a wrong vantage name must not wait for a large log
    once.check_names(settings, names)
    library = load(settings.playbooks)
    done = asyncio.run(_triage(log, settings, names, library))
    if as_json:
        print_json(done.report.model_dump(mode="json", by_alias=True))
    else:
        from bot.serve.cli_report import show_triage

        show_triage(done)
    return 0


async def _triage(log: str, settings: Settings, names: Sequence[str], library: Library) -> once.Triage:
    vantages = once.make_vantages(settings, names)
    try:
        if not once.is_url(log):
            return await once.triage_file(library, log, vantages)
        cis = _cis(log, settings)
        try:
            return await once.triage_url(library, log, cis, vantages)
        except ServiceError as error:
            raise UsageError(f"the run cannot be read: {error}") from None
        finally:
            await once.close_all(cis)
    finally:
        await once.close_all(vantages)


def _cis(url: str, settings: Settings) -> list[CI]:
    from bot.ci import make

    entries = settings.ci
    if not entries:
        raise UsageError(f"{url} is a URL: name the configuration file with its CI (--config FILE), or save the log")
    return [make(entry) for entry in entries.values()]


def probe(verb: str, pairs: Sequence[str], settings: Settings, names: Sequence[str], as_json: bool) -> int:
    """`buildmedic probe`: one probe from one place. Raises UsageError for a wrong verb or argument."""
    from bot.model.diagnosis import ProbeRequest
    from bot.probes import parse_args

    if len(names) > 1:
        raise UsageError("one probe runs from one place: name one --vantage")
    names = list(names) or ["local"]
    once.check_names(settings, names)
    request = ProbeRequest(id=verb, verb=verb, args=parse_args(verb, list(pairs)))
    result = asyncio.run(_probe(request, settings, names))
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        from bot.serve.cli_report import show_probe

        show_probe(result)
    return 0


async def _probe(request: Any, settings: Settings, names: Sequence[str]) -> ProbeResult:
    vantages = once.make_vantages(settings, names)
    try:
        results = await vantages[0].run([request], once.DEADLINE)
    except VantageDown as error:
        raise UsageError(f"the vantage cannot be used: {error}") from None
    finally:
        await once.close_all(vantages)
    return results[0]


def print_json(value: Any) -> None:
    """One object and a newline; characters that stdout cannot show are written as escapes."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=not utf8)
    try:
        sys.stdout.write(text + "\n")
    except UnicodeEncodeError:  # lone surrogates cannot be written as UTF-8 at all
        sys.stdout.write(json.dumps(value, indent=2) + "\n")


