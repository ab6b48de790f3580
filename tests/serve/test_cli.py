"""The command line: exit statuses, one line of error, output that survives pipes and small terminals."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.serve.cli import run

ROOT = Path(__file__).parents[2]
DNS = (
    "2025-01-16T14:24:50.0000000Z ##[group]Run go mod download\n"
    "2025-01-16T14:24:50.0000001Z ##[endgroup]\n"
    "2025-01-16T14:24:55.2376056Z go: example.com/mod@v1.0.0: Get "
    '"https://proxy.golang.org/example.com/mod/@v/v1.0.0.mod": dial tcp: lookup proxy.golang.org on 10.0.0.2:53:'
    " read udp 10.0.0.9:4242->10.0.0.2:53: i/o timeout\n"
    "2025-01-16T14:24:56.2376056Z ##[error]Process completed with exit code 1.\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "build.log"
    file.write_text(DNS)
    return file


def command(*args: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """The whole process, as a person starts it."""
    here = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        [sys.executable, "-m", "bot.serve.cli", *args],
        input=stdin,
        capture_output=True,
        env=here,
        timeout=60,
        check=False,
    )


def one_line(capsys: Any) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("buildmedic: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return str(err)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "which command?"),
        (["playbook"], "buildmedic playbook knows: lint, list, new, schema, show, test"),
        (["trage", "x"], "No such command 'trage'. Did you mean 'triage'?"),
        (["triage"], "Missing argument 'LOG'"),
        (["triage", "x", "--foo"], "No such option: --foo"),
        (["serve"], "Missing option '--config'"),
        (["checkup"], "`buildmedic checkup` is not in this release yet"),
        (["playbook", "new"], "Missing argument 'LOG'"),
        (["audit", "verify"], "--config"),
        (["audit", "show"], "--config"),
        (["triage", "/nope/x.log"], "the log cannot be read: /nope/x.log: No such file or directory"),
        (["triage", "/"], "the log cannot be read: /: it is a directory"),
        (["triage", "a\0b"], "the log cannot be read"),
        (["explain", "/nope"], "the log cannot be read"),
        (["triage", "https://github.com/a/b/actions/runs/1"], "name the configuration file"),
        (["triage", "x", "--vantage", "mars"], "unknown vantage 'mars' (known: local)"),
        (["triage", "x", "--config", "/nope.yaml"], "/nope.yaml: cannot be read"),
        (["serve", "--config", "/"], "is a directory"),
        (["config", "check", "--config", "/nope.yaml"], "cannot be read"),
        (["probe", "dns", "--vantage", "mars"], "unknown vantage 'mars'"),
        (["backtest", "/nope.jsonl"], "cannot be read"),
        (["playbook", "show", "nope"], "no playbook `nope`"),
        (["playbook", "lint", "/nope"], "no folder"),
        (["playbook", "test", "/nope"], "no folder"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(args: list[str], says: str, capsys: Any) -> None:
    assert run(args) == 2
    assert says in one_line(capsys)


def test_the_version(capsys: Any) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"buildmedic {__version__}\n"


def test_help_names_every_command(capsys: Any) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in ("demo", "serve", "triage", "probe", "checkup", "explain", "backtest", "playbook", "audit", "config"):
        assert f"  {name} " in out


def test_triage_json_is_the_documented_object(log: Path, capsys: Any) -> None:
    assert run(["triage", str(log), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "buildmedic.triage/1"
    best = report["diagnoses"][0]
    assert best["cause"] == "dns-timeout"
    assert best["evidence"][0]["line"] == 3
    assert {"playbook", "title", "confidence", "probes", "because", "remedy", "proposals"} <= set(best)
    assert report["log"] == {"bytes": len(DNS), "lines": 4, "state": "read", "note": None}
    assert set(report["ms"]) == {"scan", "probes", "total"}
    assert not any(p["ran"] for p in best["probes"])


def test_triage_of_standard_input(log: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DNS.encode())))
    assert run(["triage", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnoses"][0]["cause"] == "dns-timeout"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 5000,
        bytes(range(256)) * 50,
        b"x" * 3_000_000,
        "fällt".encode("latin-1"),
        b"\xff\xfeg\0o\0",
        b"\n" * 100,
    ],
    ids=["empty", "zeros", "binary", "one line", "latin-1", "utf-16", "blank"],
)
def test_odd_logs_are_unknown_and_no_error(raw: bytes, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(raw)
    assert run(["triage", str(file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [d["cause"] for d in report["diagnoses"]] == ["unknown"]
    assert report["log"]["bytes"] == len(raw)
    assert run(["triage", str(file)]) == 0


def test_the_report_for_people(log: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["triage", str(log)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for words in (
        "The resolver 10.0.0.2:53 did not answer",
        "dns-timeout",
        "line 3:",
        "What to do",
        "Not tried",
        "4 lines",
    ):
        assert words in out
    prose = [line for line in out.splitlines() if not line.startswith("     ")]
    assert max(map(len, prose)) <= 80


def test_hostile_characters_are_shown_and_not_obeyed(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "x.log"
    file.write_text(DNS.replace("i/o timeout", "i/o timeout \x1b]0;owned\x07 [bold]\u202e \x9b31m"))
    assert run(["triage", str(file)]) == 0
    out = capsys.readouterr().out
    assert not set(out) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_explain_and_author_commands(log: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(["explain", str(log)]) == 0
    assert "go-dns-timeout" in capsys.readouterr().out
    assert run(["explain", str(log), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "dns-timeout"
    assert run(["playbook", "list"]) == 0
    assert "go-dns-timeout" in capsys.readouterr().out
    assert run(["playbook", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 12
    assert run(["playbook", "show", "go-dns-timeout"]) == 0
    assert "id: go-dns-timeout" in capsys.readouterr().out
    assert run(["playbook", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "playbook.yaml").write_text("id: x\nmach: {}\n")
    assert run(["playbook", "lint", str(tmp_path / "bad")]) == 1
    assert "playbook.yaml:2" in capsys.readouterr().out


def test_backtest(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps({"id": "a", "log": DNS, "label": "dns-timeout"}) + "\n")
    assert run(["backtest", str(file), "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["cases"][0]["id"] == "a"
    assert done["cases"][0]["predicted"][0] == "dns-timeout"
    file.write_text("{}\n")
    assert run(["backtest", str(file)]) == 2
    assert "cases.jsonl:1" in capsys.readouterr().err


def test_own_playbooks_that_are_broken_are_named_and_left_out(log: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mine" / "bad").mkdir(parents=True)
    (tmp_path / "mine" / "bad" / "playbook.yaml").write_text("id: [\n")
    config = tmp_path / "buildmedic.yaml"
    config.write_text("playbooks: [mine]\n")
    assert run(["triage", str(log), "--config", str(config), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["diagnoses"][0]["cause"] == "dns-timeout"
    assert "playbook.yaml:" in err
    assert "left out" in err


def test_an_internal_error_is_one_line_unless_debugging(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "bot.serve.cli_author", None)
    assert run(["playbook", "list"]) == 2
    assert "internal error: ModuleNotFoundError" in one_line(capsys)
    monkeypatch.setenv("BUILDMEDIC_DEBUG", "1")
    with pytest.raises(ModuleNotFoundError):
        run(["playbook", "list"])


def test_the_process_itself(log: Path) -> None:
    done = command("triage", str(log))
    assert done.returncode == 0
    assert done.stderr == b""
    refused = command("triage", "/nope")
    assert refused.returncode == 2
    assert refused.stdout == b""
    assert refused.stderr.count(b"\n") == 1


def test_a_terminal_that_knows_only_ascii(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "ü.log"
    file.write_text(DNS.replace("example.com", "exämple.com"))
    for args in (["triage", str(file)], ["triage", str(file), "--json"], ["explain", str(file)], ["--help"]):
        done = command(*args, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
    assert json.loads(command("triage", str(file), "--json", PYTHONIOENCODING="ascii").stdout)["diagnoses"]


def test_a_reader_that_leaves_early_is_no_error(log: Path) -> None:
    script = f"'{sys.executable}' -m bot.serve.cli playbook schema | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == 0


def test_triage_imports_only_what_it_needs(log: Path) -> None:
    """The start of a small triage has to stay under half a second: these cost more than that."""
    code = (
        "import sys; from bot.serve.cli import run; run(['triage', sys.argv[1], '--json']);"
        "print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(log)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=True,
    )  # fmt: skip
    heavy = {"slack_bolt", "slack_sdk", "aiohttp", "dbos", "sqlalchemy", "asyncssh", "httpx", "starlette", "uvicorn",
             "prompt_toolkit", "apscheduler"}  # fmt: skip
    assert heavy & set(json.loads(done.stderr.replace("'", '"'))) == set()


def test_help_of_probes_names_every_verb_and_argument(capsys: pytest.CaptureFixture[str]) -> None:
    from bot.probes import verbs

    assert run(["probe", "help"]) == 0
    told = capsys.readouterr().out
    for verb, info in verbs().items():
        assert f"{verb}: {info.says}" in told
    assert run(["probe", "goproxy", "help"]) == 0
    told = capsys.readouterr().out
    assert "module= (may be left out)" in told
    assert "golang.org/x/text@v0.3.0" in told
    assert run(["probe", "nope", "help"]) == 2
    assert "unknown probe 'nope'" in capsys.readouterr().err


def test_no_complaint_shows_a_secret(tmp_path: Path, capsys: Any) -> None:
    for args in (["triage", "https://bob:hunter2@git.example/x"], ["triage", str(tmp_path / "password=hunter2")]):
        assert run(args) == 2
        assert "hunter2" not in one_line(capsys)
