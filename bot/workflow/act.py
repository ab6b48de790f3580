"""The durable order of an action: intent, request, watch, verdict. What it does is in `deeds`.

Intent stands in the store before the request leaves. If the process dies around the request, the other side is asked
whether it happened; only a definite "no" leads to sending again, and "cannot tell" goes to a person.
"""

import asyncio

from dbos import DBOS

from bot.model.case import Action, ActionState, Case, CaseState
from bot.model.errors import Moved, Refused, Unavailable
from bot.workflow.context import Context, current, insist, unix
from bot.workflow.crash import point
from bot.workflow.deeds import DEEDS, Seen
from bot.workflow.engine import wait
from bot.workflow.offers import mint
from bot.workflow.reply import refresh, show

_SHOWN: dict[ActionState, CaseState] = {
    "sending": "acting", "sent": "watching", "failed": "diagnosed", "lapsed": "diagnosed", "unknown": "inconclusive",
}  # fmt: skip


@DBOS.workflow(name="act")
async def act(case_id: str) -> str:
    """Do what was decided for a case, once, and see whether it helped. Returns the case's last state.

    Nothing is shown before the request has left: Slack being down must not hold up what people have approved."""
    try:
        return await _act(case_id)
    except Exception:  # our own fault: a person has to look, and is told so
        current().log.exception("action failed", case=case_id)
        await insist("failed", _settle, case_id, "inconclusive", "buildmedic itself failed here: a person has to look.")
        await insist("show", show, case_id)
        return "inconclusive"


async def _act(case_id: str) -> str:
    pace = current().pace
    given_up = (await insist("now", _now)) + pace.send_limit
    tries = 0
    while (sent := await insist("send", _send, case_id)) == "again":
        if await insist("now", _now) > given_up:
            sent = await insist("give-up", _give_up, case_id)
            break
        await DBOS.sleep_async(min(30.0, pace.log_first * 2**tries))
        tries += 1
    await insist("show", show, case_id)
    if sent != "sent":
        return str(sent)
    poll, limit = await insist("patience", _patience, case_id)
    deadline = (await insist("now", _now)) + limit
    while True:
        state, words = await insist("watch", _watch, case_id)
        if state is not None:
            break
        if await insist("now", _now) > deadline:
            state, words = "inconclusive", words or "It told nothing in time: a person has to look."
            break
        await wait(poll)
    await insist("settle", _settle, case_id, state, words)
    await insist("show", show, case_id)
    return str(state)


async def _now() -> float:
    return unix()


async def _patience(case_id: str) -> list[float]:
    _, action = _standing(case_id)
    return list(DEEDS[action.kind].patience(current().pace))


async def _send(case_id: str) -> str:
    """One request at most. Returns the action's state, or again where it certainly did not happen."""
    context = current()
    case, action = _standing(case_id)
    deed = DEEDS[action.kind]
    if action.state == "sending":
        happened = await deed.happened(context, case, action)
        if happened is False and not deed.repeatable:
            await asyncio.sleep(context.pace.doubt)
            happened = await deed.happened(context, case, action)
        if happened:
            return _record(context, case, action, "sent", "asked for before a break of ours; it did arrive")
        if happened is None:
            why = "It broke off while we asked, and nobody can say whether it arrived."
            return _record(context, case, action, "unknown", why)
    elif action.state != "approved":
        return action.state
    if context.store.get_flag("paused") is not None:
        why = "actions were paused before it was sent (/medic status tells by whom): nothing was done"
        return _record(context, case, action, "failed", why)
    if not _claim(context, case, action):
        return "again"  # it changed under our hands: look anew
    point("act.after-intent")
    try:
        said = await deed.send(context, case, action)
    except Moved as error:
        return _record(context, case, action, "lapsed", f"{error}. Nothing was done: ask again.")
    except Refused as error:
        return _record(context, case, action, "failed", str(error))
    except Unavailable as error:
        context.services.down(error)
        await _say(context, case.id, action.id, f"{error}. Trying on.")
        return "again"
    point("act.after-request")
    return _record(context, case, action, "sent", said)


