"""`triage` and `probe`: put the parts together, run once, print."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bot.model.errors import ServiceError, UsageError, VantageDown
from bot.model.language import LANGUAGES, Language, speaking
from bot.model.language import read as read_language
from bot.serve import triage_once as once

if TYPE_CHECKING:
    from bot.model.diagnosis import ProbeResult
    from bot.ports import CI
    from bot.serve.defaults import Options
    from bot.triage.diagnose import Library


T = TypeVar("T")


def triage(log: str, settings: Options, names: Sequence[str], as_json: bool, lang: str | None = None) -> int:
    """`buildmedic triage`. Raises BuildmedicError for what cannot be read or reached."""
    known = language_of(lang) if lang else None
    # machines read the JSON: it is English unless somebody says otherwise in so many words
    with speaking(known or ("en" if as_json else settings.language)):
        return _said(log, settings, names, as_json)


def language_of(name: str) -> Language:
    """Raises UsageError for a language that we do not speak."""
    if (known := read_language(name)) is None:
        raise UsageError(f"there is no language `{name}`: {' or '.join(LANGUAGES)}")
    return known


def _said(log: str, settings: Options, names: Sequence[str], as_json: bool) -> int:
    once.check_names(settings, names)
    once.check_log(log, settings)
    library = library_of(settings)
    done = asyncio.run(_triage(log, settings, names, library))
    if as_json:
        print_json(done.report.model_dump(mode="json", by_alias=True))
    else:
        from bot.serve.cli_report import show_triage

        show_triage(done)
    return 0


def library_of(settings: Options) -> Library:
    """The playbooks in force; those that are refused are named on stderr and left out."""
    from bot.serve.library import load

    loaded = load(settings.playbooks)
    for problem in loaded.problems:
        sys.stderr.write(f"buildmedic: {problem} (this playbook is left out)\n")
    return loaded.library


async def _triage(log: str, settings: Options, names: Sequence[str], library: Library) -> once.Triage:
    vantages = once.make_vantages(settings, names)
    try:
        if not once.is_url(log):
            return await once.triage_file(library, log, vantages)
        return await with_cis(settings, lambda cis: once.triage_url(library, log, cis, vantages))
    finally:
        await once.close_all(vantages)


async def with_cis(settings: Options, do: Callable[[list[CI]], Awaitable[T]]) -> T:
    """Do something with the configured CIs. A CI that refuses or does not answer is an input that cannot be read."""
    cis = _cis(settings)
    try:
        return await do(cis)
    except ServiceError as error:
        raise UsageError(f"the run cannot be read: {error}") from None
    finally:
        await once.close_all(cis)


def _cis(settings: Options) -> list[CI]:
    from bot.ci import make

    return [make(entry) for entry in settings.ci.values()]


def probe(verb: str, pairs: Sequence[str], settings: Options, names: Sequence[str], as_json: bool) -> int:
    """`buildmedic probe`: one probe from one place. Raises UsageError for a wrong verb or argument."""
    from bot.model.diagnosis import ProbeRequest
    from bot.probes import parse_args

    if verb == "help" or list(pairs) == ["help"]:
        return _probe_help(None if verb == "help" else verb)
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


def _probe_help(verb: str | None) -> int:
    """The verbs, or one with its arguments. Raises UsageError for one that there is not."""
    from bot.probes import parse_args, verbs

    table = verbs()
    if verb is not None and verb not in table:
        parse_args(verb, [])
    for name, one in table.items() if verb is None else [(verb, table[verb])]:
        sys.stdout.write(f"{name}: {one.says}\n")
        for key, argument in one.arguments.items():
            default = "" if argument.default is None else f" (default {_default(argument.default)})"
            sys.stdout.write(
                f"    {key}={'' if argument.required else ' (may be left out)'} {argument.what}{default}\n"
            )
    return 0


def _default(value: Any) -> str:
    return str(value[0]) if isinstance(value, tuple) and type(value) is tuple else str(value)


async def _probe(request: Any, settings: Options, names: Sequence[str]) -> ProbeResult:
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
