"""Argo CD. One entry of the configuration is one application.

Facts: Argo CD's published swagger description and its server's source. What the account needs: `applications, get`
to look, `sync` to roll back, `update` to switch auto-sync off and on (deploy/argocd-rbac.csv).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.deploy import argocd_hook, argocd_judge, argocd_links, register
from bot.deploy.argocd_api import Api
from bot.deploy.argocd_check import check as check_service
from bot.deploy.argocd_plan import choose, short
from bot.deploy.argocd_settings import ArgocdSettings
from bot.deploy.argocd_wire import App, Entry, one_line
from bot.deploy.argocd_words import AUTO_SYNC
from bot.model.errors import Moved, Refused
from bot.model.release import DeployEvent, Plan, Release, Revision, Watched
from bot.outbound import Outbound
from bot.ports import Check

_KEYS = ("enabled", "prune", "selfHeal", "allowEmpty")  # of SyncPolicyAutomated
_IMAGES = 50


@register("argocd", ArgocdSettings)
class Argocd:
    """`bot.ports.Deploy` for one application of Argo CD. `http` and `now` are for tests."""

    kind = "argocd"

    def __init__(
        self,
        settings: ArgocdSettings,
        http: Outbound | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name, self.app, self.environment = settings.name, settings.app, settings.environment
        self.repositories, self.channel = settings.repositories, settings.channel
        self._settings, self._api = settings, Api(settings, http, now)
        self._namespace = settings.app_namespace  # learned from the first answer, if it is not configured

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> DeployEvent:
        """See `bot.ports.Deploy`. The payload is ours: deploy/argocd-notifications.yaml defines it."""
        secret = self._settings.webhook_secret
        token = secret.get_secret_value() if secret else None
        return argocd_hook.read(self.name, token, self.app, self._settings.app_namespace, headers, body)

    def recognise(self, url: str) -> bool:
        return argocd_links.leads_to(url, self._settings.web, self.app, self._namespace)

    # reading

    async def release(self) -> Release:
        """See `bot.ports.Deploy`. `current` is what Argo CD was last told to run, also where that failed or is under
        way (see `argocd_wire.App.now`): its id is empty then."""
        app = await self._look()
        if not app.history and app.undelivered is None:
            raise Refused(self.name, f"{self.app} has no history: Argo CD never deployed it")
        current = await self._current(app)
        older = [entry.noun() for entry in reversed(app.history) if str(entry.id) != current.id]
        newest = app.attempt
        failed = newest is not None and newest.whole and newest.failed
        return Release(
            deploy=self.name,
            app=self.app,
            environment=self.environment,
            current=current,
            health=app.health,
            health_note=app.health_note,
            busy=_busy(app),
            failed=f"{newest.phase}: {newest.message}" if newest is not None and failed else None,
            automatic=_automatic(app),
            history=(current, *older),
            url=self._url,
        )

    async def plan(self, revision: str | None = None) -> Plan:
        """See `bot.ports.Deploy`; `argocd_plan.choose` says which entry is taken."""
        app = await self._look()
        entry = choose(self.name, app, revision)
        (images, lost), current, target = await asyncio.gather(
            self._api.images(app, entry), self._current(app), self._told(app, entry, entry.noun())
        )
        return Plan(
            deploy=self.name,
            app=self.app,
            environment=self.environment,
            current=current,
            target=target.model_copy(update={"images": images}),
            health=app.health,
            automatic=_automatic(app),
            warnings=tuple(_warnings(app, entry, lost)),
            url=self._url,
            marks=argocd_judge.marks(app),
            undo={"automated": _note(app)} if app.auto else {},
        )

    async def _current(self, app: App) -> Revision:
        live = tuple(sorted((app.status.summary.images or ()) if app.status.summary else ()))[:_IMAGES]
        current = app.current().model_copy(update={"images": live})
        entry = next((e for e in app.history if str(e.id) == current.id), None)
        return await self._told(app, entry, current)

    async def _told(self, app: App, entry: Entry | None, revision: Revision) -> Revision:
        commit = await self._api.commit(app, entry)
        first = (commit.message or "").strip().partition("\n")[0]
        return revision.model_copy(
            update={"author": one_line(commit.author) or None, "message": one_line(first) or None}
        )

    async def _look(self) -> App:
        app, _ = await self._api.look()
        self._namespace = self._namespace or app.metadata.namespace
        return app

    @property
    def _url(self) -> str:
        inside = f"{quote(self._namespace)}/" if self._namespace else ""
        return f"{self._settings.web}/applications/{inside}{quote(self.app)}"

    # acting

    async def rollback(self, plan: Plan) -> None:
        """See `bot.ports.Deploy`. Looks first: where the world has moved since the plan was made, what people agreed
        to is not what would be done, and it is refused. Auto-sync that was switched off already (by a call that a
        crash cut short) is left so. Where the rollback itself is refused, auto-sync stays off until `restore`."""
        app = await self._look()
        self._unmoved(app, plan)
        if app.auto:
            await self._switch_off()
        try:
            await self._begin(plan)
        except Refused as error:
            await self._refused(error, plan)

    def _unmoved(self, app: App, plan: Plan) -> None:
        """Raises Moved, or Refused, unless the application stands as it did when the plan was made."""
        if (plan.deploy, plan.app) != (self.name, self.app):
            raise Refused(self.name, f"the plan is for {plan.app} of {plan.deploy}")
        if busy := _busy(app):
            raise Refused(self.name, f"{busy}: wait for it, or stop it in Argo CD", 409)
        if argocd_judge.begun(app, plan) is not False or str(app.last_id) != plan.marks.get("history"):
            newest = app.attempt
            told = newest is not None and bool(newest.what.parts)
            what = short(newest.shown if newest is not None and told else app.current().revision)
            raise Moved(self.name, f"the world has moved since the plan was made ({what} came): plan again", 409)
        entry = next((e for e in app.history if str(e.id) == plan.target.id), None)
        if entry is None or ", ".join(entry.parts) != plan.target.revision:
            raise Moved(self.name, f"the history has no entry {plan.target.id} with the planned revision any more")
        if app.auto and _note(app) != plan.undo.get("automated"):
            raise Moved(self.name, "auto-sync was switched on or changed since the plan was made: plan again", 409)

    async def _switch_off(self) -> None:
        """`enabled: false` leaves its other settings as they are (argo-cd #25719). An older Argo CD drops that
        word: then `automated` is removed as a whole, and `restore` puts it back from the plan's notes."""
        for automated in ({"enabled": False}, None):
            app = await self._api.automated(automated, "switching auto-sync off")
            if not app.auto:
                return
        raise Refused(self.name, f"auto-sync cannot be switched off: it is on again at once{_whose(app)}", 409)

    async def _begin(self, plan: Plan) -> None:
        await self._api.rollback(int(plan.target.id), f"the rollback to {short(plan.target.revision)}")

    async def _refused(self, error: Refused, plan: Plan) -> None:
        """What to do about a rollback that was refused: nothing, unless it is an Argo CD that looks only at whether
        `automated` is there, whatever `enabled` in it says. Then it is removed, and the rollback is asked once more."""
        if AUTO_SYNC not in str(error).lower():
            stays = "; auto-sync is off and stays off until it is put back" if plan.undo else ""
            raise Refused(self.name, f"{str(error).partition(': ')[2]}{stays}", error.status) from None
        app = await self._look()
        if app.auto or app.automated is None:
            words = f"auto-sync came back on before the rollback{_whose(app)}: it has to be switched off there"
            raise Refused(self.name, words, error.status) from None
        await self._api.automated(None, "removing auto-sync")
        await self._begin(plan)

    async def did_rollback(self, plan: Plan) -> bool | None:
        """See `bot.ports.Deploy` and `argocd_judge.begun`. A request that is still on its way cannot be seen: after a
        broken connection, wait a moment before you believe a False. None also where Argo CD refuses to tell. Raises
        Unavailable."""
        try:
            app = await self._look()
        except Refused:
            return None
        return argocd_judge.begun(app, plan)

    async def watch(self, plan: Plan) -> Watched:
        """See `bot.ports.Deploy` and `argocd_judge.judge`. Raises Refused, Unavailable."""
        app, now = await self._api.look()
        if argocd_judge.stale(app):
            app, now = await self._api.fresh(app, now)
        return argocd_judge.judge(app, plan, now, timedelta(seconds=self._settings.settle))

    async def restore(self, plan: Plan) -> str | None:
        """See `bot.ports.Deploy`. Settings that were left out then are left out again."""
        if "automated" not in plan.undo:
            return None
        before: dict[str, Any] = json.loads(plan.undo["automated"])
        app = await self._look()
        if app.automated != before:
            gone = dict.fromkeys(key for key in (*_KEYS, *(app.automated or {})) if key not in before)
            app = await self._api.automated({**gone, **before}, "switching auto-sync on again")
            if not app.auto:
                raise Refused(self.name, "auto-sync cannot be switched on again: Argo CD took the change and lost it")
        on = _automatic(app) or "auto-sync"
        return f"{on} is on again: Argo CD deploys what git says, also if that is the revision that was left"

    async def check(self) -> Sequence[Check]:
        return await check_service(self._api, self._settings)

    async def close(self) -> None:
        await self._api.http.close()


def _note(app: App) -> str:
    return json.dumps(app.automated, sort_keys=True)


def _busy(app: App) -> str | None:
    newest = app.attempt
    if newest is None or not newest.running:
        return None
    by = f" by {newest.by}" if newest.by else ""
    return f"an operation to {short(newest.shown)}{by} is under way"


def _automatic(app: App) -> str | None:
    if not app.auto:
        return None
    also = [word for key, word in (("prune", "prune"), ("selfHeal", "self-heal")) if (app.automated or {}).get(key)]
    return f"auto-sync{' with ' + ' and '.join(also) if also else ''}"


def _whose(app: App) -> str:
    """For the end of a sentence about auto-sync that came back."""
    return f" ({' and '.join(app.keepers)} manages this application)" if app.keepers else ""


def _warnings(app: App, entry: Entry, lost: str | None) -> list[str]:
    """What the people who approve should know."""
    said = []
    if busy := _busy(app):
        said.append(f"{busy}: Argo CD rolls nothing back before that has ended")
    if lost:
        said.append(f"the images of the target cannot be told: {lost}")
    if entry.parts == app.now.parts:
        said.append("both are the same revision: they differ in the source's settings (parameters, images, path)")
    if app.auto:
        said.append("git still says what runs now: revert it there too, or it comes back with auto-sync")
        said += [f"{keeper} manages this application and may switch auto-sync on again" for keeper in app.keepers]
    return said
