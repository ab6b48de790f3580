"""goproxy agrees with a real go command: the same lists, the same servers, the same success or failure."""

import functools
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from bot.prober import golang
from bot.prober.golang import BadList, Entry
from tests.prober.servers import Listener, hang_up, listening, probe, read_head, reset, silent

NAME, VERSION = "example.com/Acme/mod", "v1.2.3"
BASE = "/example.com/!acme/mod"
INFO = json.dumps({"Version": VERSION, "Time": "2020-01-02T03:04:05Z"}).encode()
HTML = b"<html><title>Log in</title></html>"


def archive(version: str = VERSION) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(f"{NAME}@{version}/go.mod", f"module {NAME}\n")
        made.writestr(f"{NAME}@{version}/a.go", "package mod\n")
    return out.getvalue()


GOOD = {
    f"{BASE}/@v/list": b"v1.0.0\nv1.2.3\n", f"{BASE}/@v/{VERSION}.info": INFO,
    f"{BASE}/@v/{VERSION}.mod": f"module {NAME}\n".encode(), f"{BASE}/@v/{VERSION}.zip": archive(),
}  # fmt: skip


def answer(status: int, body: bytes, kind: str = "text/plain", more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + body


def serving(pages: dict[str, bytes | int], every: bytes | None = None):
    def handle(conn):
        path = unquote(read_head(conn).split()[1].decode())
        page = pages.get(path, 404)
        conn.sendall(every or (answer(page, b"no") if isinstance(page, int) else answer(200, page)))

    return handle


def without(name: str, status: int | bytes) -> dict[str, bytes | int]:
    return {**GOOD, f"{BASE}/@v/{VERSION}.{name}": status}


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"
COMMIT = "v0.0.0-20200102030405-abcdefabcdef"
UNTAGGED: dict[str, bytes | int] = {
    f"{BASE}/@v/list": b"", f"{BASE}/@latest": INFO.replace(VERSION.encode(), COMMIT.encode()),
    f"{BASE}/@v/{COMMIT}.info": INFO.replace(VERSION.encode(), COMMIT.encode()),
    f"{BASE}/@v/{COMMIT}.mod": f"module {NAME}\n".encode(), f"{BASE}/@v/{COMMIT}.zip": archive(COMMIT),
}  # fmt: skip
SERVERS = {
    "untagged": serving(UNTAGGED), "nothing_yet": serving({f"{BASE}/@v/list": b""}),
    "good": serving(GOOD), "missing": serving({}), "gone": serving({}, answer(410, b"gone")),
    "forbidden": serving({}, answer(403, b"no")), "wants": serving({}, answer(401, b"no")),
    "broken": serving({}, answer(500, b"oops")), "busy": serving({}, answer(503, b"later")),
    "limited": serving({}, answer(429, b"slow down")), "page": serving({}, answer(200, HTML, "text/html")),
    "empty": serving({}, answer(200, b"")), "nothing": serving({}, answer(204, b"")), "reset": reset, "hangs_up": hang_up,
    "cut": serving({}, CUT), "list": serving({}, answer(200, b"[]")), "no_mod": serving(without("mod", 404)),
    "other": serving(without("info", json.dumps({"Version": "v9.9.9"}).encode())),
    "zip_gone": serving(without("zip", 410)), "zip_broken": serving(without("zip", 500)),
    "zip_page": serving(without("zip", HTML)), "mod_forbidden": serving(without("mod", 403)),
    "loop": serving({}, answer(302, b"", more="Location: /again\r\n")), "silent": silent,
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[dict[str, Listener]]:
    made = {name: Listener(handle) for name, handle in SERVERS.items()}
    good = made["good"].port

    def moved(conn):
        path = read_head(conn).split()[1].decode()
        conn.sendall(answer(302, b"", more=f"Location: http://127.0.0.1:{good}{path}\r\n"))

    made["moved"] = Listener(moved)
    yield made
    for server in made.values():
        server.close()


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GO"):
            monkeypatch.delenv(name)


def write(text: str, world: dict[str, Listener], closed: str) -> str:
    """`good,missing|off` with the servers' addresses in place of their names."""
    out = ""
    for name, separator in golang.re.findall(r"([^,|]*)([,|]?)", text):
        bare = name.strip()
        where = f"http://127.0.0.1:{world[bare].port}" if bare in world else closed if bare == "closed" else name
        out += where + separator
    return out


LISTS = [
    *sorted(SERVERS.keys() - {"silent"}), "moved", "closed", "off", "direct", ",", "|", " , ", "good/", " good ",
    "missing,good", "gone,good", "forbidden,good", "wants,good", "broken,good", "busy,good", "limited,good", "page,good",
    "empty,good", "nothing,good", "reset,good", "hangs_up,good", "cut,good", "list,good", "no_mod,good", "other,good",
    "zip_gone,good", "zip_broken,good", "mod_forbidden,good", "loop,good", "closed,good",
    "missing|good", "forbidden|good", "broken|good", "page|good", "reset|good", "cut|good", "closed|good", "other|good",
    "zip_broken|good", "zip_gone|good", "mod_forbidden|good", "loop|good", "no_mod|good", "empty|good",
    "missing,off", "missing,off,good", "off,good", "broken|off", "broken,missing|good", "missing,broken|good",
    "missing,broken,good", "broken|missing,good", "broken|broken|good", "missing,gone,forbidden,good",
    "missing,,good", "|good", "good,broken", "good|closed", "missing", "missing,gone", "broken|busy", "gone,closed",
    "closed|missing,good", "direct,good", "ftp://a.example", "proxy", "missing,proxy", "http://[::1", "page|zip_page",
]  # fmt: skip


@functools.cache
def real_go() -> str:
    """The go command of this Python environment, or of the PATH; a script beside it would cost half a second a call."""
    beside = Path(sys.executable).with_name("go")
    tool = str(beside) if beside.exists() else shutil.which("go")
    if tool is None:
        pytest.skip("no go here: pip install -r deploy/requirements-lab.txt")
    root = subprocess.run([tool, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{root}/bin/go"


@pytest.mark.lab
@pytest.mark.parametrize("text", dict.fromkeys(LISTS))
def test_it_agrees_with_go(text: str, world, tmp_path) -> None:
    go = real_go()
    with listening(hang_up) as gone:
        closed = f"http://127.0.0.1:{gone.port}"
    goproxy = write(text, world, closed)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOPROXY": goproxy, "GOSUMDB": "off", "GOFLAGS": "-modcacherw",
           "GOMODCACHE": str(tmp_path / "mod"), "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", "GONOPROXY": "none"}  # fmt: skip
    done = subprocess.run(
        [go, "mod", "download", "-x", f"{NAME}@{VERSION}"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        timeout=40,
        check=False,
    )
    told = unquote(done.stderr.decode())
    result = probe("goproxy", module=f"{NAME}@{VERSION}", goproxy=goproxy, gonoproxy="none", timeout=6)
    assert (result["outcome"] == "ok") == (done.returncode == 0), (result, told)
    facts = result["facts"]
    if result["outcome"] == "http-status" and facts["status"] >= 400:
        assert f"{facts['status']} X" in told, (facts, told)
    if facts["ended"] == "found":
        assert f"# get {facts['ended_at']}{BASE}/@v/{VERSION}.zip" in told
    for row in facts.get("entries", []):
        if row["entry"].startswith("http"):
            assert row["reached"] == (f"# get {row['entry']}{BASE}" in told), (row, told)


@pytest.mark.lab
@pytest.mark.parametrize("text", ["good", "missing,good", "untagged", "missing,untagged", "nothing_yet", "nothing_yet,good", "nothing_yet|good", "broken|untagged",
                                  "broken,good", "empty", "page", "gone", "off"])  # fmt: skip
def test_the_newest_version_is_found_as_go_finds_it(text: str, world, tmp_path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOPROXY": write(text, world, ""), "GOSUMDB": "off", "GOFLAGS": "-modcacherw",
           "GOMODCACHE": str(tmp_path / "mod"), "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", "GONOPROXY": "none"}  # fmt: skip
    done = subprocess.run(
        [real_go(), "mod", "download", "-json", f"{NAME}@latest"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        timeout=40,
        check=False,
    )
    result = probe("goproxy", module=f"{NAME}@latest", goproxy=env["GOPROXY"], gonoproxy="none", timeout=6)
    assert (result["outcome"] == "ok") == (done.returncode == 0), (result, done.stdout, done.stderr)
    if done.returncode == 0:
        assert result["facts"]["version"] == json.loads(done.stdout)["Version"]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("globs", "path"),
    [
        ("example.com", NAME), ("example.com/", NAME), ("*.com", NAME), ("example.com/Acme", NAME), ("example.com/acme", NAME),
        ("*/Acme/*", NAME), ("example.com/Acme/mod/deep", NAME), ("corp,example.com/A*", NAME), ("*", NAME), ("", NAME),
        ("example.co", NAME), ("exam?le.com", NAME), ("[a-f]xample.com", NAME), ("[^e]xample.com", NAME), ("[e", NAME),
        (",,", NAME), ("none", NAME), ("*example.com", NAME), ("e\\xample.com", NAME), ("example.com/*", NAME),
    ],
)  # fmt: skip
def test_private_patterns_as_go_reads_them(globs: str, path: str, world, tmp_path) -> None:
    """With everything private, `GOPROXY=off` behind a good proxy leaves only a direct look, which fails for this name."""
    go = real_go()
    env = {"PATH": "/nonexistent", "HOME": str(tmp_path), "GOPROXY": f"http://127.0.0.1:{world['good'].port}",
           "GOSUMDB": "off", "GOFLAGS": "-modcacherw", "GOMODCACHE": str(tmp_path / "mod"), "GOTOOLCHAIN": "local",
           "GOTELEMETRY": "off", "GONOPROXY": globs or "none", "https_proxy": "http://127.0.0.1:1"}  # fmt: skip
    done = subprocess.run(
        [go, "mod", "download", f"{path}@{VERSION}"], env=env, cwd=tmp_path, capture_output=True, check=False
    )
    assert golang.private(globs, path) == (done.returncode != 0), done.stderr


def test_a_silent_entry_leaves_time_for_the_next(world) -> None:
    goproxy = write("silent|good", world, "")
    result = probe("goproxy", module=f"{NAME}@{VERSION}", goproxy=goproxy, timeout=3)
    assert result["outcome"] == "ok", result
    first, second = result["facts"]["entries"]
    assert (first["outcome"], first["then"], second["outcome"]) == ("timeout", "|", "ok")
    result = probe("goproxy", module=f"{NAME}@{VERSION}", goproxy=write("silent,good", world, ""), timeout=2)
    facts = result["facts"]
    assert (result["outcome"], facts["ended"], facts["later"]) == ("timeout", "error", facts["entries"][1]["entry"])
    assert facts["entries"][1]["reached"] is False
    assert "go does not try" in facts["error"]


def test_what_is_in_force_on_the_machine(world, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("GOPROXY", f"http://user:hunter2@127.0.0.1:{world['good'].port}")
    result = probe("goproxy", module=f"{NAME}@latest")
    assert (result["outcome"], result["facts"]["version"]) == ("ok", VERSION)
    assert "hunter2" not in json.dumps(result)
    assert "a probe does not use" in result["facts"]["entries"][0]["note"]
    monkeypatch.setenv("GONOPROXY", "example.com")
    facts = probe("goproxy", module=f"{NAME}@{VERSION}", timeout=2)["facts"]
    assert facts["private"] is True
    assert facts["entries"][0]["entry"] == "noproxy"


def test_no_folder_that_a_caller_names_is_read(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "example.com/!acme/mod/@v"
    folder.mkdir(parents=True)
    for name, data in GOOD.items():
        (folder / name.rsplit("/", 1)[1]).write_bytes(data)
    result = probe("goproxy", module=f"{NAME}@{VERSION}", goproxy=f"file://{tmp_path}")
    assert (result["outcome"], result["facts"]["entries"][0]["outcome"]) == ("unsupported", "unsupported")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("GOPROXY", f"file://{tmp_path}")
    assert probe("goproxy", module=f"{NAME}@{VERSION}")["outcome"] == "ok"


def test_lists() -> None:
    assert golang.proxies("a.example,b.example|direct,c", "") == [
        Entry("https://a.example", False), Entry("https://b.example", True), Entry("direct", False)
    ]  # fmt: skip
    assert golang.proxies("https://u:p@a.example/x/", "corp")[1] == Entry("https://a.example/x", False, True)
    for bad in ("", " ,|", "proxy", "ftp://a.example", "file://host/x"):
        with pytest.raises(BadList):
            golang.proxies(bad, "")


@pytest.mark.parametrize("value", ["", "a b", "../x", "a@../b", "a@v 1", "/x", "x@", "x\ny", "a" * 400, 5])
def test_what_is_no_module(value) -> None:
    result = probe("goproxy", module=value)
    assert result["outcome"] == "error"
    assert result.get("ran") is False
