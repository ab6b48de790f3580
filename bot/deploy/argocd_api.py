"""Argo CD's HTTP API, as far as it is used, for one application. Errors are translated here, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from bot.deploy.argocd_plan import short
from bot.deploy.argocd_settings import ArgocdSettings
from bot.deploy.argocd_wire import App, CanI, Entry, Manifests, RevisionMetadata, images, one_line
from bot.deploy.argocd_words import explain
from bot.model.errors import Refused, ServiceError, Unavailable
from bot.outbound import Answer, Outbound

M = TypeVar("M", bound=BaseModel)

_MANIFEST_LIMIT = 8 << 20  # bytes
_REMEMBERED = 500
_NO_PATCH = (404, 405, 501)  # 404 too: the application itself was there a moment before


class Api:
    """`http` and `now` are for tests. Every method raises Refused and Unavailable, unless it says otherwise."""

    manifest_seconds = 20.0  # Argo CD may have to fetch the repository and run Helm first
    commit_seconds = 10.0
    refresh_seconds = 15.0

    def __init__(self, settings: ArgocdSettings, http: Outbound | None, now: Callable[[], datetime]) -> None:
        self._settings, self._service, self._now = settings, settings.name, now
        self.http = http or Outbound(
            settings.name,
            settings.url,
            headers={"Accept": "application/json"},
            private={"Authorization": f"Bearer {settings.token.get_secret_value()}"},
        )
        self._path = f"/api/v1/applications/{quote(settings.app, safe='')}"
        where = {"project": settings.project, "appNamespace": settings.app_namespace}
        self._where = {key: value for key, value in where.items() if value}
        self._commits: dict[str, RevisionMetadata] = {}  # a commit does not change

    async def look(self, refresh: bool = False) -> tuple[App, datetime]:
        """The application as Kubernetes has it now (`Get` of Argo CD's server goes past its cache), and the time on
        Argo CD's clock. `refresh`: once Argo CD has compared it again."""
        query = {**({"refresh": "normal"} if refresh else {}), **self._where}
        path = f"{self._path}{'?' + urlencode(query) if query else ''}"
        answer = await self._ask("GET", path, "the application", "get")
        app = self._read(App, answer, "the application")
        if app.metadata.name != self._settings.app:
            said = f"asked for {self._settings.app}, Argo CD answers {app.metadata.name[:100]!r}"
            raise Refused(self._service, said)
        return app, self._clock(answer)

    async def fresh(self, app: App, now: datetime) -> tuple[App, datetime]:
        """Compared again, or else what is at hand: Argo CD may skip writing an unchanged health down until its next
        round, minutes later. Raises Refused."""
        try:
            async with asyncio.timeout(self.refresh_seconds):
                return await self.look(refresh=True)
        except (TimeoutError, Unavailable):
            return app, now

    def _clock(self, answer: Answer) -> datetime:
        try:
            told = parsedate_to_datetime(answer.headers.get("date", ""))
        except (ValueError, OverflowError):
            return self._now()
        return told if told.tzinfo else told.replace(tzinfo=UTC)

    async def automated(self, automated: Mapping[str, Any] | None, what: str) -> App:
        """Merge into `syncPolicy.automated`; None removes it. Returns the application as it is then. A gateway that
        lets no PATCH through gets the whole spec, read a moment before, by PUT."""
        body = {
            "name": self._settings.app,
            "patch": json.dumps({"spec": {"syncPolicy": {"automated": automated}}}),
            "patchType": "merge",
            **self._where,
        }
        try:
            answer = await self._ask("PATCH", self._path, what, "update", body)
        except Refused as error:
            if error.status not in _NO_PATCH:
                raise
            await self._put_automated(automated, what, error)
            return (await self.look())[0]
        try:
            return self._read(App, answer, "the application")
        except Refused:  # done, and answered with less than the application
            return (await self.look())[0]

    async def _put_automated(self, automated: Mapping[str, Any] | None, what: str, first: Refused) -> None:
        query = f"?{urlencode(self._where)}" if self._where else ""
        told = (await self._ask("GET", f"{self._path}{query}", "the application", "get")).json()
        spec = dict(told.get("spec") or {}) if isinstance(told, dict) else {}
        policy = dict(spec.get("syncPolicy") or {})
        merged = {**(policy.pop("automated", None) or {}), **(automated or {})}
        if automated is not None:
            policy["automated"] = {key: value for key, value in merged.items() if value is not None}
        if not spec:
            raise first
        try:
            await self._ask("PUT", f"{self._path}/spec{query}", what, "update", {**spec, "syncPolicy": policy})
        except Refused as error:
            raise first if error.status in _NO_PATCH else error from None

    async def rollback(self, entry: int, what: str) -> None:
        body = {
            "name": self._settings.app,
            "id": entry,
            "prune": self._settings.prune,
            "dryRun": False,
            **self._where,
        }
        await self._ask("POST", f"{self._path}/rollback", what, "sync", body)

    async def can_i(self, action: str, thing: str) -> str:
        """`yes` or `no`."""
        path = f"/api/v1/account/can-i/applications/{action}/{quote(thing)}"
        return self._read(CanI, await self._ask("GET", path, "the account's rights", "get"), "its rights").value

    async def images(self, app: App, entry: Entry) -> tuple[tuple[str, ...], str | None]:
        """The images of an entry, told from the manifests that Argo CD makes of its revision; or why not. Raises
        nothing: they are nice to know."""
        today = Entry(id=0, source=app.spec.source, sources=app.spec.sources)
        if entry.settings and today.settings and entry.settings != today.settings:
            return (), "the source's settings have changed since"  # and manifests are made with today's
        query: dict[str, Any] = {"revision": entry.parts[0]} if entry.parts else {}
        if len(entry.parts) > 1:
            query = {"revisions": entry.parts, "sourcePositions": range(1, len(entry.parts) + 1)}
        path = f"{self._path}/manifests?{urlencode({**query, **self._where}, doseq=True)}"
        try:
            async with asyncio.timeout(self.manifest_seconds):
                answer = await self._ask("GET", path, "its manifests", "get", limit=_MANIFEST_LIMIT)
        except TimeoutError:
            return (), f"Argo CD did not make its manifests within {self.manifest_seconds:.0f} s"
        except ServiceError as error:
            if isinstance(error, Refused) and error.status == 404:
                return (), "Argo CD has no manifests of it"
            return (), one_line(str(error).removeprefix(f"{self._service}: "), 200)
        try:
            found = images(self._read(Manifests, answer, "its manifests").manifests or ())
        except Refused as error:
            return (), one_line(str(error), 200)
        return found, None if found else "its manifests name none"

    async def commit(self, app: App, entry: Entry | None) -> RevisionMetadata:
        """Author and message of an entry's commit (None: of what runs now), of the first source that is a git
        repository. Raises nothing: it is empty where Argo CD cannot tell in time."""
        what = entry or app.now
        sources = what.sources or (what.source or app.spec.source or {},)
        for index, (commit, source) in enumerate(zip(what.parts, sources, strict=False)):
            if source.get("chart") or str(source.get("repoURL", "")).startswith("oci://"):
                continue
            if commit not in self._commits:
                query = dict(self._where)
                if len(what.parts) > 1:
                    query["sourceIndex"] = str(index)
                    query |= {"versionId": str(entry.id)} if entry is not None else {}
                told = await self._metadata(commit, query)
                if told is None:
                    break
                if len(self._commits) >= _REMEMBERED:
                    self._commits.clear()
                self._commits[commit] = told
            return self._commits[commit]
        return RevisionMetadata()

    async def _metadata(self, commit: str, query: Mapping[str, str]) -> RevisionMetadata | None:
        path = f"{self._path}/revisions/{quote(commit, safe='')}/metadata{'?' + urlencode(query) if query else ''}"
        what = f"the commit {short(commit)}"
        try:
            async with asyncio.timeout(self.commit_seconds):
                return self._read(RevisionMetadata, await self._ask("GET", path, what, "get", limit=1 << 20), what)
        except (ServiceError, TimeoutError):
            return None

    async def _ask(
        self, method: str, path: str, what: str, need: str, body: object = None, limit: int = 16 << 20
    ) -> Answer:
        def words(answer: Answer) -> ServiceError | None:
            return explain(self._service, answer, what, need)

        return await self.http.request(method, path, json=body, explain=words, redirects=1, limit=limit)

    def _read(self, model: type[M], answer: Answer, what: str) -> M:
        try:
            return model.model_validate(answer.json())
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            path = ".".join(str(part) for part in first["loc"])
            why = f"the answer for {what} is not what Argo CD documents: {path[:200]}: {first['msg'].lower()[:200]}"
            raise Refused(self._service, why, answer.status) from None
