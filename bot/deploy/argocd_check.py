"""`config check` for Argo CD: whether the application is there, and what the account may do to it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.deploy.argocd_api import Api
from bot.deploy.argocd_settings import ArgocdSettings
from bot.deploy.argocd_wire import App
from bot.model.errors import ServiceError
from bot.ports import Check


async def check(api: Api, settings: ArgocdSettings) -> Sequence[Check]:
    """Never raises: what does not work is a line."""
    name = settings.name
    try:
        app, _ = await api.look()
    except ServiceError as error:
        return [Check(what=f"{name}: {settings.app}", ok=False, detail=str(error)), _secret(settings)]
    sync = app.status.sync.status if app.status.sync else None
    auto = "on" if app.auto else "off"
    detail = f"{app.health}, {sync or 'not compared'}, auto-sync {auto}, {len(app.history)} entries in its history"
    return [
        Check(what=f"{name}: {settings.app}", ok=True, detail=detail),
        await _may(api, app, settings, "sync", "to roll back"),
        await _may(api, app, settings, "update", "to switch auto-sync off for it and on again"),
        _secret(settings),
    ]


async def _may(api: Api, app: App, settings: ArgocdSettings, action: str, why: str) -> Check:
    """`update` is only needed where auto-sync is on."""
    inside = f"{settings.app_namespace}/" if settings.app_namespace else ""
    what, thing = f"{settings.name}: may {action}", f"{app.spec.project}/{inside}{settings.app}"
    try:
        told = await api.can_i(action, thing)
    except ServiceError:
        return Check(what=what, ok=True, detail=f"Argo CD does not tell; needed {why}")
    if told == "yes":
        return Check(what=what, ok=True, detail=f"yes, {why}")
    needed = action != "update" or app.auto
    spare = "" if needed else " (auto-sync is off: not needed now)"
    line = f"p, ACCOUNT, applications, {action}, {thing}, allow"
    return Check(what=what, ok=not needed, detail=f"no; needed {why}{spare}: add `{line}` to its policy")


def _secret(settings: ArgocdSettings) -> Check:
    detail = "set" if settings.webhook_secret else "not set: webhooks are refused, failures are seen only through Slack"
    return Check(what=f"{settings.name}: webhook_secret", ok=True, detail=detail)
