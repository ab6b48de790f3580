"""A log that ends in silence: which servers the last command that it shows was about to talk to.

The CI says only that it stopped the job. Which servers a command needs is known from the command: a URL or an image
names them, `go` asks its proxy and the checksum database. Where neither tells (npm, pip, apt: their servers are a
matter of configuration), the URLs of the last lines do.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bot.model.diagnosis import Scan

_MOST: Final = 3


class Endpoint(NamedTuple):
    host: str
    port: int


_URL: Final = re.compile(r"\b(?:https?|ssh|git)://[^\s'\"<>`)\]]+")
_SCP: Final = re.compile(r"(?:^|\s|')[\w.-]+@(?P<host>[A-Za-z0-9][\w.-]*\.[A-Za-z]{2,}):[\w./~-]+")
_GO: Final = re.compile(
    r"\bgo\s+(?:mod\s+(?:download|tidy|vendor|verify|why|graph)|build|get|install|test|vet|list|run|generate)\b"
)
_GOPROXY: Final = re.compile(r"\bGOPROXY=['\"]?(?P<url>https?://[^\s,|'\"]+)")
_IMAGE: Final = re.compile(
    r"\b(?:docker|podman|buildah|nerdctl|skopeo|crane|ctr)\b.*?\s(?:pull|run|create|push|copy|inspect|from|bud|build|buildx)\b(?P<rest>.*)"
)
_REFERENCE: Final = re.compile(
    r"(?:docker://)?(?P<host>[a-z0-9][a-z0-9.-]*\.[a-z]{2,}(?::\d{1,5})?)/[\w./-]+(?::[\w.-]+)?(?:@sha256:\w+)?$"
)
_PORTS: Final = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
DOCKER_HUB: Final = Endpoint("registry-1.docker.io", 443)
GO_PROXY: Final = (Endpoint("proxy.golang.org", 443), Endpoint("sum.golang.org", 443))


def endpoints(scan: Scan) -> tuple[Endpoint, ...]:
    """Best first, at most three; empty where nothing tells."""
    command = scan.last_command or ""
    found = dict.fromkeys(_of_command(command))
    if not found:
        for line in reversed(scan.tail):
            found |= dict.fromkeys(_of_urls(line))
    return tuple(found)[:_MOST]


def _of_command(command: str) -> Iterator[Endpoint]:
    if proxy := _GOPROXY.search(command):
        yield from _of_urls(proxy["url"])
    elif _GO.search(command):
        yield from GO_PROXY
    yield from _of_urls(_GOPROXY.sub("", command))
    if found := _SCP.search(command):
        yield Endpoint(found["host"].lower(), 22)
    if image := _IMAGE.search(command):
        yield from _of_image(image["rest"])


def _of_image(words: str) -> Iterator[Endpoint]:
    """The registry of the first word that names one; Docker Hub's where none does."""
    for word in words.split():
        if found := _REFERENCE.match(word.strip("'\"")):
            host, _, port = found["host"].partition(":")
            yield Endpoint(host, int(port or 443))
            return
    yield DOCKER_HUB


def _of_urls(text: str) -> Iterator[Endpoint]:
    for url in _URL.findall(text):
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host and "." in host:
            yield Endpoint(host, port or _PORTS[parts.scheme])
