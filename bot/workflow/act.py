"""The durable order of a re-run: intent, request, watch, verdict.

Intent stands in the store before the request leaves. If the process dies around the request, the CI is asked whether
a new attempt exists; only a definite "no" leads to sending again, and "cannot tell" goes to a person.
"""

from typing import Any

from dbos import DBOS

from bot.model.build import FAILED, Build, RunRef
from bot.model.case import Action, Case, CaseState
from bot.model.errors import Refused, Unavailable
from bot.workflow.context import current, insist, unix
from bot.workflow.engine import wait
from bot.workflow.reply import show
from bot.workflow.triage import TRIAGE_STATES

_SEND_TRIES = 6


@DBOS.workflow(name="rerun")
async def rerun(case_id: str) -> str:
    """Re-run the failed jobs of a case's run, once, and see whether it helped. Returns the case's last state."""
    try:
        return await _rerun(case_id)
    except Exception:  # our own fault: a person has to look, and is told so
        current().log.exception("re-run failed", case=case_id)
        await insist("failed", _settle, case_id, "inconclusive", "buildmedic itself failed here: a person has to look.")
        await insist("show", show, case_id)
        return "inconclusive"


async def _rerun(case_id: str) -> str:
    pace = current().pace
    await insist("show", show, case_id)
    for _ in range(_SEND_TRIES):
        sent = await insist("send", _send, case_id)
        if sent != "again":
            break
        await DBOS.sleep_async(pace.log_first)
    else:
        sent = await insist("give-up", _fail, case_id, "the CI could not be reached; nothing was re-run")
    await insist("show", show, case_id)
    if sent != "sent":
        return str(sent)
    deadline = (await insist("now", _now)) + pace.watch_limit
    while True:
        state = await insist("watch", _watch, case_id)
        if state != "running":
            break
        if await insist("now", _now) > deadline:
            state = await insist("late", _settle, case_id, "inconclusive", "The new attempt told nothing in time.")
            break
        await wait(pace.watch_poll)
    await insist("show", show, case_id)
    return str(state)


async def _now() -> float:
    return unix()


async def _send(case_id: str) -> str:
    """One request at most. Returns sent, failed, unknown, or again where it certainly did not happen."""
    context = current()
    case = context.store.get_case(case_id)
    if case is None or case.action is None or case.build is None:
        return "failed"
    ci, before = context.cis[case.key.ci], case.action
    if before.state == "sending":
        happened = await ci.did_rerun(case.build)
        if happened:
            return _record(case, before, "sent", "asked for before a restart of the bot; the new attempt exists")
        if happened is None:
            return _record(
                case, before, "unknown", "The bot stopped while asking, and the CI cannot say whether it did."
            )
    elif before.state != "approved":
        return before.state
    _record(case, before, "sending", None)
    try:
        await ci.rerun(case.build)
    except Refused as error:
        return _record(case, before, "failed", str(error))
    except Unavailable as error:
        context.log.warning("re-run request failed, asking whether it happened", case=case_id, why=str(error))
        return "again"
    return _record(case, before, "sent", None)


async def _fail(case_id: str, why: str) -> str:
    case = current().store.get_case(case_id)
    assert case is not None
    assert case.action is not None
    return _record(case, case.action, "failed", why)


def _record(case: Case, action: Action, state: Any, detail: str | None) -> str:
    context = current()
    shown: dict[str, CaseState] = {
        "sending": "acting", "sent": "watching", "failed": "diagnosed", "unknown": "inconclusive",
    }  # fmt: skip
    after = action.model_copy(
        update={
            "state": state,
            "detail": detail,
            "new_attempt": case.key.attempt + 1 if state == "sent" else None,
        }
    )
    if state != "sending" or action.state != "sending":
        context.store.audit(action.requested_by, f"rerun {state}", case.id, {"detail": detail}, unix())
    context.store.change_case(
        case.id,
        lambda c: c.model_copy(update={"action": after, "state": shown[state], "updated": context.now()}),
    )
    return str(state)


async def _watch(case_id: str) -> str:
    """How the new attempt stands."""
    context = current()
    case = context.store.get_case(case_id)
    assert case is not None
    attempt = case.key.attempt + 1
    ref = RunRef(ci=case.key.ci, repository=case.key.repository, run=case.key.run, attempt=attempt)
    try:
        build = await context.cis[case.key.ci].build(ref)
    except Refused:
        return "running"  # not there yet: the CI makes the attempt a moment after it said yes
    if build.key.attempt < attempt or not build.finished:
        return "running"
    if build.failed_jobs or build.outcome in FAILED:
        return await _compare(case, build)
    if build.outcome == "success":
        return await _settle(case_id, "recovered", None)
    return await _settle(case_id, "inconclusive", f"The new attempt ended as “{build.outcome}”: a person has to look.")


async def _compare(case: Case, build: Build) -> str:
    """The new attempt failed: is it the same again? Its own triage tells, in its own case."""
    from bot.workflow.desk import open_case

    context = current()
    after, _ = await open_case(context, build)
    if after.state in TRIAGE_STATES:
        return "running"
    if after.state == "stuck" or not after.findings:
        return await _settle(case.id, "inconclusive", "It failed again, and its log could not be read.")
    now, then = set(after.causes), set(case.causes)
    if "unknown" in now | then:
        return await _settle(
            case.id, "inconclusive", "It failed again; the log does not tell whether for the same cause."
        )
    if now & then:
        return await _settle(case.id, "same-cause", None)
    return await _settle(case.id, "other-cause", None)


async def _settle(case_id: str, state: CaseState, outcome: str | None) -> str:
    context = current()
    case = context.store.change_case(
        case_id, lambda c: c.model_copy(update={"state": state, "outcome": outcome, "updated": context.now()})
    )
    context.store.audit("buildmedic", f"rerun outcome {state}", case.id, {"outcome": outcome}, unix())
    return state
