"""Requests to act: asked for, approved or declined by the right people, lapsed in time.

A request lives in its case as the case's action. Every change of it is one transaction together with its entry in the
audit log: of five clicks at once the first to write wins, and the others are told what stands. What people agree to is
bound by a digest to the action, its target and the evidence that was shown.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

from bot.model.case import OVER, Action, Case
from bot.model.errors import Refused, Unavailable
from bot.model.release import Plan
from bot.ports import Who
from bot.triage import approve
from bot.workflow import act
from bot.workflow.context import Context, unix
from bot.workflow.crash import point
from bot.workflow.offers import digest, mint, vote_digest
from bot.workflow.reply import refresh

Kind = Literal["rerun", "rollback", "restore"]


class Requests:
    """All requests of a running bot."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def policy(self, case: Case, plan: Plan | None = None) -> approve.Policy:
        """Of the environment that is touched; of several, which one re-run touches together, the strictest. One that
        nobody described takes two people, whom nobody named: nobody."""
        if plan is not None:
            return self._of(plan.environment)
        build = case.build
        touched = (build.environments or (build.environment,)) if build else ()
        policies = [self._of(name) for name in touched if name is not None]
        return max(policies, key=lambda p: (p.approvals, not p.self_approval), default=self._context.rerun_policy)

    def _of(self, environment: str) -> approve.Policy:
        return self._context.environments.get(environment, approve.Policy(approvals=2))

    def waiting(self) -> Sequence[Case]:
        """Cases whose action waits for approval, newest first."""
        found = self._context.store.recent_cases(1000)
        return [c for c in found if c.action is not None and c.action.state == "waiting"]

    # asking

    async def ask(
        self, case: Case, kind: Kind, who: Who, plan: Plan | None = None, shown: str | None = None
    ) -> str | None:
        """Somebody asks for an action. `shown`: the digest of the button that was pressed. Returns words for the asker
        alone, or None where the case's message says it all."""
        policy = self.policy(case, plan)
        facts = await self._facts(case, plan, policy, shown=shown, stands=digest(case, kind, plan))
        said: list[str] = []

        def begin(current: Case) -> Case:
            stands = current.action
            again = stands is not None and (stands.kind, stands.state, stands.requested_by) == (
                kind,
                "waiting",
                who.user,
            )
            if again and stands is not None and stands.digest == digest(current, kind, plan):
                return current  # pressed twice, or delivered twice around a crash
            if why := self._in_the_way(current, kind):
                said.append(why)
                return current
            number = 1 + len(current.past) + (current.action is not None)
            action = Action(
                kind=kind, id=f"{kind}:{current.id}#{number}", requested_by=who.user, state="waiting",
                digest=digest(current, kind, plan), plan=plan, approvers=_others(policy, who),
            )  # fmt: skip
            decision = approve.decide("request", person(who), action, policy, facts)
            if decision.action is None:
                said.append(decision.reason)
                self._refused(who, f"ask for {kind}", current, action, decision.reason)
                return current
            self._audit(who.user, f"asks for {kind}", current, decision.action)
            past = (*current.past, current.action) if current.action is not None else current.past
            return self._with_action(current.model_copy(update={"past": past, "outcome": None}), decision.action)

        await self._change(case, begin)
        return said[0] if said else None

    def _in_the_way(self, case: Case, kind: Kind) -> str | None:
        """What already happens, or happened, to the same thing. Looked at inside the transaction."""
        action = case.action
        if action is not None and action.state not in OVER and not (kind == "restore" and action.kind == "rollback"):
            return _stands(action)
        if action is not None and action.state in ("approved", "sending", "waiting"):
            return _stands(action)
        if kind == "rerun" and case.build is not None and not case.build.finished:
            return "The run is still under way; a re-run is possible once it has finished."
        if kind in ("rollback", "restore"):
            for other in self._context.store.recent_cases(1000):  # of any state: a restore waits under "recovered"
                its = other.action
                same = other.key.ci == case.key.ci and other.key.repository == case.key.repository
                if same and other.id != case.id and its is not None and its.state in _BUSY:
                    return f"Another request for {case.key.ci} comes first: {_stands(its)}"
        return None

    # deciding

    async def vote(self, case: Case, verb: Literal["approve", "decline"], who: Who, shown: str | None) -> str | None:
        """An approval or a veto. Returns words for the voter alone."""
        plan = case.action.plan if case.action else None
        policy = self.policy(case, plan)
        facts = await self._facts(case, plan, policy, shown=shown)
        if not policy.self_approval:
            facts = facts.model_copy(update={"authors": await self._authors(case, plan)})
        stranger = approve.outsider(person(who), facts.home_team)
        decisions: list[approve.Decision] = []

        def cast(current: Case) -> Case:
            action = current.action
            if stranger is not None:  # before anything else: not even what is over anyway ends by their hand
                decisions.append(approve.Decision(kind="refuse", reason=f"Not allowed: {stranger}."))
                return current
            if action is None:
                decisions.append(approve.Decision(kind="refuse", reason="There is nothing to decide."))
                return current
            moved = action.state == "waiting" and action.digest != digest(current, action.kind, action.plan)
            if moved:  # new evidence since the request was made: those who approved had not seen it
                lapsed = action.model_copy(update={"state": "lapsed", "detail": _MOVED})
                decisions.append(approve.Decision(kind="ended", reason=_MOVED, action=lapsed))
            else:
                now = facts.model_copy(update={"stands": vote_digest(action)})
                decisions.append(approve.decide(verb, person(who), action, policy, now))
            after = decisions[0].action
            if after is None:
                self._refused(who, f"{verb} {action.kind}", current, action, decisions[0].reason)
                return current
            over = after.state in ("expired", "lapsed")
            said = f"{after.kind} {after.state}" if over else f"{verb}s {after.kind}"
            self._audit(who.user, said, current, after)
            return self._with_action(current, after)

        await self._change(case, cast)
        decision = decisions[0]
        told = decision.kind in ("refuse", "wait") or (decision.action and decision.action.state != "declined")
        return decision.reason if told and decision.kind != "act" else None

    async def expire(self) -> int:
        """Requests whose time is over lapse, and their messages lose the buttons. Returns how many."""
        done = 0
        for case in self.waiting():

            def over(current: Case) -> Case:
                lapsed = approve.expire(current.action, unix()) if current.action else None
                if lapsed is None:
                    return current
                self._audit("buildmedic", f"{lapsed.kind} expired", current, lapsed)
                return self._with_action(current, lapsed)

            done += await self._change(case, over) is not None
        return done

    # what they share

    async def _change(self, case: Case, change: Callable[[Case], Case]) -> Case | None:
        """Write, and go on with what it led to; None where nothing changed."""
        store = self._context.store
        before = store.get_case(case.id)
        with store.atomic():
            after = store.change_case(case.id, change)
        if before is None or after.action == before.action:
            return None
        action = after.action
        fresh = before.action is None or action is None or before.action.id != action.id
        point("request.recorded" if fresh else "vote.recorded")
        if action is not None:
            await go_on(self._context, case.id, action)
        return after

    def _with_action(self, case: Case, action: Action) -> Case:
        state = "acting" if action.state == "approved" else case.state
        after = case.model_copy(update={"action": action, "state": state, "updated": self._context.now()})
        buttons = mint(self._context, after) if case.buttons or case.release else {}
        if action.state == "waiting":
            until = action.expires or unix()
            for name in ("approve", "decline"):
                buttons[name] = self._context.store.mint_button(case.id, name, vote_digest(action), until)
        return after.model_copy(update={"buttons": buttons})

    def _refused(self, who: Who, what: str, case: Case, action: Action, why: str) -> None:
        """Who tried what in vain is part of the record too."""
        self._context.store.audit(
            who.user, f"tries in vain to {what}", case.id, {"action": action.id, "why": why}, unix()
        )

    def _audit(self, who: str, what: str, case: Case, action: Action) -> None:
        detail: dict[str, object] = {
            "action": action.id, "state": action.state, "approvals": list(action.approvals), "needed": action.needed,
            "digest": action.digest, "evidence": list(case.causes),
        }  # fmt: skip
        if action.plan is not None:
            plan = action.plan
            detail["plan"] = {
                "deploy": plan.deploy, "environment": plan.environment, "from": plan.current.revision,
                "to": plan.target.revision, "entry": plan.target.id, "health": plan.health,
            }  # fmt: skip
        self._context.store.audit(who, what, case.id, detail, unix())

    async def _facts(
        self, case: Case, plan: Plan | None, policy: approve.Policy, shown: str | None, stands: str | None = None
    ) -> approve.Facts:
        context = self._context
        groups = {g: await self._members(g) for g in policy.approvers if g.startswith("S")}
        return approve.Facts(
            now=unix(), home_team=context.home_team(), groups=groups, paused=context.store.get_flag("paused"),
            shown=shown, stands=stands,
        )  # fmt: skip

    async def _authors(self, case: Case, plan: Plan | None) -> tuple[str, ...]:
        """The Slack ids of who wrote what failed: as `people` in the configuration tells, else by an e-mail address.
        Raises Unavailable: an author must not pass for somebody else because Slack cannot be asked just now."""
        names = [case.build.author if case.build else None, plan.current.author if plan else None, *case.authors]
        found: dict[str, None] = {}
        for name in names:
            for key in _names_in(name or ""):
                user = self._context.people.get(key)
                if user is None and "@" in key:
                    try:
                        user = await self._context.chat.person_by_email(key)
                    except Refused:
                        user = None
                if user is not None:
                    found[user] = None
        return tuple(found)

    async def _members(self, group: str) -> Sequence[str] | None:
        try:
            return await self._context.chat.members(group)
        except (Refused, Unavailable) as error:
            self._context.log.warning("user group not resolved: counts as no", group=group, why=str(error))
            return None


