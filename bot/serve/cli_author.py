"""The author's commands: read what they need, call `bot.serve.author`, print."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.model.errors import UsageError
from bot.serve import author
from bot.serve import triage_once as once
from bot.serve.cli_triage import library_of, print_json, with_cis
from bot.serve.library import load

if TYPE_CHECKING:
    from bot.model.diagnosis import Scan
    from bot.serve.defaults import Options
    from bot.triage.diagnose import Library


def explain(log: str, settings: Options, as_json: bool) -> int:
    """`buildmedic explain`: of a run with several failed jobs, each is explained; as JSON, the first."""
    once.check_log(log, settings)
    library = library_of(settings)
    url = once.is_url(log)
    found = asyncio.run(_of_run(log, settings, library)) if url else [("", once.scan_file(library, log))]
    if as_json:
        print_json(author.explain(library, found[0][1]).model_dump(mode="json"))
        return 0
    for number, (name, scan) in enumerate(found):
        _say(("\n" if number else "") + (f"job {name}" if name else ""))
        _say(author.explain_text(author.explain(library, scan)))
    return 0


async def _of_run(url: str, settings: Options, library: Library) -> list[tuple[str, Scan]]:
    run = await with_cis(settings, lambda cis: once.read_run(library, url, cis))
    if not run.scans:
        raise UsageError(f"nothing to explain: no job of this run has failed ({run.build.outcome})")
    return [(job.name, scan) for job, scan, _ in run.scans]


def backtest(cases: Path, settings: Options, as_json: bool) -> int:
    done = author.backtest(library_of(settings), cases)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        _say(author.backtest_text(done))
    return 0


def lint(folders: Sequence[Path]) -> int:
    """Exit status 1 where a fault was found."""
    found = author.lint(folders)
    _say(author.lint_text(found))
    return 1 if found else 0


def run_samples(folders: Sequence[Path]) -> int:
    """Exit status 1 where a sample is not as it should be."""
    report = author.run_samples(folders)
    _say(author.samples_text(report))
    return 0 if report.ok else 1


def listing(settings: Options, as_json: bool) -> int:
    loaded = load(settings.playbooks)
    for problem in loaded.problems:
        sys.stderr.write(f"buildmedic: {problem} (this playbook is left out)\n")
    rows = author.listing(loaded)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    else:
        _say(author.listing_text(rows))
    return 0


def show(playbook: str, settings: Options) -> int:
    _say(author.show(load(settings.playbooks), playbook).rstrip("\n"))
    return 0


def new(
    log: Path, line: int | None, into: Path, name: str | None, cause: str | None, settings: Options, as_json: bool
) -> int:
    """`buildmedic playbook new`. Without a line, it says which ones look like the fault."""
    from bot.serve import author_new

    loaded = load([*settings.playbooks, *([into] if into.is_dir() else [])])
    if once.is_url(str(log)) or str(log) == "-":
        raise UsageError("a playbook starts from a file: save the log first, then name it and the line")
    once.check_log(str(log), settings)
    if line is None:
        lines = author_new.suspects(loaded.library, once.scan_file(loaded.library, str(log)))
        hint = f" (playbooks hit line {', '.join(map(str, lines))})" if lines else ""
        raise UsageError(f"which line names the fault? --line N{hint}")
    made = author_new.new(log, line, into, loaded, name=name, cause=cause)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        _say(author_new.made_text(made))
    return 0


def schema() -> int:
    print_json(author.schema())
    return 0


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")
