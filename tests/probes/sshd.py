"""A real sshd on loopback, as the current user, with keys of its own."""

import contextlib
import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def missing() -> str | None:
    """Why no sshd can be started here; None if it can."""
    if not Path(SSHD).exists() or not shutil.which("ssh-keygen"):
        return "sshd and ssh-keygen are not installed"
    return None


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def key(path: Path, *more: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, *more], check=True)
    return path


class Sshd:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.user = folder, free_port(), getpass.getuser()
        self.host_key, self.key_file = key(folder / "host"), key(folder / "id")
        self.known_hosts = folder / "known_hosts"
        self.pin(self.host_key)
        (folder / "authorized").write_bytes((folder / "id.pub").read_bytes())

    def pin(self, host_key: Path) -> None:
        public = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")

    @contextlib.contextmanager
    def running(self, *options: str) -> Iterator["Sshd"]:
        config = self.folder / "sshd_config"
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}", f"HostKey {self.host_key}", "StrictModes no", "UsePAM no",
            f"AuthorizedKeysFile {self.folder / 'authorized'}", "PasswordAuthentication no", "PermitRootLogin yes",
            f"PidFile {self.folder / 'pid'}", "AcceptEnv *", *options,
        ]  # fmt: skip
        config.write_text("\n".join(lines) + "\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()
            process.wait()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        for _ in range(200):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())
