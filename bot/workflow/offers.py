"""What may be pressed on a case's message now, each button bound to what it would do and to the evidence shown."""

import hashlib
import json

from bot.model.case import OVER, Action, Case
from bot.model.causes import CAUSES
from bot.model.diagnosis import Diagnosis
from bot.model.release import Plan
from bot.workflow.context import Context, unix

_BUTTON_DAYS = 7
ROLLBACK = "rollback:"  # what the names of rollback buttons begin with; the deploy entry's name follows


def digest(case: Case, kind: str, plan: Plan | None = None) -> str:
    """What a button, or an approval, stands for: the action, its exact target, and the evidence that was shown. If any
    of it changes, they lapse."""
    causes = [[f.job, f.diagnoses[0].cause, f.diagnoses[0].playbook] for f in case.findings]
    commit = case.build.commit if case.build else None
    bound = [*target(plan), plan.automatic] if plan else None
    text = json.dumps([case.id, kind, commit, sorted(causes, key=str), bound])
    return hashlib.sha256(text.encode()).hexdigest()


def target(plan: Plan) -> list[str]:
    """What a rollback changes, and nothing of how it is described or what has to be switched off for it."""
    return [
        plan.deploy, plan.app, plan.environment, plan.current.id, plan.current.revision, plan.target.id,
        plan.target.revision,
    ]  # fmt: skip


def vote_digest(action: Action) -> str:
    """Of the buttons that approve and decline: this very request, and what it was for."""
    return hashlib.sha256(f"{action.id} {action.digest}".encode()).hexdigest()


def mint(context: Context, case: Case) -> dict[str, str]:
    """Opaque ids for what may be pressed on a case that is final; none that acts while an action is under way."""
    wanted = {name: digest(case, name) for name in ("right", "wrong")} if case.findings else {}
    action = case.action
    undo = action is not None and action.kind == "rollback" and action.plan is not None and bool(action.plan.undo)
    if action is None or action.state in OVER:
        if any(_worth_repeating(f.diagnoses[0]) for f in case.findings):
            wanted["rerun"] = digest(case, "rerun")
        wanted |= {f"{ROLLBACK}{name}": digest(case, "rollback", plan) for name, plan in case.offers.items()}
    if undo and action is not None and action.state in ("sent", "unknown", "failed", "lapsed"):
        wanted["restore"] = digest(case, "restore", action.plan)
    until = unix() + _BUTTON_DAYS * 86400
    return {name: context.store.mint_button(case.id, name, bound, until) for name, bound in wanted.items()}


def _worth_repeating(diagnosis: Diagnosis) -> bool:
    """A playbook may propose a re-run because it may pass now; for any fault of the surroundings it is offered as the
    confirmation of a repair (step 6 of the method). Never where only another commit helps."""
    cause = CAUSES.get(diagnosis.cause)
    return any(p.action == "rerun" for p in diagnosis.proposals) or (cause is not None and cause.rerun)
