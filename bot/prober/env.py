"""`env`: what the build's tools find on this machine. Values pass through `mask`, so no credential leaves.

Facts: goproxy, gosumdb, goprivate, gonosumdb, gonoproxy, goflags, gotoolchain, goinsecure, go_version, go_from
(`go env`, or the variables alone), http_proxy, https_proxy, all_proxy, no_proxy, resolvers, search, ndots, options,
hosts (lines of /etc/hosts beside localhost), ca_file, ca_exists, ca_count, os, platform, python, hostname, time.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from typing import Any, Dict, List

from . import golang, resolvconf, tls
from .verb import TIMEOUT, Answer, Context, Facts, Verb

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    facts: Facts = {}
    facts.update(golang.settings(min(3.0, ctx.clock.left() * 0.7)))
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
