"""git against real counterparts: git's own http-backend, its daemon, an SSH server's greeting."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.prober import gitwire
from tests.prober.servers import hang_up, listening, probe, read_head, silent
from tests.prober.test_goproxy import answer

BACKEND = Path("/usr/lib/git-core/git-http-backend")


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("git")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
           "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip
    for command in (["init", "-q", "-b", "main", "work"], ["-C", "work", "commit", "-q", "--allow-empty", "-m", "one"],
                    ["-C", "work", "tag", "v1.2.3"], ["clone", "-q", "--bare", "work", "x.git"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=root, env=env, check=True, capture_output=True)
    (root / "x.git" / "git-daemon-export-ok").touch()
    return root


def backend(root: Path):
    """CGI by hand: git-http-backend answers each request."""

    def handle(conn: Any) -> None:
        head = read_head(conn).decode()
        if not head:
            return
        path, _, query = head.split()[1].partition("?")
        protocol = next((line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Git-Protocol")), "")
        env = {"GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
               "REQUEST_METHOD": "GET", "PATH": os.environ["PATH"], "HTTP_GIT_PROTOCOL": protocol, "GIT_PROTOCOL": protocol,
               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}  # fmt: skip
        said = subprocess.run([BACKEND], env=env, capture_output=True, check=False).stdout
        head_, _, body = said.partition(b"\r\n\r\n")
        status = b"200 OK"
        for line in head_.split(b"\r\n"):
            if line.startswith(b"Status: "):
                status = line[8:]
        conn.sendall(b"HTTP/1.1 " + status + b"\r\n" + head_ + b"\r\n\r\n" + body)

    return handle


@pytest.fixture
def http(repository: Path) -> Iterator[str]:
    if not BACKEND.exists():
        pytest.skip("needs git-http-backend")
    with listening(backend(repository)) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_a_repository_over_http(http: str) -> None:
    result = probe("git", url=f"{http}/x.git")
    assert (result["outcome"], result["facts"]["speaks_git"]) == ("ok", True), result
    for ref in ("main", "v1.2.3", "refs/tags/v1.2.3"):
        result = probe("git", url=f"{http}/x.git", ref=ref)
        assert (result["outcome"], result["facts"]["ref"]) == ("ok", True)
    assert result["facts"]["refs"] >= 2
    gone = probe("git", url=f"{http}/x.git", ref="v9")
    assert (gone["outcome"], gone["facts"]["ref"]) == ("nodata", False)
    gone = probe("git", url=f"{http}/y.git")
    assert (gone["outcome"], gone["facts"]["status"]) == ("http-status", 404)


def test_what_wants_credentials_and_what_is_no_git() -> None:
    with listening(
        lambda c: (read_head(c), c.sendall(answer(401, b"", more='WWW-Authenticate: Basic realm="x"\r\n')))
    ) as server:
        facts = probe("git", url=f"http://u:hunter2@127.0.0.1:{server.port}/x")["facts"]
    assert (facts["status"], facts["wants_credentials"]) == (401, "Basic")
    assert "hunter2" not in str(facts)
    with listening(lambda c: (read_head(c), c.sendall(answer(200, b"<html>hi", "text/html")))) as server:
        result = probe("git", url=f"http://127.0.0.1:{server.port}/x")
    assert (result["outcome"], result["facts"]["speaks_git"]) == ("proxy-error", False)


def test_greetings() -> None:
    def ssh(conn: Any) -> None:
        conn.sendall(b"Welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n")
        conn.recv(100)

    with listening(ssh) as server:
        for form in (f"ssh://git@127.0.0.1:{server.port}/a/b.git",):
            result = probe("git", url=form)
            assert (result["outcome"], result["facts"]["banner"]) == ("ok", "SSH-2.0-OpenSSH_9.2p1 Debian")
    with listening(silent) as server:
        result = probe("git", url=f"ssh://127.0.0.1:{server.port}/x", timeout=1)
        assert (result["outcome"], result["facts"]["phase"]) == ("timeout", "greeting")
    with listening(hang_up) as server:
        assert probe("git", url=f"ssh://127.0.0.1:{server.port}/x")["outcome"] == "reset"
    with listening(lambda c: (c.recv(99), c.sendall(b"220 smtp\r\n"))) as server:
        assert probe("git", url=f"ssh://127.0.0.1:{server.port}/x", timeout=2)["outcome"] == "error"


@pytest.mark.lab
def test_a_real_daemon_and_a_real_sshd(repository: Path, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(2):
            free = stack.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
            free.close()
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
        if sshd is None:
            pytest.skip("needs sshd")
        Path("/run/sshd").mkdir(exist_ok=True)
        for command in (
            [
                "git",
                "daemon",
                f"--base-path={repository}",
                "--listen=127.0.0.1",
                f"--port={ports[0]}",
                "--reuseaddr",
                "--informative-errors",
            ],
            [
                sshd,
                "-D",
                "-f",
                "/dev/null",
                "-p",
                str(ports[1]),
                "-h",
                str(key),
                "-o",
                "ListenAddress=127.0.0.1",
                "-o",
                "PidFile=none",
            ],
        ):
            child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(child.kill)
        for port in ports:
            for _ in range(100):
                if probe("tcp", host="127.0.0.1", port=port)["outcome"] == "ok":
                    break
                time.sleep(0.05)
        result = probe("git", url=f"git://127.0.0.1:{ports[0]}/x.git")
        assert result["outcome"] == "ok", result
        assert "refused" not in result["facts"]
        assert "refused" in probe("git", url=f"git://127.0.0.1:{ports[0]}/nope.git")["facts"]
        assert "OpenSSH" in probe("git", url=f"ssh://127.0.0.1:{ports[1]}/x.git")["facts"]["banner"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h.example/a/b.git", "https://h.example/a/b.git"), ("git@h.example:a/b.git", "ssh://h.example/a/b.git"),
        ("ssh://git@h.example:2222/a", "ssh://h.example:2222/a"), ("git://h.example/a", "git://h.example/a"),
        ("http://h.example:8080/a/", "http://h.example:8080/a"), ("h.example:a", "ssh://h.example/a"),
    ],
)  # fmt: skip
def test_urls(text: str, shown: str) -> None:
    assert gitwire.remote(text).shown() == shown


@pytest.mark.parametrize(
    "text",
    ["", "file:///etc", "-oProxyCommand=x:y z", "ext::sh -c x", "ssh://h/x y", "a b:c", "ssh://h:0/x"],
)
def test_what_is_no_git_url(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        gitwire.remote(text)


def test_hostile_advertisements() -> None:
    for data in (
        b"",
        b"0000",
        b"zzzz",
        b"0004" * 1000,
        b"ffff" + b"x" * 10,
        b"003f" + b"a" * 40 + b" refs/heads/x\0caps\n",
        b"-001",
    ):
        assert isinstance(gitwire.names(data), list)
