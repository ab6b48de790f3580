"""Cases about a release: what a deploy system says, or what a person asks to roll back.

Such a case is keyed by the deploys entry, the application and the release that runs now; it has no log and no findings,
but a release, the plan of a rollback, and the same requests, approvals and outcome as any other case.
"""

import asyncio
import re
from typing import Any

from dbos import DBOS

from bot.model.build import Build, CaseKey
from bot.model.case import Case, MessageRef
from bot.model.errors import Refused, ServiceError
from bot.model.release import Plan, Release
from bot.ports import Deploy
from bot.workflow.context import Context, current, insist
from bot.workflow.crash import point
from bot.workflow.offers import mint
from bot.workflow.reply import show

_PLAN_SECONDS = 8  # an offer must not hold up the answer about the build
_RELEASING = re.compile(r"deploy|releas|roll.?out|promot|ship|go.?live|部署|发布|上线", re.I)


async def rollbacks(context: Context, case: Case) -> dict[str, Plan]:
    """The rollbacks that make sense under a failed run: those of the applications that its repository is released to,
    where the run was a release. Best effort: a deploy system that does not answer must not hold up the answer."""
    build = case.build
    if build is None:
        return {}
    wanted = [d for d in context.deploys.values() if _releases(build, d)]

    async def one(deploy: Deploy) -> tuple[str, Plan] | None:
        try:
            return deploy.name, await asyncio.wait_for(deploy.plan(), _PLAN_SECONDS)
        except (ServiceError, TimeoutError) as error:
            context.log.info("no rollback is offered", deploy=deploy.name, case=case.id, why=str(error))
            return None

    return dict(found for found in await asyncio.gather(*(one(d) for d in wanted)) if found is not None)


def _releases(build: Build, deploy: Deploy) -> bool:
    """Whether a run is a release to this application: by its environment where the CI tells it, else by its words."""
    if build.key.repository.lower() not in {r.lower() for r in deploy.repositories}:
        return False
    if build.environment is not None:
        return build.environment.lower() == deploy.environment.lower()
    if build.event in ("deployment", "deployment_status", "release"):
        return True
    words = [build.title, *(w for j in build.failed_jobs for w in (j.name, j.failed_step or ""))]
    environment = re.compile(rf"\b{re.escape(deploy.environment)}\b", re.I)  # a job called “production” is one too
    return any(_RELEASING.search(w) or environment.search(w) for w in words)


async def open_release(
    context: Context, deploy: Deploy, release: Release | None, plan: Plan | None, **fields: Any
) -> tuple[Case, bool]:
    """The case of what runs now, made if it is new. `fields` are the Case's own (channel, thread, notice, asked_by)."""
    stands = release.current if release else plan.current if plan else None
    assert stands is not None, "a release or a plan is needed"
    run = re.sub(r"[^\w.-]+", "-", f"{stands.id}.{stands.revision[:12]}")
    key = CaseKey(ci=deploy.name, repository=deploy.app, run=run, attempt=1)
    now = context.now()
    fresh = Case(key=key, state="new", opened=now, updated=now, release=release, **fields)
    case, made = context.store.open_case(fresh)
    point("case.opened")
    return case, made


async def watch_release(context: Context, deploy: Deploy, notice: MessageRef | None, why: str) -> str:
    """A deploy system says that a release failed. Returns what was done, for the log. Raises Unavailable."""
    try:
        release = await deploy.release()
    except Refused as error:
        return f"{deploy.name} refuses us: {error}"
    if release.failed is None and release.health not in ("degraded", "missing"):
        return f"{deploy.name} says that {release.app} is {release.health}: {why}"
    fields = {"channel": notice.channel, "thread": notice.ts, "notice": notice} if notice else {}
    case, made = await open_release(context, deploy, release, None, **fields)
    await context.engine.start(follow, f"release:{case.id}", case.id)
    return f"{'opened' if made else 'known'}: {case.id}"


@DBOS.workflow(name="release")
async def follow(case_id: str) -> str:
    """Say what failed, and offer the way back. Returns the case's state."""
    try:
        await insist("look", _look, case_id)
    except Exception:
        current().log.exception("release case failed", case=case_id)
        await insist("stuck", _stuck, case_id)
    await insist("show", show, case_id)
    return "diagnosed"


async def _look(case_id: str) -> str:
    context = current()
    case = context.store.get_case(case_id)
    if case is None or case.key.ci not in context.deploys:
        return "gone"
    deploy = context.deploys[case.key.ci]
    offers: dict[str, Plan] = {}
    trouble = None
    try:
        plan = await deploy.plan()
        offers[deploy.name] = plan
    except Refused as error:
        trouble = f"No rollback can be offered: {error}"
    release = await deploy.release()
    point("release.looked")

    def put(stands: Case) -> Case:
        changed = stands.model_copy(
            update={"release": release, "offers": offers, "trouble": trouble, "updated": context.now()}
        )
        if changed.state == "new":
            changed = changed.model_copy(update={"state": "diagnosed"})
        if changed.action is not None:
            return changed
        return changed.model_copy(update={"buttons": mint(context, changed)})

    with context.store.atomic():
        context.store.change_case(case_id, put)
    return "diagnosed"


async def _stuck(case_id: str) -> str:
    context = current()
    trouble = "buildmedic itself failed here; its log has the details."
    context.store.change_case(case_id, lambda c: c.model_copy(update={"state": "stuck", "trouble": trouble}))
    return "stuck"


async def prepare(context: Context, deploy: Deploy, plan: Plan, **fields: Any) -> Case:
    """The case in which a rollback that a person asks for is decided, ready for the request. The plan it was asked with
    is the one that is offered."""
    case, _ = await open_release(context, deploy, None, plan, **fields)

    def put(stands: Case) -> Case:
        if stands.action is not None and stands.action.state in ("waiting", "approved", "sending"):
            return stands
        offers = {**stands.offers, deploy.name: plan}
        state = "diagnosed" if stands.state == "new" else stands.state
        return stands.model_copy(update={"offers": offers, "state": state, "updated": context.now()})

    return context.store.change_case(case.id, put)
