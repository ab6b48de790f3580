"""`toolchain`: which of the tools that builds call are here, and of which version.

Facts: go, git, curl, docker, gcc, make, node, python3, java ... (the version, or "here" for one that was not run, or
"missing"), paths, missing, docker_daemon (ok, or why it does not answer), docker_server (its version), ca_file,
ca_exists, ca_count, tzdata, libc, shell (which one /bin/sh is), path (of this login).

Programs are run directly, for their version alone; scripts are not, since a shell would run them.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import Any, Dict, List, Optional, Tuple

from . import tls, tools
from .blame import outcome_of, words
from .exchange import read_json
from .verb import TIMEOUT, Answer, Clock, Context, Facts, Verb

TOOLS: Tuple[Tuple[str, str], ...] = (
    ("go", "version"), ("git", "--version"), ("curl", "--version"), ("docker", "--version"), ("gcc", "--version"),
    ("make", "--version"), ("node", "--version"), ("python3", "--version"), ("java", ""), ("npm", ""),
    ("pip", ""), ("mvn", ""), ("gradle", ""), ("cargo", ""), ("buildctl", "--version"),
    ("skopeo", "--version"), ("bash", ""), ("tar", "--version"), ("unzip", ""), ("xz", ""), ("ssh", ""),
    ("tcpdump", ""),
)  # fmt: skip
SOCKET = "/var/run/docker.sock"
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    paths = {name: path for name, _ in TOOLS for path in [tools.find(name)] if path}
    versions = _versions(paths, ctx.clock.part(0.8))
    facts: Facts = {name: versions.get(name, "here") if name in paths else "missing" for name, _ in TOOLS}
    facts.update(paths=paths, missing=[name for name, _ in TOOLS if name not in paths])
    facts.update(_daemon(ctx.clock))
    store = tls.trust()
    facts.update(ca_file=store.ca_file, ca_exists=store.exists, ca_count=tls.context(True)[1])
    facts["tzdata"] = os.path.isdir("/usr/share/zoneinfo")
    facts["libc"] = _libc()
    facts["shell"] = os.path.basename(os.path.realpath("/bin/sh")) if os.path.exists("/bin/sh") else "missing"
    facts["path"] = os.environ.get("PATH", "")
    return Answer("ok", facts)


def _versions(paths: Dict[str, str], clock: Clock) -> Dict[str, str]:
    found: Dict[str, str] = {}

    def one(name: str, argument: str) -> None:
        env = tools.bare_environment("GOROOT", "JAVA_HOME")
        env.update(GOTOOLCHAIN="local", GOENV="off", GOFLAGS="", GIT_CONFIG_NOSYSTEM="1")
        said = tools.say([paths[name], argument], env, min(4.0, clock.left()))
        version = _VERSION.search(said.text)
        if said.code is None:
            found[name] = "here, and gave no version in time"
        elif version:
            found[name] = version.group()[:40]

    wanted = [(n, a) for n, a in TOOLS if a and n in paths and not tools.is_script(paths[n])]
    threads = [threading.Thread(target=one, args=item, daemon=True) for item in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(clock.left() + 0.1)
    return dict(found)


def _daemon(clock: Clock) -> Facts:
    """Docker's daemon over its socket: GET /version, which changes nothing."""
    if not os.path.exists(SOCKET):
        return {"docker_daemon": "missing"}
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(max(0.05, min(2.0, clock.left())))
            sock.connect(SOCKET)
            sock.sendall(b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n")
            return {"docker_daemon": "ok", "docker_server": _server(_all(sock, Clock(min(2.0, clock.left()))))}
    except OSError as error:
        return {"docker_daemon": f"{outcome_of(error)}: {words(error)}"}


def _all(sock: socket.socket, clock: Clock) -> bytes:
    data = b""
    while len(data) < 65536 and clock.left() > 0:
        sock.settimeout(max(0.01, clock.left()))
        part = sock.recv(16384)
        if not part:
            break
        data += part
    return data


def _server(answer: bytes) -> Optional[str]:
    body = answer.partition(b"\r\n\r\n")[2]
    try:
        return str(read_json(body[body.index(b"{") : body.rindex(b"}") + 1])["Version"])[:40]
    except (ValueError, KeyError, TypeError):
        return None


def _libc() -> str:
    names: List[str] = []
    for folder in ("/lib", "/lib64", "/usr/lib"):
        try:
            names += os.listdir(folder)[:5000]
        except OSError:
            continue
    if any(name.startswith("ld-musl-") for name in names):
        return "musl"
    return "glibc" if any(name.startswith("ld-linux") for name in names) else "unknown"


VERB = Verb(
    says="which tools are here and of which version: go, git, curl, docker and its daemon, compilers, certificates",
    args={"timeout": TIMEOUT},
    seconds=6.0,
    run=run,
)