async def go_on(context: Context, case_id: str, action: Action) -> None:
    """What follows from an action as it stands: it is done, or shown. Durable, and once for each state however often it
    is called: also after a start, for what a crash had cut off."""
    if action.state in ("approved", "sending"):
        await context.engine.start(act.act, action.id, case_id)
    else:
        await context.engine.start(refresh, f"show:{action.id}:{action.state}:{len(action.approvals)}", case_id)


_BUSY = ("waiting", "approved", "sending")
_MOVED = "The evidence has changed since this was asked for: look again, and ask anew."


def _stands(action: Action) -> str:
    """What is told to whoever comes second."""
    how = {
        "waiting": "waits for approval", "approved": "is being sent", "sending": "is being sent", "sent": "was sent",
        "unknown": "may have been sent; a person has to look",
    }.get(action.state, action.state)  # fmt: skip
    name = {"rerun": "the re-run", "rollback": "the rollback", "restore": "putting it back"}[action.kind]
    if action.state in _BUSY:
        return f"Already asked for by <@{action.requested_by}>: {name} {how}."
    return f"Already done by <@{action.requested_by}>: {name} {how}."


def _others(policy: approve.Policy, who: Who) -> tuple[str, ...]:
    """Whom to ask: the approvers that were named, less the one who asks where that does not count."""
    return tuple(a for a in policy.approvers if policy.self_approval or a != who.user)


def person(who: Who) -> approve.Person:
    return approve.Person(team=who.team, user=who.user, is_bot=who.is_bot, is_guest=who.is_guest)


def _names_in(author: str) -> tuple[str, ...]:
    """`Ada L <ada@acme.example>` -> `ada l <ada@acme.example>`, `ada l`, `ada@acme.example`."""
    whole = author.strip().lower()
    parts = re.fullmatch(r"(.*?)\s*<([^<>]+)>", whole)
    return tuple(dict.fromkeys(p for p in (whole, *(parts.groups() if parts else ())) if p))
