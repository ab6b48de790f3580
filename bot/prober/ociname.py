"""Image references, and the kinds of registry that behave in a way of their own.

distribution/reference: a first part with a dot, a colon or "localhost" is a registry, else it is Docker Hub's.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Tuple

from .verb import host, split_port

HUB, HUB_HOST = "docker.io", "registry-1.docker.io"
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,128}")
_ECR = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)")
_KINDS: Tuple[Tuple[str, str], ...] = (
    (HUB_HOST, "dockerhub"), ("ghcr.io", "ghcr"), ("gcr.io", "gcr"), ("pkg.dev", "gar"), ("azurecr.io", "acr"),
    ("public.ecr.aws", "ecr-public"), ("quay.io", "quay"), ("registry.gitlab.com", "gitlab"),
    ("registry.k8s.io", "k8s"),
)  # fmt: skip


class Image(NamedTuple):
    """`repository` is "" where only a registry was named."""

    host: str
    port: int  # 0: the scheme's own
    repository: str
    reference: str  # a tag or a digest

    @property
    def kind(self) -> str:
        """dockerhub, ecr, ghcr ...; "" for one that its name does not give away."""
        if _ECR.fullmatch(self.host):
            return "ecr"
        for end, kind in _KINDS:
            if self.host == end or self.host.endswith("." + end):
                return kind
        return ""

    def shown(self) -> str:
        at = f"[{self.host}]" if ":" in self.host else self.host
        at += f":{self.port}" if self.port else ""
        separator = "@" if ":" in self.reference else ":"
        return f"{at}/{self.repository}{separator}{self.reference}" if self.repository else at


def image(value: Any) -> Image:
    """`ubuntu`, `ghcr.io/acme/app:1.2`, `host:5000/x@sha256:...`, and `host:5000/` for the registry alone."""
    if not isinstance(value, str) or len(value) > 600:
        raise ValueError("must be text")
    text = value.strip()
    text = text[len("docker://") :] if text.startswith("docker://") else text
    first, slash, rest = text.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost" or first.startswith("["))
    registry, path = (first, rest) if named else (HUB, text)
    path, at, digest = path.partition("@")
    tag = ""
    if ":" in path.rpartition("/")[2]:
        path, _, tag = path.rpartition(":")
        if not tag:
            raise ValueError("ends in a colon without a tag")
    if (at and not _DIGEST.fullmatch(digest)) or (tag and not _TAG.fullmatch(tag)):
        raise ValueError("has a tag or a digest that no image has")
    name, port = split_port(registry)
    name = host(name)
    if named and not path and not at and not tag:
        return Image(HUB_HOST if name == HUB else name.lower(), port or 0, "", "")
    if name in (HUB, "index.docker.io"):
        name, path = HUB_HOST, path if "/" in path else f"library/{path}"
    if not _PATH.fullmatch(path):
        raise ValueError(
            "must be an image, such as ghcr.io/acme/app:1.2, or a registry with a slash: registry.example/"
        )
    return Image(name.lower(), port or 0, path, digest or tag or "latest")
