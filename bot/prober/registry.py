"""`registry`: what a container registry answers to somebody without an account: ping, token, the image's manifest.

Facts: registry, repository, reference, kind (dockerhub, ecr, harbor, ghcr ...: by its name or its answers), scheme,
phase (ping, token, manifest), status, ping, token, manifest ({outcome, status, ms, error} each), auth (bearer, basic,
none), realm (host of the token server), digest, media_type, api_version, code and message (of the registry's error),
ratelimit_limit, ratelimit_remaining, ratelimit_source, retry_after, health (Harbor: its own word), unhealthy (its parts
that are not well), note.

Distribution spec 1.1, and its token authentication. A manifest is asked for with HEAD, which counts against no quota.
The token that an anonymous caller gets goes to the registry that wants it and nowhere else, and is never told.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Optional, Tuple
from urllib.parse import quote, urlsplit, urlunsplit

from .exchange import Fetched, Headers, fetch, read_json
from .ociname import Image, image
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb, one_of

ACCEPT = ", ".join(
    "application/vnd." + kind
    for kind in (
        "oci.image.index.v1+json", "docker.distribution.manifest.list.v2+json", "oci.image.manifest.v1+json",
        "docker.distribution.manifest.v2+json",
    )
)  # fmt: skip
_CHALLENGE = re.compile(r"([a-z]+)=\"([^\"]{0,1000})\"", re.IGNORECASE)
_LOCAL = re.compile(r"localhost|127\.[0-9.]+|::1")  # where Docker takes plain HTTP without being told
_LIMITS = ("ratelimit_limit", "ratelimit_remaining", "ratelimit_reset", "ratelimit_source", "retry_after", "server")


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    return _Registry(args["image"], args["scheme"], ctx).run()


class _Registry:
    def __init__(self, image: Image, scheme: str, ctx: Context) -> None:
        self.image, self.scheme, self.ctx = image, "https" if scheme == "auto" else scheme, ctx
        self.plain = scheme == "auto" and _LOCAL.fullmatch(image.host) is not None
        self.facts: Facts = {"registry": image.host + (f":{image.port}" if image.port else "")}
        if image.repository:
            self.facts.update(repository=image.repository, reference=image.reference)
        if image.kind:
            self.facts["kind"] = image.kind

    def run(self) -> Answer:
        whole = self.ctx
        if self.plain:  # what waits for a request does not answer to a TLS handshake
            self.ctx = whole._replace(clock=whole.clock.part(0.3))
        ping = self._get("/v2/")
        self.ctx = whole
        if ping.status is None and self.plain:
            self.scheme = "http"
            ping = self._get("/v2/")
        self.facts["scheme"] = self.scheme
        self._note("ping", ping)
        if ping.status is None or ping.outcome == "proxy-auth":
            raise self._failed(ping, "ping")
        self._learn(ping)
        kind, challenge = _challenge(ping)
        self.facts["auth"] = kind if ping.status == 401 else "none"
        if self.facts.get("kind") == "harbor":
            self._harbor()
        if ping.status not in (200, 401):
            raise self._failed(ping, "ping")
        if ping.status == 200 and not self._is_registry(ping):
            outcome = "proxy-error" if ping.facts.get("html") else "http-status"
            raise Failed(outcome, f"{self.image.host} answers /v2/, and not as a registry", **self._told("ping"))
        if not self.image.repository:
            return Answer("ok", self._told("ping"), ping.ms)
        return self._manifest(ping.status == 401, kind, challenge)

    def _manifest(self, locked: bool, kind: str, challenge: Dict[str, str]) -> Answer:
        token: Headers = ()
        if locked and kind == "bearer":
            token = self._token(challenge)
        elif locked:
            self.facts["status"] = 401
            hint = "this registry gives nothing to anybody without credentials"
            if self.image.kind == "ecr":
                hint += ": `aws ecr get-login-password` makes some, which last 12 hours"
            raise Failed(
                "http-status", f"{self.image.host} wants {kind or 'some'} credentials: {hint}", **self._told("ping")
            )
        path = f"/v2/{self.image.repository}/manifests/{self.image.reference}"
        got = self._get(path, (("Accept", ACCEPT), *token), "HEAD")
        if got.status in (405, 501):  # a registry, or something before it, that knows no HEAD
            got = self._get(path, (("Accept", ACCEPT), *token))
        self._note("manifest", got)
        self._learn(got)
        for name, header in (("digest", "docker-content-digest"), ("media_type", "content-type")):
            if got.outcome == "ok" and got.get(header):
                self.facts[name] = got.get(header)
        if got.outcome != "ok":
            raise self._failed(got, "manifest", path)
        return Answer("ok", self._told("manifest"), got.ms)

    def _token(self, challenge: Dict[str, str]) -> Headers:
        realm = challenge.get("realm", "")
        service = challenge.get("service", "")
        scope = f"repository:{self.image.repository}:pull"
        try:
            parts = urlsplit(realm)
            query = "&".join(
                [parts.query] * bool(parts.query)
                + [f"service={quote(service, safe='')}"] * bool(service)
                + [f"scope={quote(scope, safe='')}"]
            )
            target = url(urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, "")))
        except ValueError:
            raise Failed("error", "the registry names a token server that is no URL", **self._told("token")) from None
        self.facts["realm"] = target.host
        got = fetch(target, self.ctx)
        self._note("token", got)
        if got.outcome != "ok":
            raise self._failed(got, "token")
        word = _token_of(got.data)
        if word is None:
            raise Failed("http-status", f"{target.host} answers without a token", **self._told("token"))
        return (("Authorization", f"Bearer {word}"),)

    def _get(self, path: str, extra: Headers = (), method: str = "GET") -> Fetched:
        port = self.image.port or (443 if self.scheme == "https" else 80)
        return fetch(Target(self.scheme, self.image.host, port, path), self.ctx, method=method, extra=extra)

    def _note(self, name: str, got: Fetched) -> None:
        self.facts[name] = {k: v for k, v in got.brief().items() if k != "url"}
        if got.status is not None:
            self.facts["status"] = got.status
        for fact in ("address", "via", "proxy", "issuer", "reason", "ca_count"):
            if got.facts.get(fact) is not None:
                self.facts.setdefault(fact, got.facts[fact])

    def _learn(self, got: Fetched) -> None:
        for name in _LIMITS:
            if got.facts.get(name) is not None:
                self.facts[name] = got.facts[name]
        if got.get("docker-distribution-api-version"):
            self.facts["api_version"] = got.get("docker-distribution-api-version")
        wanted = got.get("www-authenticate").lower()
        if "kind" not in self.facts and "harbor-registry" in wanted:
            self.facts["kind"] = "harbor"
        code, message = _error_of(got.data)
        if code:
            self.facts["code"] = code
        if message:
            self.facts["message"] = message

    def _is_registry(self, ping: Fetched) -> bool:
        json_ = ping.get("content-type").startswith("application/json") or ping.data.strip() in (b"", b"{}")
        return "api_version" in self.facts or (json_ and not ping.facts.get("html"))

    def _harbor(self) -> None:
        """Harbor's own account of its parts (GET /api/v2.0/health: nobody has to log in for it)."""
        got = fetch(
            Target(self.scheme, self.image.host, self.image.port or (443 if self.scheme == "https" else 80),
                   "/api/v2.0/health"),
            self.ctx._replace(clock=self.ctx.clock.part(0.3)),
        )  # fmt: skip
        try:
            given = read_json(got.data)
            parts = given.get("components", [])
            self.facts["health"] = str(given.get("status", ""))[:40]
            self.facts["unhealthy"] = [str(p.get("name"))[:40] for p in parts[:20] if p.get("status") != "healthy"]
        except (ValueError, AttributeError, TypeError):
            return

    def _told(self, phase: str) -> Facts:
        return {**self.facts, "phase": phase}

    def _failed(self, got: Fetched, phase: str, path: str = "") -> Failed:
        where = f" for {self.image.repository}:{self.image.reference}" if path else ""
        said = f" ({self.facts['code']})" if self.facts.get("code") and phase != "token" else ""
        error = f"{phase}: {got.error}{where}{said}"
        if phase == "manifest" and got.status in (401, 403):
            error += ": it is private, or not there, and credentials would tell"
        if self.facts.get("unhealthy"):
            error += f"; Harbor calls these parts unhealthy: {', '.join(self.facts['unhealthy'])}"
        return Failed(got.outcome, error, **{**got.facts, **self._told(phase)})


def _challenge(got: Fetched) -> Tuple[str, Dict[str, str]]:
    """(scheme in lower case, its parameters) of a WWW-Authenticate header."""
    text = got.get("www-authenticate")
    found = {k.lower(): v for k, v in _CHALLENGE.findall(text[:4000])}
    return text.split(" ")[0].strip().lower()[:20], found


def _token_of(data: bytes) -> Optional[str]:
    try:
        given = read_json(data)
        word = given.get("token") or given.get("access_token")
    except (ValueError, AttributeError):
        return None
    # what does not fit a header is no token
    return word if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,16000}", word) else None


def _error_of(data: bytes) -> Tuple[Optional[str], Optional[str]]:
    """(code, message) of `{"errors": [{...}]}`."""
    try:
        first = read_json(data)["errors"][0]
        return str(first.get("code") or "")[:60] or None, str(first.get("message") or "")[:200] or None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None, None


VERB = Verb(
    says="ping a container registry, get an anonymous token, ask for an image's manifest",
    args={
        "image": Arg(image, "an image, or `registry.example/` for the registry alone", required=True),
        "scheme": Arg(
            one_of("auto", "https", "http"), "auto: https, and http on loopback as Docker does", default="auto"
        ),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
