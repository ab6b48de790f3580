"""The one reply of a case: where it goes, posted once, then kept up to date."""

import asyncio
from weakref import WeakValueDictionary

from dbos import DBOS

from bot.model.build import CaseKey, RunRef
from bot.model.case import Case, MessageRef
from bot.model.errors import Refused
from bot.workflow.context import Context, current, insist
from bot.workflow.crash import point


def place(context: Context, case: Case) -> Case:
    """Where the reply goes: under the CI's notice, else in the thread of the attempt before, else the CI's channel."""
    if case.reply is not None or case.posting:
        return case
    notice = case.notice or context.store.notice_of(run_key(case.key))
    if notice is not None:
        return case.model_copy(update={"notice": notice, "channel": notice.channel, "thread": notice.ts})
    before = context.store.get_case(case.previous) if case.previous else None
    if before is not None and before.reply is not None:
        thread = before.thread or before.reply.ts
        return case.model_copy(update={"channel": before.reply.channel, "thread": thread})
    if case.channel is not None:
        return case
    source = context.cis.get(case.key.ci) or context.deploys.get(case.key.ci)
    return case.model_copy(update={"channel": source.channel if source else None})


def run_key(run: CaseKey | RunRef) -> str:
    """What notices of a run are known by. People type repositories in any case."""
    return f"{run.ci}:{run.repository.lower()}:{run.run}"


@DBOS.workflow(name="refresh")
async def refresh(case_id: str) -> str:
    """Bring the message up to date, however long Slack is down."""
    await insist("show", show, case_id)
    return "shown"


_locks: "WeakValueDictionary[str, asyncio.Lock]" = WeakValueDictionary()


async def show(case_id: str) -> bool:
    """Bring Slack in line with the case. Safe to repeat; after a crash the message is looked for, not posted twice.

    Raises Unavailable while Slack is down. A refusal (not in the channel, missing scope) is logged and kept in the
    case, where `/medic status` shows it; the work goes on. Returns whether the message stands.
    """
    # one at a time for a case: a slower older update must not overtake a newer one, nor two first posts meet
    async with _locks.setdefault(case_id, asyncio.Lock()):
        return await _show(case_id)


async def _look_for(context: Context, case: Case) -> MessageRef | None:
    """Our message, if it got through before a crash. Where we may not read the channel, nobody can know: a second
    message is then the lesser evil to none."""
    try:
        return await context.chat.find(case.id, channel=case.channel or "", thread=case.thread)
    except Refused as error:
        context.log.warning("cannot look whether it was posted: posting it", case=case.id, why=str(error))
        return None


async def _show(case_id: str) -> bool:
    context = current()
    case = context.store.change_case(case_id, lambda c: place(context, c))
    if case.channel is None:
        context.log.warning(
            "nowhere to reply: no notice was seen, and this ci entry has no `channel`",
            case=case_id,
            ci=case.key.ci,
        )
        return False
    try:
        if case.reply is not None:
            await context.chat.update(case, case.reply)
            return True
        found = None
        if case.posting:
            found = await _look_for(context, case)
        else:
            case = context.store.change_case(case_id, lambda c: c.model_copy(update={"posting": True}))
        point("reply.before-post")
        reply = found or await context.chat.show(case, channel=case.channel or "", thread=case.thread)
        point("reply.after-post")
        context.store.change_case(case_id, lambda c: c.model_copy(update={"reply": c.reply or reply}))
        if found is not None:
            await context.chat.update(case, found)
    except Refused as error:
        context.log.error("Slack refused the reply", case=case_id, channel=case.channel, why=str(error))
        trouble = str(error)
        context.store.change_case(case_id, lambda c: c.model_copy(update={"trouble": trouble}))
        return False
    return True
