"""The resolvers of this machine, as /etc/resolv.conf names them (resolv.conf(5))."""

from __future__ import annotations

import os
from typing import List, NamedTuple, Tuple

PATH = "/etc/resolv.conf"
MAX_SERVERS = 3  # MAXNS of libc: more are not asked


class Config(NamedTuple):
    servers: Tuple[str, ...]
    search: Tuple[str, ...]
    ndots: int
    options: Tuple[str, ...]
    found: bool  # False: there is no such file, libc then asks 127.0.0.1


def read(path: str = PATH) -> Config:
    """Never raises: an unreadable file counts as none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(65536).splitlines()
        found = True
    except OSError:
        lines, found = [], False
    servers: List[str] = []
    search: List[str] = []
    options: List[str] = []
    for line in lines:
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            search = words[1:]
        elif words[0] == "options":
            options += words[1:]
    if os.environ.get("LOCALDOMAIN"):
        search = os.environ["LOCALDOMAIN"].split()
    options += os.environ.get("RES_OPTIONS", "").split()
    ndots = 1
    for option in options:
        if option.startswith("ndots:") and option[6:].isdigit():
            ndots = min(int(option[6:]), 15)
    kept = tuple(servers[:MAX_SERVERS]) or ("127.0.0.1",)
    return Config(kept, tuple(search[:6]), ndots, tuple(options[:10]), found)
