"""The `buildmedic` command. Only argument reading is here; what a command does is imported when it is asked for.

Exit status: 0 done (whatever the diagnosis), 1 a check found faults, 2 bad usage or unreadable input, told in one line
on stderr.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bot import __version__
from bot.model.errors import BuildmedicError, UsageError

if TYPE_CHECKING:
    from bot.serve.defaults import Options
    from bot.serve.settings import Settings

app = typer.Typer(
    name="buildmedic",
    help="Diagnoses failed builds: reads the log, probes from where the build ran, names the cause and the remedy.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
playbook_app = typer.Typer(help="Author's tools for playbooks.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)
config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
app.add_typer(playbook_app, name="playbook")
app.add_typer(audit_app, name="audit")
app.add_typer(config_app, name="config")

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration file (YAML).")]
NeededConfig = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration file (YAML).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Vantages = Annotated[
    list[str] | None,
    typer.Option("--vantage", metavar="NAME", help="Probe from here: the first is the build's, others are controls."),
]
Lang = Annotated[
    str | None, typer.Option("--lang", metavar="LANGUAGE", help="Answer in this language, en or zh (slack.language).")
]
LogArgument = Annotated[str, typer.Argument(metavar="LOG", help="A file, - for standard input, or the URL of a run.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"buildmedic {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


@app.command()
def demo(yes: Annotated[bool, typer.Option("--yes", help="Press the buttons by itself.")] = False) -> int:
    """Show the whole loop against local stand-ins; no account and no network needed."""
    from bot.serve.demo import demo as run_demo

    status: int = run_demo(yes or not sys.stdin.isatty())
    return status


@app.command()
def serve(config: NeededConfig) -> int:
    """Run the bot."""
    import asyncio

    settings = _settings(config)
    from bot.serve.app import serve as run_serve

    for line in settings.not_used:
        warn(line)
    asyncio.run(run_serve(settings))
    return 0


@app.command()
def triage(
    log: LogArgument, config: Config = None, vantage: Vantages = None, as_json: Json = False, lang: Lang = None
) -> int:
    """Name the cause of a failed build from its log. Without --vantage no probe runs."""
    from bot.serve.cli_triage import triage as run_triage

    return run_triage(log, _options(config), vantage or [], as_json, lang)


@app.command()
def probe(
    verb: Annotated[
        str,
        typer.Argument(metavar="VERB", help="dns, tcp ...; `help` lists them all."),
    ],
    args: Annotated[
        list[str] | None, typer.Argument(metavar="[ARG=VALUE]...", help="For example host=example.com; or `help`")
    ] = None,
    vantage: Annotated[
        list[str] | None, typer.Option("--vantage", metavar="NAME", help="Where to probe from (local).")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Run one probe."""
    from bot.serve.cli_triage import probe as run_probe

    return run_probe(verb, args or [], _options(config), vantage or [], as_json)


@app.command()
def checkup(vantage: Vantages = None, config: Config = None, as_json: Json = False) -> NoReturn:
    """The six-step method, before anything fails (not in this release yet)."""
    _not_yet("checkup")


@app.command()
def explain(log: LogArgument, config: Config = None, as_json: Json = False) -> int:
    """Say which rules hit where, which were suppressed, and why the ranking is what it is."""
    from bot.serve.cli_author import explain as run_explain

    return run_explain(log, _options(config), as_json)


