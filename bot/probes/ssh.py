"""`ssh`: a machine that builds run on. The prober's bytes go through one fixed command; nothing stays there.

Only what the settings name is used: no ssh_config, no agent, no default keys, no forwarding, and a host key that is
pinned in `known_hosts`. asyncssh is imported when a connection is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from bot.model.build import Job
from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.errors import VantageDown
from bot.ports import Check
from bot.prober import mask
from bot.probes import checking, pack, wire
from bot.probes.registry import register
from bot.probes.serving import Settings

if TYPE_CHECKING:
    import asyncssh

CONNECT = 5.0
"""Seconds that a dead machine costs at most."""
GRACE = 1.0
MAX_COMPLAINT = 8192


class SshSettings(Settings):
    kind: Literal["ssh"]
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(22, ge=1, le=65535)
    user: str = Field(min_length=1, max_length=128)
    key_file: Path = Field(description="the private key, without a passphrase")
    known_hosts: Path = Field(description="a known_hosts file with the machine's host key")

    @field_validator("host", "user")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not value.isprintable() or any(c.isspace() for c in value):
            raise ValueError("must have no spaces or control characters")
        return value


class Ssh:
    """Implements ports.Vantage."""

    kind = "ssh"

    def __init__(self, name: str, settings: SshSettings) -> None:
        self.name, self.settings = name, settings

    def serves(self, ci: str, repository: str, job: Job) -> bool:
        return self.settings.fits(ci, repository, job)

    async def run(self, requests: Sequence[ProbeRequest], deadline: float) -> Sequence[ProbeResult]:
        begun = time.monotonic()
        async with self._connection(min(CONNECT, deadline)) as connection:
            left = deadline - (time.monotonic() - begun)
            if left < 0.2:
                raise VantageDown(self.name, f"no time was left for probes after connecting to {self._where}")
            parts = wire.batches(requests)
            found = await asyncio.gather(*(self._run(connection, part, left) for part in parts))
        return [result for part in found for result in part]

    async def _run(
        self, connection: asyncssh.SSHClientConnection, requests: Sequence[ProbeRequest], left: float
    ) -> list[ProbeResult]:
        # the far side stops a little earlier, so that its answer still arrives in time
        policy = {"scope": "any", "capture": self.settings.capture}
        sent = pack.stdin(wire.request(requests, max(0.1, left - 0.3), policy))
        try:
            output, complaint, status = await asyncio.wait_for(_converse(connection, sent), left + GRACE)
        except TimeoutError:
            raise VantageDown(self.name, f"{self._where} did not answer within {left:.0f} s") from None
        except Exception as error:
            raise VantageDown(self.name, f"{self._where}: {self._why(error)}") from None
        said = complaint.decode("utf-8", "replace")
        if status in (126, 127) and b'{"schema"' not in output:
            raise VantageDown(
                self.name,
                f"python3 cannot be run on {self._where} (exit status {status}): install Python 3.8 or later, and put "
                "it on the PATH of a login without a terminal. The machine said: "
                f"{mask.text(said.strip()[-160:]) or 'nothing'}",
            )
        return wire.answers(output, requests, self.name, said)

    @property
    def _where(self) -> str:
        return f"{self.settings.user}@{self.settings.host}:{self.settings.port}"

    @contextlib.asynccontextmanager
    async def _connection(self, seconds: float) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Raises VantageDown with what to do about it."""
        import asyncssh

        known = self._known_hosts()
        settings = self.settings
        try:
            connection = await asyncio.wait_for(
                asyncssh.connect(
                    settings.host, settings.port, username=settings.user, client_keys=[str(settings.key_file)],
                    known_hosts=known, config=None, agent_path=None, preferred_auth="publickey", gss_host=None,
                    x509_trusted_certs=None, proxy_command=None, tunnel=None, login_timeout=seconds,
                    server_host_key_algs=self._algorithms(known),
                ),
                seconds,
            )  # fmt: skip
        except TimeoutError:
            raise VantageDown(
                self.name, f"{self._where} did not answer within {seconds:.0f} s: is the machine up, and the port open?"
            ) from None
        except Exception as error:  # asyncssh raises many kinds; every one of them means: not usable now
            raise VantageDown(self.name, f"{self._where}: {self._why(error, known)}") from None
        try:
            yield connection
        finally:
            connection.abort()
            with contextlib.suppress(TimeoutError, Exception):
                await asyncio.wait_for(connection.wait_closed(), 1)

    def _known_hosts(self) -> Any:
        import asyncssh

        path = self.settings.known_hosts
        try:
            if not self.settings.key_file.is_file():
                raise VantageDown(self.name, f"the key_file {self.settings.key_file} does not exist")
            return asyncssh.read_known_hosts(str(path))
        except OSError as error:
            raise VantageDown(self.name, f"known_hosts {path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise VantageDown(self.name, f"known_hosts {path} is malformed: {error}") from None

    def _algorithms(self, known: Any) -> Any:
        """The pinned keys' algorithms first, then the others: a machine that lost the pinned kind of key is then told
        from one that hangs up (asyncssh alone would offer the pinned ones only)."""
        from asyncssh.public_key import get_default_public_key_algs

        keys, authorities, *_ = known.match(self.settings.host, "", self.settings.port)
        if authorities or not keys:
            return ()
        pinned = [algorithm for key in keys for algorithm in key.sig_algorithms]
        every = [*pinned, *get_default_public_key_algs()]
        return [a.decode("ascii") for a in dict.fromkeys(every)]

    def _why(self, error: BaseException, known: Any = None) -> str:
        import asyncssh

        path, settings = self.settings.known_hosts, self.settings
        if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed) and known is not None:
            return self._about_host_key(error, known)
        if isinstance(error, asyncssh.PermissionDenied):
            return (
                f"the login was refused: is the public half of {settings.key_file} among the authorized_keys of "
                f"{settings.user}?"
            )
        if isinstance(error, asyncssh.KeyEncryptionError):
            return f"the key_file {settings.key_file} has a passphrase: give a key without one"
        if isinstance(error, asyncssh.KeyImportError):
            text = "has a passphrase: give a key without one" if "assphrase" in str(error) else f"is no key: {error}"
            return f"the key_file {settings.key_file} {text}"
        if isinstance(error, ConnectionRefusedError):
            return "connection refused: is sshd running there, on this port?"
        if isinstance(error, OSError) and not isinstance(error, asyncssh.Error):
            return f"cannot be reached: {error.strerror or error}"
        if isinstance(error, asyncssh.ConnectionLost):
            return "the connection was lost"
        if isinstance(error, asyncssh.ChannelOpenError):
            return f"no command may be run there: {error}"
        return f"SSH failed ({type(error).__name__}): {str(error)[:200]} (host keys: {path})"

    def _about_host_key(self, error: Exception, known: Any) -> str:
        host, port, path = self.settings.host, self.settings.port, self.settings.known_hosts
        entry = host if port == 22 else f"[{host}]:{port}"
        keys, authorities, *_ = known.match(host, "", port)
        if keys or authorities:
            return (
                f"the host key is not the one pinned in {path}: the machine was replaced, or someone is in between. "
                f"If it was replaced, compare the fingerprint there and renew the line of {entry}"
            )
        if "Key exchange" in str(error) or "No matching" in str(error):
            return f"no common algorithm: {str(error)[:200]}"
        return (
            f"{path} has no host key for {entry}: take it with `ssh-keyscan -p {port} {host}`, compare the fingerprint "
            "on the machine, and add the line"
        )

    async def check(self) -> Sequence[Check]:
        return await checking.check(self)

    async def close(self) -> None:
        """A connection lives no longer than its probes."""


