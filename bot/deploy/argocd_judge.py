"""Whether a rollback was begun, and what became of it, by how the application stands. Pure.

The plan's marks say how the world stood when it was made: `history` (the newest id, ids only grow) and `operation`
(the newest operation: when Argo CD began with it, and the revision), `sync` (the revision of the comparison).

An answer may be poorer than Argo CD's own (a gateway trims it, or a server speaks a part of the API only): where the
operation is told without its revision and time, the history says what was done, else the revision compared.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.deploy.argocd_plan import short
from bot.deploy.argocd_wire import App, Attempt
from bot.model.release import Plan, Watched


def marks(app: App) -> dict[str, str]:
    newest = app.attempt
    return {"history": str(app.last_id), "operation": newest.mark if newest else "", "sync": _compared(app)}


def _compared(app: App) -> str:
    return (app.status.sync.revision if app.status.sync else None) or ""


def is_told(newest: Attempt | None) -> bool:
    """Whether an operation can be told from others at all."""
    return newest is not None and (newest.started is not None or bool(newest.what.parts))


def is_new(newest: Attempt, plan: Plan) -> bool | None:
    """Whether this operation came after the plan; None where that cannot be told."""
    before = plan.marks.get("operation", "")
    if newest.mark == before:
        return False
    if before.startswith("waiting ") and before.removeprefix("waiting ") == newest.mark.partition(" ")[2]:
        return None  # the one that waited then and is under way now, or another one to the same revision
    return True


def is_target(newest: Attempt, plan: Plan) -> bool:
    return newest.whole and ", ".join(newest.what.parts) == plan.target.revision


def landed(app: App, plan: Plan) -> bool:
    """Whether the history has the target once more than when the plan was made. Where neither history nor operation
    tell anything, the comparison does, if it has gone over to the target since: Argo CD's own would not."""
    last = int(plan.marks.get("history", "-1"))
    if any(entry.id > last and ", ".join(entry.parts) == plan.target.revision for entry in app.history):
        return True
    before = plan.marks.get("sync", plan.target.revision)
    silent = app.last_id == last and not is_told(app.attempt)
    return silent and before != plan.target.revision == _compared(app)


def _overtaken(app: App, newest: Attempt | None, plan: Plan) -> str | None:
    """What came after the rollback, if anything did."""
    if newest is not None and newest.what.parts:
        by = f" by {newest.by}" if newest.by else ""
        return None if is_target(newest, plan) else f"{short(newest.shown)}{by} ({newest.phase or 'waiting'})"
    last = app.history[-1] if app.history else None
    if last is None or app.last_id == int(plan.marks.get("history", "-1")):
        return None
    parts = ", ".join(last.parts)
    return None if parts == plan.target.revision else short(parts)


def begun(app: App, plan: Plan) -> bool | None:
    """True: an operation to the target came after the plan (whoever asked for it). False: none came at all. None:
    one to another revision came; a rollback may have been before it and have failed, which leaves no trace."""
    if landed(app, plan):
        return True
    newest = app.attempt
    if newest is None:
        return False
    if newest.running and not is_told(newest):
        return None  # whose it is cannot be told
    new = is_new(newest, plan)
    if not new:
        return new
    return True if is_target(newest, plan) else None


def judge(app: App, plan: Plan, now: datetime, settle: timedelta) -> Watched:
    """What became of the rollback. `now` is Argo CD's clock; `settle`: how long an application may be anything but
    healthy, after the operation has ended or since it became so, before that counts."""
    target, newest = short(plan.target.revision), app.attempt
    new = is_new(newest, plan) if newest is not None else False
    if newest is not None and newest.running and not is_told(newest):
        return Watched(state="running", words="an operation is under way; Argo CD does not tell to what")
    if new is False and not landed(app, plan):
        words = f"Argo CD tells of no operation to {target} since the plan was made"
        return Watched(state="unclear", words=words)
    if other := _overtaken(app, newest, plan):
        return Watched(state="unclear", words=f"another operation came after it: {other}")
    if newest is not None and (judged := _by_phase(newest, target)) is not None:
        return judged
    if app.auto:
        words = f"{target} was deployed, but auto-sync is on again: Argo CD deploys what git says"
        return Watched(state="unclear", words=words)
    if stale(app):
        words = f"{target} was deployed; Argo CD has not looked at its health since"
        return Watched(state="running", words=words)
    return _by_health(app, newest, target, now, settle)


def _by_phase(newest: Attempt, target: str) -> Watched | None:
    """None: the operation succeeded, so the health counts."""
    said = f": {newest.message}" if newest.message else ""
    if newest.running:
        phase = {"": "waits to be taken up", "Terminating": "is being stopped"}.get(newest.phase, "runs")
        return Watched(state="running", words=f"the operation to {target} {phase}{said}")
    if newest.failed:
        return Watched(state="worse", words=f"the operation to {target} failed{said}")
    if newest.phase != "Succeeded":
        return Watched(state="unclear", words=f"the operation to {target} is {newest.phase[:60]!r}{said}")
    return None


def stale(app: App) -> bool:
    """Whether the health told is of before the operation's end (as `argocd app wait` has it)."""
    newest, seen = app.attempt, app.status.reconciledAt
    return newest is not None and newest.finished is not None and seen is not None and seen < newest.finished


def _by_health(app: App, newest: Attempt | None, target: str, now: datetime, settle: timedelta) -> Watched:
    note = f": {app.health_note}" if app.health_note else ""
    words = f"{target} is deployed and {app.health}{note}"
    if app.health == "healthy":
        return Watched(state="good", words=words)
    changed = app.status.health.lastTransitionTime if app.status.health else None
    finished = newest.finished if newest is not None else None
    since = max((t for t in (finished, changed) if t is not None), default=None)
    if app.health == "progressing" or (since is not None and now - since < settle):
        return Watched(state="running", words=words)
    return Watched(state="worse" if app.health == "degraded" else "unclear", words=words)
