"""Argo CD on this machine: one application with its history, auto-sync, rollbacks, and a page, over real HTTP.

What it does is what Argo CD's server and controller do: setting an operation clears the state of the one before it, a
rollback is refused while auto-sync is on, only a sync that succeeded enters the history, auto-sync goes after git's
newest revision unless it was the last one tried. Time passes as requests look: nothing runs in the background.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Literal

import aiohttp
from aiohttp import web

from bot.serve.standins.door import Door, Fault, Json, Seen, count

Outcome = Literal["healthy", "degraded", "progressing", "missing", "failed", "stuck"]
_HEALTH = {"healthy": "Healthy", "degraded": "Degraded", "progressing": "Progressing", "missing": "Missing"}
_APP = "/api/v1/applications/{name}"


@dataclass(frozen=True)
class Version:
    """What git has, or had. `parts`: one revision a source."""

    parts: tuple[str, ...]
    images: tuple[str, ...] = ()
    author: str = "Ada <ada@acme.example>"
    message: str = "Change the checkout service"


@dataclass
class Op:
    """An operation. `started` and `finished` are UNIX times."""

    version: Version
    asked: float
    by: Json
    entry: Json | None = None  # of the history, for a rollback
    prune: bool = False
    started: float | None = None
    finished: float | None = None
    phase: str = "Running"
    message: str = ""


@dataclass
class Life:
    """How it goes with this application's operations: seconds until one is taken up, until it ends, until the health
    is what it will be. `reconciles`: whether the health is looked at when an operation ends (else only on request)."""

    pick_up: float = 0.0
    operation: float = 0.1
    health: float = 0.0
    reconciles: bool = True
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by the first part of a revision; healthy if not there


class ArgocdStandIn:
    """`automated` is `syncPolicy.automated` (None: auto-sync is off). `knows_enabled=False`: an older Argo CD,
    which drops the word `enabled`; `looks_at="presence"`: one whose rollback minds only whether `automated` is there.
    `keeper`: an application of applications that puts `automated` back after so many seconds."""

    def __init__(
        self,
        *,
        token: str = "argocd-stand-in-token",  # noqa: S107 it opens nothing but this
        webhook_secret: str = "stand-in-notification-secret",  # noqa: S107
        webhook_url: str | None = None,
        app: str = "shop",
        project: str = "default",
        namespace: str = "argocd",
        sources: Sequence[Json] = ({"repoURL": "https://git.acme.example/shop.git", "path": "deploy"},),
        automated: Json | None = None,
        knows_enabled: bool = True,
        looks_at: Literal["enabled", "presence"] = "enabled",
        keeper: float | None = None,
        life: Life | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token, self.webhook_secret, self.webhook_url = token, webhook_secret, webhook_url
        self.app, self.project, self.namespace = app, project, namespace
        self.sources = [{"targetRevision": "main", **source} for source in sources]
        self.automated, self.knows_enabled, self.looks_at = automated, knows_enabled, looks_at  # live: may be set
        self.keeper, self.kept, self.life, self.clock = keeper, automated, life or Life(), clock
        self.denied: set[str] = set()  # actions that the account may not do: get, sync, update
        self.versions: list[Version] = []  # what git had, oldest first
        self.history: list[Json] = []
        self.op: Op | None = None
        self.live: Version | None = None
        self.tried: Version | None = None
        self.deployed, self.reconciled, self.switched = 0.0, 0.0, 0.0
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self._door = Door("api", self._routes(), self, self._admit, self._stamp)

    # life

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the URL of API and pages alike."""
        self.host = host
        await self._door.open(host, port)
        return self.url

    async def shut(self) -> None:
        """From now on connections are refused."""
        await self._door.shut()

    async def reopen(self) -> None:
        await self._door.open(self.host, self._door.port)

    async def stop(self) -> None:
        await self.shut()

    async def __aenter__(self) -> ArgocdStandIn:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self._door.port}"

    def settings(self, name: str = "shop", environment: str = "production", repositories: Sequence[str] = ()) -> Json:
        """The `deploys:` entry that leads here."""
        entry = {"name": name, "kind": "argocd", "url": self.url, "token": self.token, "app": self.app}
        more = {"environment": environment, "repositories": list(repositories), "project": self.project}
        return {**entry, **more, "webhook_secret": self.webhook_secret}

    def count(self, method: str, path: str) -> int:
        """How many such requests came; `path` is a regular expression for all of it."""
        return count(self.seen, method, path)

    # what happens here

    def deploy(self, *parts: str, images: Sequence[str] = (), outcome: Outcome = "healthy", by: str = "ada") -> Version:
        """git gets a revision and it is synced, all at once and just now, whether auto-sync is on or not."""
        self.advance()
        version = self.push(*parts, images=images, outcome=outcome)
        self.sync(version, by)
        if outcome != "stuck":
            assert self.op is not None
            self.op.started = self.clock()
            self._end(self.op, self.op.started)
            self.deployed = 0.0  # its health is what it will be
        return version

    def push(self, *parts: str, images: Sequence[str] = (), outcome: Outcome = "healthy") -> Version:
        """git gets a revision. Auto-sync, where it is on, goes after it."""
        version = Version(parts, tuple(images) or (f"registry.acme.example/shop:{parts[0][:7]}",))
        self.versions.append(version)
        self.life.outcomes.setdefault(parts[0], outcome)
        return version

    def sync(self, version: Version, by: str | None = None, entry: Json | None = None, prune: bool = False) -> None:
        """Somebody (None: auto-sync) asks for an operation."""
        who: Json = {"username": by} if by else {"automated": True}
        self.op = Op(version, self.clock(), who, entry, prune)
        self.tried = version

    @property
    def auto(self) -> bool:
        return self.automated is not None and self.automated.get("enabled") is not False

    def advance(self) -> None:
        """Let happen what was due by now."""
        now, op = self.clock(), self.op
        if self.keeper is not None and self.automated != self.kept and now >= self.switched + self.keeper:
            self.automated = self.kept
        if op is not None and op.finished is None:
            if op.started is None and now >= op.asked + self.life.pick_up:
                op.started = op.asked + self.life.pick_up
            if op.started is not None and now >= op.started + self.life.operation and self._outcome(op) != "stuck":
                self._end(op, op.started + self.life.operation)
        idle = self.op is None or self.op.finished is not None
        if idle and self.auto and self.versions and self.tried is not self.versions[-1]:
            self.sync(self.versions[-1])

    def _outcome(self, op: Op) -> Outcome:
        return self.life.outcomes.get(op.version.parts[0], "healthy")

    def _end(self, op: Op, at: float) -> None:
        op.finished = at
        if self._outcome(op) == "failed":
            op.phase, op.message = "Failed", "one or more objects failed to apply, reason: the image cannot be pulled"
            return
        op.phase, op.message = "Succeeded", "successfully synced (all tasks run)"
        self.live, self.deployed = op.version, at
        if self.life.reconciles:
            self.reconciled = at
        number = self.history[-1]["id"] + 1 if self.history else 0
        entry = {"id": number, "deployedAt": stamp(at), "deployStartedAt": stamp(op.started or at)}
        self.history.append({**entry, "initiatedBy": op.by, **self._told(op.version)})
        del self.history[:-10]  # revisionHistoryLimit

    def _told(self, version: Version) -> Json:
        if len(self.sources) == 1:
            return {"revision": version.parts[0], "source": self.sources[0]}
        return {"revisions": list(version.parts), "sources": self.sources, "revision": "", "source": {"repoURL": ""}}

    # the application, as the API shows it

    def shown(self) -> Json:
        spec: Json = {"project": self.project, "destination": {"name": "in-cluster", "namespace": self.app}}
        spec |= {"source": self.sources[0]} if len(self.sources) == 1 else {"sources": self.sources}
        spec["syncPolicy"] = {"syncOptions": ["CreateNamespace=true"]}
        if self.automated is not None:
            spec["syncPolicy"]["automated"] = self.automated
        metadata: Json = {"name": self.app, "namespace": self.namespace}
        if self.keeper is not None:
            metadata["annotations"] = {
                "argocd.argoproj.io/tracking-id": f"all-apps:argoproj.io/Application:argocd/{self.app}"
            }
        app: Json = {"metadata": metadata, "spec": spec, "status": self._status()}
        if self.op is not None and self.op.finished is None:
            app["operation"] = self._operation(self.op)
        return app

    def _status(self) -> Json:
        head = self.versions[-1] if self.versions else None
        synced = "Synced" if head is not None and head is self.live else "OutOfSync"
        status: Json = {"history": self.history, "health": self._health(), "sync": {"status": synced}}
        if head is not None:
            status["sync"] |= {k: v for k, v in self._told(head).items() if k in ("revision", "revisions")}
        status["summary"] = {"images": list(self.live.images) if self.live else []}
        status["reconciledAt"] = stamp(self.reconciled)
        op = self.op
        if op is not None and op.started is not None:
            state = {"operation": self._operation(op), "phase": op.phase, "startedAt": stamp(op.started)}
            state |= {"finishedAt": stamp(op.finished)} if op.finished is not None else {}
            status["operationState"] = {**state, "message": op.message, "syncResult": self._told(op.version)}
        return status

    def _operation(self, op: Op) -> Json:
        sync = {**self._told(op.version), "prune": op.prune, "syncOptions": ["CreateNamespace=true"]}
        return {"sync": sync, "initiatedBy": op.by, "retry": {}}

    def _health(self) -> Json:
        if self.live is None:
            return {"status": "Missing"}
        settled = self.clock() >= self.deployed + self.life.health
        outcome = self.life.outcomes.get(self.live.parts[0], "healthy") if settled else "progressing"
        since = self.deployed + self.life.health if settled else self.deployed
        health: Json = {"status": _HEALTH.get(outcome, "Healthy"), "lastTransitionTime": stamp(since)}
        if outcome == "degraded":
            health["message"] = f'Deployment "{self.app}" exceeded its progress deadline'
        return health

    # notifications

    def notice(self, trigger: str) -> tuple[dict[str, str], bytes]:
        """What deploy/argocd-notifications.yaml makes of the application now."""
        self.advance()
        app = self.shown()
        state = app["status"].get("operationState", {})
        result = state.get("syncResult", {})
        payload = {"trigger": trigger, "app": self.app, "namespace": self.namespace, "project": self.project}
        payload |= {"phase": state.get("phase", ""), "revision": result.get("revision", "")}
        payload |= {"revisions": result.get("revisions", []), "started": state.get("startedAt", "")}
        payload |= {"finished": state.get("finishedAt", ""), "health": app["status"]["health"]["status"]}
        speaks = app["status"]["health"] if trigger == "on-health-degraded" else state
        payload["message"] = speaks.get("message", "")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.webhook_secret}"}
        return headers, json.dumps(payload).encode()

    async def tell(self, trigger: str) -> int:
        """Send it to `webhook_url`; returns the status that was answered (0: it could not be reached)."""
        headers, body = self.notice(trigger)
        assert self.webhook_url is not None
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.post(self.webhook_url, data=body, headers=headers) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    # the door

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get(_APP, self._get),
            web.patch(_APP, self._patch),
            web.post(_APP + "/rollback", self._rollback),
            web.get(_APP + "/manifests", self._manifests),
            web.get(_APP + "/revisions/{revision}/metadata", self._metadata),
            web.get("/api/v1/account/can-i/applications/{action}/{thing:.+}", self._can_i),
            web.get("/applications/{tail:.+}", self._page),
        ]

    def _admit(self, request: web.Request) -> web.StreamResponse | None:
        self.advance()
        if not request.path.startswith("/api/"):
            return None
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return problem(401, 16, "invalid session: signature is invalid" if given else "no session information")
        return None

    def _stamp(self, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = formatdate(self.clock(), usegmt=True)

    def _forbidden(self, request: web.Request, action: str, told: Json | None = None) -> web.Response | None:
        """Argo CD tells a missing application from a forbidden one only to those who name the project."""
        told = dict(request.query) if told is None else told
        project, namespace = told.get("project"), told.get("appNamespace", self.namespace)
        if {"get", action} & self.denied or project not in (None, "", self.project):
            return problem(403, 7, "permission denied")
        if request.match_info["name"] != self.app or namespace != self.namespace:
            missing = f'applications.argoproj.io "{request.match_info["name"]}" not found'
            return problem(404, 5, missing) if project else problem(403, 7, "permission denied")
        return None

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if (no := self._forbidden(request, "get")) is not None:
            return no
        if "refresh" in request.query:
            self.reconciled = self.clock()
        return web.json_response(self.shown())

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        told: Json = await request.json()
        if (no := self._forbidden(request, "update", told)) is not None:
            return no
        if told.get("patchType") != "merge":
            return problem(400, 3, f"Patch type '{told.get('patchType')}' is not supported")
        change: Json | None = json.loads(told["patch"])["spec"]["syncPolicy"]["automated"]
        merged = None if change is None else {**(self.automated or {}), **change}
        known = (
            ("enabled", "prune", "selfHeal", "allowEmpty")
            if self.knows_enabled
            else ("prune", "selfHeal", "allowEmpty")
        )
        if merged is not None:
            merged = {key: value for key, value in merged.items() if key in known and value is not None}
        self.automated, self.switched = merged, self.clock()
        self.advance()
        return web.json_response(self.shown())

    async def _rollback(self, request: web.Request) -> web.StreamResponse:
        told: Json = await request.json()
        if (no := self._forbidden(request, "sync", told)) is not None:
            return no
        if self.auto or (self.looks_at == "presence" and self.automated is not None):
            return problem(400, 9, "rollback cannot be initiated when auto-sync is enabled")
        entry = next((e for e in self.history if e["id"] == int(told.get("id", 0))), None)
        if entry is None:
            return problem(400, 3, f"application {self.app} does not have deployment with id {told.get('id', 0)}")
        if self.op is not None and self.op.finished is None:
            return problem(500, 2, "error setting app operation: another operation is already in progress")
        parts = tuple(entry.get("revisions") or (entry["revision"],))
        version = next((v for v in reversed(self.versions) if v.parts == parts), Version(parts))
        if not told.get("dryRun"):  # a dry run would leave the application as it is
            self.sync(version, "buildmedic", entry, bool(told.get("prune")))
        return web.json_response(self.shown())

    async def _manifests(self, request: web.Request) -> web.StreamResponse:
        if (no := self._forbidden(request, "get")) is not None:
            return no
        parts = tuple(request.query.getall("revisions", [])) or (request.query.get("revision", ""),)
        version = next((v for v in reversed(self.versions) if v.parts == parts), None)
        if version is None:
            return problem(500, 2, f"unable to resolve {', '.join(parts)!r} to a commit SHA")
        containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(version.images)]
        deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}
        texts = [json.dumps(deployment), json.dumps({"kind": "Service", "spec": {"ports": [{"port": 80}]}})]
        return web.json_response({"manifests": texts, "revision": parts[0], "sourceType": "Kustomize"})

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        if (no := self._forbidden(request, "get")) is not None:
            return no
        wanted = request.match_info["revision"]
        version = next((v for v in reversed(self.versions) if wanted in v.parts), None)
        if version is None:
            return problem(500, 2, f"failed to get git revision metadata of {wanted}")
        return web.json_response({"author": version.author, "date": stamp(self.clock()), "message": version.message})

    async def _can_i(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"value": "no" if request.match_info["action"] in self.denied else "yes"})

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        health = self._health()["status"]
        return web.Response(text=f"{self.app}: {health}, {', '.join(self.live.parts) if self.live else 'nothing'}\n")


def stamp(at: float) -> str:
    """As Go's metav1.Time has it: whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def problem(status: int, code: int, message: str) -> web.Response:
    """As the gRPC gateway has it; `code` is gRPC's."""
    return web.json_response({"error": message, "code": code, "message": message}, status=status)