async def _converse(connection: asyncssh.SSHClientConnection, sent: bytes) -> tuple[bytes, bytes, int | None]:
    """(stdout, stderr, exit status) of the prober, both cut to what is ever needed."""
    process: Any = await connection.create_process(pack.COMMAND, encoding=None)
    try:
        with contextlib.suppress(BrokenPipeError):  # it ended before it had read all: its stderr says why
            process.stdin.write(sent)
            process.stdin.write_eof()
        complaints = asyncio.create_task(_bounded(process.stderr, MAX_COMPLAINT))
        try:
            output = await _bounded(process.stdout, wire.MAX_ANSWER)
            if len(output) < wire.MAX_ANSWER:  # else it babbles, and will not end by itself
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait_closed(), 1)
            await asyncio.wait({complaints}, timeout=0.5)
            complaint = b"" if not complaints.done() else complaints.result()
        finally:
            complaints.cancel()
        return output, complaint, process.exit_status
    finally:
        with contextlib.suppress(OSError):
            process.kill()
        process.close()


async def _bounded(stream: Any, size: int) -> bytes:
    """Up to `size` bytes; more than that is left unread, and the other side stalls until it is cut off."""
    data = b""
    while len(data) < size:
        part = await stream.read(size - len(data))
        if not part:
            break
        data += part
    return data


def _make(name: str, settings: Settings, _probe_allow: Sequence[str]) -> Ssh:
    """`probe_allow` is about the bot's own host alone: a build's machine may probe its own networks."""
    assert isinstance(settings, SshSettings)
    return Ssh(name, settings)


register("ssh", SshSettings, _make)
