"""`env`: what the build's tools find on this machine. Values pass through `mask`, so no credential leaves.

Facts: goproxy, gosumdb, goprivate, gonosumdb, gonoproxy, goflags, gotoolchain, goinsecure, go_version, go_from
(`go env`, or the variables alone), http_proxy, https_proxy, all_proxy, no_proxy, resolvers, search, ndots, options,
hosts (lines of /etc/hosts beside localhost), ca_file, ca_exists, ca_count, os, platform, python, hostname, time.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Dict, List, Optional

from . import resolvconf, tls
from .verb import TIMEOUT, Answer, Context, Facts, Verb

_GO = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOFLAGS", "GOTOOLCHAIN", "GOINSECURE")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    facts: Facts = {}
    facts.update(_go(min(3.0, ctx.clock.left() * 0.7)))
    for name in _PROXIES:
        value = os.environ.get(name) or os.environ.get(name.upper())
        facts[name] = value if value is not None else ""
    config = resolvconf.read()
    facts.update(resolvers=list(config.servers), search=list(config.search), ndots=config.ndots)
    facts.update(options=list(config.options), hosts=_hosts())
    if not config.found:
        facts["note"] = "there is no /etc/resolv.conf: libc then asks 127.0.0.1"
    store = tls.trust()
    facts.update(ca_file=store.ca_file, ca_exists=store.exists, ca_count=tls.context(True)[1])
    facts.update(os=_os(), platform=_platform())
    facts.update(python=platform.python_version(), python_path=sys.executable, hostname=socket.gethostname())
    facts["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Answer("ok", facts)


def _go(seconds: float) -> Facts:
    """`go env` where there is a go, else the variables. A login without the build's PATH may miss both."""
    path = shutil.which("go")
    if path and seconds > 0.2:
        told = _go_env(path, seconds)
        if told is not None:
            return told
    facts: Facts = {name.lower(): os.environ[name] for name in _GO if name in os.environ}
    facts["go_from"] = "the environment: `go env` gave no answer" if path else "the environment: no go on the PATH"
    return facts


def _go_env(path: str, seconds: float) -> Optional[Facts]:
    home = os.path.expanduser("~")
    env = {k: v for k, v in os.environ.items() if k.startswith("GO") or k in ("PATH", "LANG", "TMPDIR")}
    # go's telemetry writes under the home directory, and nothing of ours is to stay on this machine: below /dev/null
    # not even root can make a folder
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    env.setdefault("GOENV", os.path.join(config, "go", "env"))
    env.update(
        HOME="/dev/null",
        XDG_CONFIG_HOME="/dev/null",
        XDG_CACHE_HOME="/dev/null",
        GOPATH=os.environ.get("GOPATH") or os.path.join(home, "go"),
    )
    said = _first_bytes([path, "env", *_GO, "GOVERSION"], env, seconds)
    lines = said.decode("utf-8", "replace").split("\n") if said is not None else []
    if len(lines) < len(_GO) + 2:
        return None
    facts: Facts = {name.lower(): value.strip() for name, value in zip(_GO, lines)}  # noqa: B905 -- `strict` is of Python 3.10; the length was checked
    facts.update(go_version=lines[len(_GO)].strip(), go_from="go env")
    return facts


def _first_bytes(command: List[str], env: Dict[str, str], seconds: float) -> Optional[bytes]:
    """At most 64 KB of what a program prints; None if it fails or takes longer."""
    try:
        # from the root directory, so that no go.mod or go.work asks for another toolchain
        process = subprocess.Popen(
            command, cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None
    with process:
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            assert process.stdout
            said = process.stdout.read(65536)
            if len(said) == 65536:
                process.kill()
            code = process.wait()
        finally:
            timer.cancel()
    return said if code == 0 else None


def _hosts() -> List[str]:
    try:
        with open("/etc/hosts", encoding="utf-8", errors="replace") as file:
            lines = [line.split("#")[0].split() for line in file.read(65536).splitlines()]
    except OSError:
        return []
    kept = [
        " ".join(words) for words in lines if len(words) > 1 and not words[0].startswith(("127.", "::1", "ff0", "fe0"))
    ]
    return kept[:10]


def _os() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            for line in file.read(8192).splitlines():
                if line.startswith("PRETTY_NAME="):
                    return line.split("=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return sys.platform


def _platform() -> str:
    # platform.uname() of older Pythons starts a process
    return (
        " ".join((os.uname().sysname, os.uname().release, os.uname().machine)) if hasattr(os, "uname") else sys.platform
    )


VERB = Verb(
    says="what the build's tools find here: Go's settings, proxies, resolvers, trusted certificates, clock",
    args={"timeout": TIMEOUT},
    seconds=5.0,
    run=run,
)
