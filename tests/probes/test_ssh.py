"""`ssh` against a real sshd on loopback: it works, and each way of not working has one clear line."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.model.diagnosis import ProbeRequest
from bot.model.errors import VantageDown
from bot.ports import Vantage
from bot.probes import kinds, make
from tests.prober.servers import hang_up, listening, silent
from tests.probes.sshd import Sshd, key, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path).running() as server:
        yield server


def vantage(server: Sshd, **changes: Any) -> Vantage:
    settings = {
        "kind": "ssh", "host": "127.0.0.1", "port": server.port, "user": server.user,
        "key_file": server.key_file, "known_hosts": server.known_hosts,
    }  # fmt: skip
    return make("runner", kinds()["ssh"].model_validate({**settings, **changes}))


def ask(verb: str, **args: object) -> ProbeRequest:
    return ProbeRequest(id=verb, verb=verb, args=args)


async def down(server: Sshd, deadline: float = 8, **changes: Any) -> str:
    """The line that a vantage gives that cannot be used."""
    with pytest.raises(VantageDown) as error:
        await vantage(server, **changes).run([ask("env")], deadline)
    (check,) = await vantage(server, **changes).check()
    assert not check.ok
    text = str(error.value)
    assert text.startswith("runner: ")
    assert "\n" not in text
    assert check.detail in text or "within" in text
    return text


async def test_probes_run_there(sshd: Sshd) -> None:
    runner = vantage(sshd)
    requests = [
        ask("tcp", host="127.0.0.1", port=sshd.port),  # the far machine may probe its own networks
        ask("tcp", host="169.254.169.254", port=80),
        ask("env"),
    ]
    results = await runner.run(requests, 8)
    assert [r.outcome for r in results] == ["ok", "denied", "ok"]
    assert {r.vantage for r in results} == {"runner"}
    (check,) = await runner.check()
    assert check.ok, check
    await runner.close()


async def test_nothing_stays_on_the_far_side(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    places = f"cd {far}; HOME={far}; TMPDIR={far}; XDG_CACHE_HOME={far}; export HOME TMPDIR XDG_CACHE_HOME"
    with Sshd(tmp_path).running(f'ForceCommand {places}; eval "$SSH_ORIGINAL_COMMAND"') as server:
        requests = [ask("env"), ask("tls", host="127.0.0.1", port=server.port, timeout=1), ask("dns", host="localhost")]
        assert (await vantage(server).run(requests, 8))[0].ok
    assert list(far.iterdir()) == []


async def test_no_agent_no_config_no_default_key(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_ed25519").write_bytes(sshd.key_file.read_bytes())
    (home / ".ssh/config").write_text("Host *\n  ProxyCommand /bin/false\n  Port 1\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    assert (await vantage(sshd).run([ask("env")], 8))[0].ok
    assert "the login was refused" in await down(sshd, key_file=key(tmp_path / "stranger"))


async def test_a_changed_host_key(sshd: Sshd, tmp_path: Path) -> None:
    sshd.pin(key(tmp_path / "other"))
    text = await down(sshd)
    assert "the host key is not the one pinned" in text
    assert f"[127.0.0.1]:{sshd.port}" in text


async def test_a_host_key_of_another_kind_is_a_changed_one(sshd: Sshd, tmp_path: Path) -> None:
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ecdsa"], check=True)
    sshd.pin(tmp_path / "ecdsa")
    assert "the host key is not the one pinned" in await down(sshd)


async def test_an_unknown_host_key(sshd: Sshd) -> None:
    sshd.known_hosts.write_text("")
    text = await down(sshd)
    assert "has no host key for" in text
    assert "ssh-keyscan" in text


async def test_files_that_are_missing_or_broken(sshd: Sshd, tmp_path: Path) -> None:
    assert "cannot be read" in await down(sshd, known_hosts=tmp_path / "none")
    assert "does not exist" in await down(sshd, key_file=tmp_path / "none")
    (tmp_path / "junk").write_text("junk")
    assert "is no key" in await down(sshd, key_file=tmp_path / "junk")
    locked = tmp_path / "locked"
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked], check=True)
    assert "has a passphrase" in await down(sshd, key_file=locked)


async def test_nobody_listens(tmp_path: Path) -> None:
    assert "connection refused" in await down(Sshd(tmp_path))


async def test_a_dead_machine_costs_five_seconds_at_most(tmp_path: Path) -> None:
    server = Sshd(tmp_path)
    with listening(silent, port=server.port):
        begun = time.monotonic()
        with pytest.raises(VantageDown, match="did not answer within 5 s"):
            await vantage(server).run([ask("env")], 30)
        assert time.monotonic() - begun < 15
        with pytest.raises(VantageDown, match="did not answer within 1 s"):
            await vantage(server).run([ask("env")], 1)


async def test_something_that_is_no_ssh(tmp_path: Path) -> None:
    server = Sshd(tmp_path)

    def web(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    for handler in (web, hang_up):
        with listening(handler, port=server.port), pytest.raises(VantageDown):
            await vantage(server).run([ask("env")], 3)


async def test_a_name_that_does_not_resolve(sshd: Sshd) -> None:
    assert "cannot be reached" in await down(sshd, host="no-such-host.invalid")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("/bin/sh -c 'exec /no/python3'", "python3 cannot be run"),
        ("/bin/echo only backups here", "only backups here"),
        ("/bin/true", "gave no answer"),
        ("/usr/bin/yes", "gave no answer"),
    ],
)
async def test_machines_that_run_something_else(command: str, says: str, tmp_path: Path) -> None:
    with Sshd(tmp_path).running(f"ForceCommand {command}") as server:
        assert says in await down(server)


async def test_a_machine_that_never_answers(tmp_path: Path) -> None:
    with Sshd(tmp_path).running("ForceCommand /bin/sleep 60") as server:
        begun = time.monotonic()
        with pytest.raises(VantageDown, match="did not answer within"):
            await vantage(server).run([ask("env")], 2)
        assert time.monotonic() - begun < 15


async def test_a_login_that_greets(tmp_path: Path) -> None:
    forced = 'echo Welcome; echo oops >&2; eval "$SSH_ORIGINAL_COMMAND"'
    with Sshd(tmp_path).running(f"ForceCommand {forced}") as server:
        assert (await vantage(server).run([ask("env")], 8))[0].ok


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/bin/dash", "/bin/csh", "/usr/bin/fish", "/bin/zsh"])
async def test_every_shell_takes_the_command(shell: str, tmp_path: Path) -> None:
    if not Path(shell).exists():
        pytest.skip(f"no {shell} here")
    with Sshd(tmp_path).running(f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"') as server:
        assert (await vantage(server).run([ask("env")], 8))[0].ok


async def test_sshd_killed_in_the_middle(tmp_path: Path) -> None:
    with Sshd(tmp_path).running() as server, listening(silent) as slow:
        running = asyncio.create_task(
            vantage(server).run([ask("tls", host="127.0.0.1", port=slow.port, timeout=10)], 10)
        )
        while not slow.accepted:
            await asyncio.sleep(0.05)
        import subprocess

        # the process that serves our connection is a child of the listener
        listener = int((tmp_path / "pid").read_text())
        for child in Path(f"/proc/{listener}/task/{listener}/children").read_text().split():
            subprocess.run(["kill", "-9", child], check=True)
        with pytest.raises(VantageDown):
            await running


def test_settings() -> None:
    from pydantic import ValidationError

    model = kinds()["ssh"]
    good = {"kind": "ssh", "host": "h", "user": "ci", "key_file": "k", "known_hosts": "n"}
    assert model.model_validate(good).model_dump()["port"] == 22
    for bad in ({"host": ""}, {"host": "a b"}, {"user": "x\n"}, {"port": 0}, {"extra": 1}, {"serves": [{"c": 1}]}):
        with pytest.raises(ValidationError):
            model.model_validate({**good, **bad})
    for gone in ("host", "user", "key_file", "known_hosts"):
        with pytest.raises(ValidationError):
            model.model_validate({k: v for k, v in good.items() if k != gone})


async def test_what_a_broken_login_says_is_masked(tmp_path: Path) -> None:
    with Sshd(tmp_path).running("ForceCommand /bin/sh -c 'echo token=hunter2hunter2 >&2; exit 127'") as server:
        text = await down(server)
    assert "The machine said: token=***" in text