@app.command()
def backtest(
    cases: Annotated[Path, typer.Argument(metavar="CASES.jsonl", help='Lines {"id", "log", "label"?, "also"?}.')],
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Predict each case's cause from its log alone, and compare with the labels."""
    from bot.serve.cli_author import backtest as run_backtest

    return run_backtest(cases, _options(config), as_json)


Folders = Annotated[list[Path] | None, typer.Argument(metavar="DIR...", help="Folders of playbooks.")]


@playbook_app.command("lint")
def playbook_lint(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of playbooks.")],
) -> int:
    """Check these playbooks alone."""
    from bot.serve.cli_author import lint

    return lint(folders)


@playbook_app.command("test")
def playbook_test(folders: Folders = None) -> int:
    """Run every sample of the built-in playbooks, and of these, against all of them together."""
    from bot.serve.cli_author import run_samples

    return run_samples(folders or [])


@playbook_app.command("list")
def playbook_list(config: Config = None, as_json: Json = False) -> int:
    """List the playbooks that are in force."""
    from bot.serve.cli_author import listing

    return listing(_options(config), as_json)


@playbook_app.command("show")
def playbook_show(playbook: Annotated[str, typer.Argument(metavar="ID")], config: Config = None) -> int:
    """Show one playbook."""
    from bot.serve.cli_author import show

    return show(playbook, _options(config))


@playbook_app.command("schema")
def playbook_schema() -> int:
    """Print the JSON schema of playbook.yaml, for editors."""
    from bot.serve.cli_author import schema

    return schema()


@playbook_app.command("new")
def playbook_new(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The log of a failed build.")],
    line: Annotated[int | None, typer.Option("--line", metavar="N", help="The line that names the fault.")] = None,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder of playbooks.")] = Path(
        "our-playbooks"
    ),
    name: Annotated[str | None, typer.Option("--id", metavar="ID", help="The playbook's id.")] = None,
    cause: Annotated[str | None, typer.Option("--cause", metavar="CAUSE", help="What the line means.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Start a playbook from a line of a log: pattern, facts and sample are proposed. Nothing is overwritten."""
    from bot.serve.cli_author import new

    return new(log, line, into, name, cause, _options(config), as_json)


@audit_app.command("verify")
def audit_verify(
    config: NeededConfig,
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="HASH", help="A head that was noted earlier: it must still stand.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Check the audit chain: every entry is what was written, and none is missing."""
    from bot.serve.cli_audit import verify

    return verify(_settings(config), expect, as_json)


@audit_app.command("show")
def audit_show(
    config: NeededConfig,
    about: Annotated[str | None, typer.Option("--about", metavar="CASE", help="Only what concerns this case.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> int:
    """Show the audit log: who asked, who approved, on what evidence, what was sent, what came back."""
    from bot.serve.cli_audit import show

    return show(_settings(config), about, as_json)


@config_app.command("check")
def config_check(config: NeededConfig, as_json: Json = False) -> int:
    """Read the configuration, reach every service, and say what would not work."""
    from bot.serve.check import run_check

    return run_check(_settings(config), as_json)


def _settings(config: Path) -> Settings:
    from bot.serve.settings import Settings

    return Settings.load(config)


def _options(config: Path | None) -> Options:
    if config is not None:
        return _settings(config)
    from bot.serve.defaults import Defaults

    return Defaults()


def _not_yet(command: str) -> NoReturn:
    raise UsageError(f"`buildmedic {command}` is not in this release yet")


def say(text: str) -> None:
    """One line (or block) for people or pipes on stdout."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    from bot.triage.redact import redact

    sys.stderr.write(f"buildmedic: {redact(text)}\n")


def run(argv: Sequence[str]) -> int:
    """The whole command; returns its exit status. Prints at most one line on stderr when it is not 0."""
    try:
        status = app(args=list(argv), prog_name="buildmedic", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except _ClickException as error:
        warn(_usage(error))
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BuildmedicError as error:
        if os.environ.get("BUILDMEDIC_DEBUG"):
            raise
        warn(" ".join(str(error).split()))
    except BrokenPipeError:
        # whoever read us has seen enough; the interpreter must not complain while it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("BUILDMEDIC_DEBUG"):
            raise
        warn(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]} "
            "(please report it; BUILDMEDIC_DEBUG=1 shows where)"
        )
    return 2


# Typer brings its own copy of click and makes only some of its errors public; this is the base of them all.
_ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _usage(error: Any) -> str:
    """A usage error in one line."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "buildmedic"
    if type(error).__name__ == "NoArgsIsHelpError":
        known = ", ".join(sorted(error.ctx.command.list_commands(context)))
        return f"which command? {path} knows: {known} (see `{path} --help`)"
    return f"{' '.join(error.format_message().split())} (see `{path} --help`)"


def main() -> NoReturn:
    """The console script."""
    gc.set_threshold(50_000, 20, 20)  # what is loaded now stays: looking through it again and again costs a tenth
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a log's characters must not stop us where the terminal cannot show them
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")
    status = run(sys.argv[1:])
    gc.freeze()  # nor need it be looked through to be let go
    sys.exit(status)


if __name__ == "__main__":
    main()
