"""env: what a build would find, and no secret of it."""

import stat
import sys
from pathlib import Path

import pytest

from bot.prober import resolvconf
from tests.prober.servers import probe


@pytest.fixture(autouse=True)
def _no_go(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    for name in ("GOPROXY", "GOSUMDB", "GOFLAGS"):
        monkeypatch.delenv(name, raising=False)


def go(folder: Path, script: str) -> None:
    path = folder / "bin/go"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_without_go_the_variables_count(monkeypatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://ci:hunter2@goproxy.example,direct")
    monkeypatch.setenv("https_proxy", "http://ci:hunter2@proxy.example:3128")
    facts = probe("env")["facts"]
    assert facts["goproxy"] == "https://***@goproxy.example,direct"
    assert facts["https_proxy"] == "http://***@proxy.example:3128"
    assert "no go on the PATH" in facts["go_from"]
    assert "hunter2" not in str(facts)
    assert {"resolvers", "search", "ndots", "ca_file", "ca_exists", "os", "python", "time"} <= set(facts)


def test_go_env_wins(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GOPROXY", "from-the-variable")
    go(tmp_path, 'printf "%s\\n" https://p.example off "" "" "" -mod=mod auto "" go1.22.1')
    facts = probe("env")["facts"]
    assert (facts["goproxy"], facts["gosumdb"], facts["goprivate"]) == ("https://p.example", "off", "")
    assert (facts["go_version"], facts["go_from"]) == ("go1.22.1", "go env")


@pytest.mark.parametrize("script", ["exit 1", "exec /bin/sleep 60", "echo one", "/usr/bin/yes"])
def test_a_go_that_does_not_work(script, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GOPROXY", "from-the-variable")
    go(tmp_path, script)
    result = probe("env", timeout=1)
    assert (result["outcome"], result["facts"]["goproxy"]) == ("ok", "from-the-variable")


def test_resolv_conf(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("RES_OPTIONS", raising=False)
    monkeypatch.delenv("LOCALDOMAIN", raising=False)
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# c\nnameserver 10.0.0.2 ; x\nnameserver ::1\nnameserver a\nnameserver b\n"
        "search a.b c\noptions ndots:5 x\n\xff"
    )
    config = resolvconf.read(str(file))
    assert config.servers == ("10.0.0.2", "::1", "a")
    assert (config.search, config.ndots, config.options) == (("a.b", "c"), 5, ("ndots:5", "x"))
    gone = resolvconf.read(str(tmp_path / "none"))
    assert (gone.servers, gone.found) == (("127.0.0.1",), False)


def test_a_real_go_leaves_nothing_behind(tmp_path, monkeypatch) -> None:
    go = Path(sys.executable).with_name("go")
    if not go.exists():
        pytest.skip("no go beside this Python")
    home = tmp_path / "home"
    (home / ".config/go").mkdir(parents=True)
    (home / ".config/go/env").write_text("GOPRIVATE=corp.example\n")
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    facts = probe("env", timeout=20)["facts"]
    assert (facts["go_from"], facts["goprivate"]) == ("go env", "corp.example")
    assert [p.name for p in home.rglob("*") if p.is_file()] == ["env"]
    assert not Path("/nonexistent").exists()