async def _say(context: Context, case_id: str, action_id: str, words: str) -> None:
    """Something about an action under way, without waiting for Slack."""

    def put(stands: Case) -> Case:
        if stands.action is None or stands.action.id != action_id:
            return stands
        return stands.model_copy(update={"action": stands.action.model_copy(update={"detail": words})})

    context.store.change_case(case_id, put)
    await context.engine.start(refresh, f"show:{action_id}:trying", case_id)


def _standing(case_id: str) -> tuple[Case, Action]:
    case = current().store.get_case(case_id)
    assert case is not None
    assert case.action is not None
    return case, case.action


def _claim(context: Context, case: Case, action: Action) -> bool:
    """Write the intent; False where the action is not the one that was looked at any more (compare and swap)."""
    point("act.before-intent")
    claimed: list[bool] = []

    def intend(stands: Case) -> Case:
        same = stands.action is not None and (stands.action.id, stands.action.state) == (action.id, action.state)
        claimed.append(same)
        if not same or action.state == "sending":
            return stands
        context.store.audit("buildmedic", f"{action.kind} intended", case.id, {"action": action.id}, unix())
        sending = action.model_copy(update={"state": "sending"})
        return stands.model_copy(update={"action": sending, "state": "acting", "updated": context.now()})

    with context.store.atomic():
        context.store.change_case(case.id, intend)
    return claimed[0]


async def _give_up(case_id: str) -> str:
    """Tried for long enough. What was asked for last may have arrived all the same, so the other side has the word."""
    context = current()
    case, action = _standing(case_id)
    happened = await DEEDS[action.kind].happened(context, case, action) if action.state == "sending" else False
    if happened:
        return _record(context, case, action, "sent", "its answer was lost; it did arrive")
    if happened is None:
        return _record(context, case, action, "unknown", "It got no answer, and nobody can say whether it arrived.")
    return _record(context, case, action, "failed", "it could not be reached; nothing was done")


def _record(context: Context, case: Case, action: Action, state: ActionState, detail: str | None) -> str:
    """The action's new state, with its line in the audit log, as one transaction. Repeating it changes nothing."""
    attempt = case.key.attempt + 1 if state == "sent" and action.kind == "rerun" else None
    after = action.model_copy(update={"state": state, "detail": detail, "new_attempt": attempt})

    def put(stands: Case) -> Case:
        if stands.action is None or stands.action.id != action.id or stands.action == after:
            return stands
        told = {"action": action.id, "detail": detail}
        context.store.audit("buildmedic", f"{action.kind} {state}", case.id, told, unix())
        changed = stands.model_copy(update={"action": after, "state": _SHOWN[state], "updated": context.now()})
        return changed.model_copy(update={"buttons": mint(context, changed)})

    with context.store.atomic():
        context.store.change_case(case.id, put)
    point("act.recorded")
    return state


async def _watch(case_id: str) -> list[str | None]:
    """How it stands: the state that it ended in (None: not yet), and words."""
    case, action = _standing(case_id)
    try:
        seen: Seen = await DEEDS[action.kind].look(current(), case, action)
    except Refused as error:
        return ["inconclusive", f"It was sent, and cannot be watched: {error}"]
    if seen.state is not None:
        point("act.watched")
    return [seen.state, seen.words]


async def _settle(case_id: str, state: CaseState, outcome: str | None) -> str:
    context = current()

    def end(case: Case) -> Case:
        if case.state == state and case.outcome == outcome:
            return case
        kind = case.action.kind if case.action else "action"
        context.store.audit("buildmedic", f"{kind} outcome {state}", case.id, {"outcome": outcome}, unix())
        ended = case.model_copy(update={"state": state, "outcome": outcome, "updated": context.now()})
        return ended.model_copy(update={"buttons": mint(context, ended)})

    with context.store.atomic():
        context.store.change_case(case_id, end)
    point("act.settled")
    return state
