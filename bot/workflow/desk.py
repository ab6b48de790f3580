"""What comes in from CIs and people, turned into cases and actions. Implements `ports.Desk`.

Everything here may be called twice with the same thing, in any order: opening a case, starting its workflow and
beginning its action are each once by construction (primary keys, fixed workflow ids, compare-and-swap).
"""

from collections.abc import Sequence

from bot import __version__
from bot.model.build import FAILED, Build, CaseKey, CIEvent, RunRef
from bot.model.case import Action, Case, MessageRef
from bot.model.errors import Refused, Unavailable, Unsupported, UsageError
from bot.ports import CI, Check, NoticeVerdict, Status, Who
from bot.triage import approve
from bot.workflow import act, triage
from bot.workflow.context import Context, unix
from bot.workflow.reply import run_key, show


async def open_case(context: Context, build: Build, **fields: object) -> tuple[Case, bool]:
    """The case of this attempt, made and set going if it is new. `fields` are the Case's own."""
    key = build.key
    previous = None
    if key.attempt > 1:
        before = CaseKey(ci=key.ci, repository=key.repository, run=key.run, attempt=key.attempt - 1).id
        previous = before if context.store.get_case(before) else None
    now = context.now()
    fresh = Case.model_validate(
        {"key": key, "build": build, "previous": previous, "opened": now, "updated": now, **fields}
    )
    case, made = context.store.open_case(fresh)
    if made:
        context.log.info("case opened", case=case.id)
    elif build.jobs:
        case = context.store.change_case(
            case.id,
            lambda c: c.model_copy(update={"build": triage.merge(build, c.build) if c.build else build}),
        )
    late = [j.id for j in build.failed_jobs if j.id not in {f.job for f in case.findings}]
    if case.state in triage.TRIAGE_STATES:
        await context.engine.start(triage.triage, f"triage:{case.id}", case.id)
        if not made:
            await context.engine.wake(f"triage:{case.id}")
    elif late:  # told of after the case was closed: out of order, but not lost
        await context.engine.start(triage.triage, f"triage:{case.id}:{late[0]}", case.id)
    return case, made


_STANDS = {
    "waiting": "waits for approval",
    "approved": "is being sent",
    "sending": "is being sent",
    "sent": "was sent",
    "unknown": "may have been sent; a person has to look",
}


class ClinicDesk:
    """The desk of a running bot."""

    def __init__(self, context: Context, services: Sequence[Check] = ()) -> None:
        self._context = context
        self.services: Sequence[Check] = services
        self.notices_read = 0
        self.notices_unread = 0

    # from the CI

    async def ci_event(self, ci: str, event: CIEvent) -> str:
        """A verified webhook. Returns what was done, for the log. Raises Unavailable to be called again."""
        if event.build is None or event.kind == "ignored":
            return f"ignored: {event.why or 'not used'}"
        key = event.build.key
        if key.attempt > 1:
            before = CaseKey(ci=ci, repository=key.repository, run=key.run, attempt=key.attempt - 1).id
            await self._context.engine.wake(f"rerun:{before}")
        if event.kind == "failed":
            case, made = await open_case(self._context, event.build)
            return f"{'opened' if made else 'known'}: {case.id}"
        await self._context.engine.wake(f"triage:{key.id}")
        return f"noted: {event.kind}"

    # from channels

    async def notice(self, message: MessageRef, urls: Sequence[str], verdict: NoticeVerdict) -> str:
        found = self._recognise(urls)
        if found is None:
            self.notices_unread += 1
            return "no link in it leads to a run of a configured CI"
        self.notices_read += 1
        ci, ref = found
        stands = message
        if ref.run != "?":
            stands = self._context.store.note_notice(run_key(ref), message)
        if verdict == "running":
            return "noted: its run is under way"
        if verdict == "passed":
            return "noted: it tells of a success"
        try:
            build = await ci.build(ref)
        except Refused as error:
            return f"the CI refuses us: {error}"
        if ref.run == "?":
            stands = self._context.store.note_notice(run_key(build.key), message)
        if not build.failed_jobs and build.outcome not in FAILED and (build.finished or verdict != "failed"):
            return f"the CI says that the run is {build.outcome}"
        case, made = await open_case(self._context, build, notice=stands)
        if not made:
            await self._join(case, stands)
        return f"{'opened' if made else 'joined'}: {case.id}"

    async def _join(self, case: Case, notice: MessageRef) -> None:
        """A notice for a case that exists: the reply goes under it, or, if it stands elsewhere already, links to it."""
        if case.reply is None:
            if case.state not in ("new", "passed"):  # it had nowhere to go until now
                await show(case.id)
            return
        if case.notice is not None:
            return
        if case.reply.channel == notice.channel and case.thread == notice.ts:
            return
        link = await self._context.chat.link(notice)
        self._context.store.change_case(
            case.id,
            lambda c: c.model_copy(update={"notice": c.notice or notice, "notice_link": c.notice_link or link}),
        )
        await show(case.id)

    # from people

    async def triage(self, url: str, channel: str, who: Who) -> str:
        if why := self._outsider(who):
            return why
        ci, ref = self._must_recognise(url)
        build = await self._ask(ci, ref)
        known = self._context.store.get_case(build.key.id)
        if known is None and not build.failed_jobs and build.outcome not in FAILED:
            name = f"{ref.repository} run {build.key.run}, attempt {build.key.attempt},"
            return f"{name} is “{build.outcome}”: nothing failed."
        fields: dict[str, object] = {"asked_by": who.user}
        if self._context.store.notice_of(run_key(build.key)) is None:
            fields["channel"] = channel
        case, made = await open_case(self._context, build, **fields)
        if made:
            return f"On it: {ref.repository} run {build.key.run}, attempt {build.key.attempt}. The answer comes here."
        link = await self._context.chat.link(case.reply) if case.reply else None
        return f"Known already ({case.state}): {link}" if link else f"Known already: {case.state}."

    async def rerun(self, url: str, channel: str, who: Who) -> str:
        ci, ref = self._must_recognise(url)
        build = await self._ask(ci, ref)
        if not build.finished:
            return "That run is still under way; a re-run is possible once it has finished."
        if not build.failed_jobs and build.outcome not in FAILED:
            return f"That run is “{build.outcome}”: there is no failed job to re-run."
        case, _ = await open_case(self._context, build, asked_by=who.user, channel=channel)
        return await self._request(case, who) or "Asked for: the answer is in the run's thread."

    async def press(self, button: str, channel: str, who: Who) -> str | None:
        known = self._context.store.button(button)
        case = self._context.store.get_case(known.case) if known else None
        if known is None or case is None:
            return "This button is not known here (any more)."
        if unix() > known.expires:
            return "This button has expired. `/medic rerun URL` does the same."
        if known.action in ("right", "wrong"):
            return self._feedback(case, known.action, who)
        if known.action in ("approve", "decline"):
            return await self._vote(case, known.action, who)
        if known.digest != triage.digest(case, known.action):
            return "The diagnosis has changed since this button was shown: look at the message again."
        return await self._request(case, who)

    def _feedback(self, case: Case, verdict: str, who: Who) -> str:
        if why := self._outsider(who):
            return why
        detail = {"causes": list(case.causes), "playbooks": [f.diagnoses[0].playbook for f in case.findings]}
        self._context.store.audit(who.user, f"says the diagnosis is {verdict}", case.id, detail, unix())
        return "Thank you, noted."

    async def _request(self, case: Case, who: Who) -> str | None:
        """Ask for the re-run. Five clicks at once are one action: the first to write it into the case makes it."""
        context = self._context
        person = _person(who)
        made: list[Action] = []
        said: list[str] = []

        def begin(current: Case) -> Case:
            if context.store.get_flag("paused"):
                said.append("Actions are paused (`/medic resume` ends that).")
                return current
            if current.action is not None and current.action.state not in ("failed", "declined", "expired"):
                how = _STANDS.get(current.action.state, current.action.state)
                said.append(f"Already done by <@{current.action.requested_by}>: the re-run {how}.")
                return current
            if current.build is not None and not current.build.finished:
                said.append("The run is still under way; a re-run is possible once it has finished.")
                return current
            number = 1 + (int(current.action.id.rsplit("#", 1)[1]) if current.action else 0)
            action = Action(kind="rerun", id=f"rerun:{current.id}#{number}", requested_by=who.user, state="waiting")
            decision = approve.request(person, action, self._policy(current), context.home_team(), unix())
            if decision.kind == "refuse" or decision.action is None:
                said.append(decision.reason)
                return current
            made.append(decision.action)
            return self._with_action(current, decision.action)

        after = context.store.change_case(case.id, begin)
        if not made:
            return said[0]
        action = made[0]
        detail = {"state": action.state, "evidence": list(after.causes)}
        context.store.audit(who.user, "asks for rerun", case.id, detail, unix())
        await self._go_on(after)
        return None

    async def _vote(self, case: Case, verb: str, who: Who) -> str | None:
        context = self._context
        groups = {g: await self._members(g) for g in self._policy(case).approvers if g.startswith("S")}
        decisions: list[approve.Decision] = []

        def cast(current: Case) -> Case:
            if context.store.get_flag("paused"):
                decisions.append(approve.Decision(kind="refuse", reason="Actions are paused (`/medic resume`)."))
                return current
            if current.action is None:
                decisions.append(approve.Decision(kind="refuse", reason="There is nothing to approve."))
                return current
            decision = approve.vote(
                _person(who), "approve" if verb == "approve" else "decline", current.action, self._policy(current),
                groups, context.home_team(), unix(),
            )  # fmt: skip
            decisions.append(decision)
            return self._with_action(current, decision.action) if decision.action else current

        after = context.store.change_case(case.id, cast)
        decision = decisions[0]
        if decision.action is None:
            return decision.reason
        context.store.audit(who.user, f"{verb}s rerun", case.id, {"state": decision.action.state}, unix())
        await self._go_on(after)
        return decision.reason if decision.kind == "wait" else None

    def _with_action(self, case: Case, action: Action) -> Case:
        buttons = {k: v for k, v in case.buttons.items() if k in ("right", "wrong")}
        if action.state == "waiting":
            until = action.expires or unix()
            for name in ("approve", "decline"):
                buttons[name] = self._context.store.mint_button(case.id, name, action.id, until)
        state = "acting" if action.state == "approved" else case.state
        update = {"action": action, "buttons": buttons, "state": state, "updated": self._context.now()}
        return case.model_copy(update=update)

    async def _go_on(self, case: Case) -> None:
        if case.action is not None and case.action.state == "approved":
            await self._context.engine.start(act.rerun, case.action.id, case.id)
        else:
            await show(case.id)

    def _policy(self, case: Case) -> approve.Policy:
        environment = case.build.environment if case.build else None
        if environment is None:
            return self._context.rerun_policy
        return self._context.environments.get(environment, approve.Policy(approvals=2))

    async def _members(self, group: str) -> Sequence[str] | None:
        try:
            return await self._context.chat.members(group)
        except (Refused, Unavailable) as error:
            self._context.log.warning("user group not resolved: counts as no", group=group, why=str(error))
            return None

    def _outsider(self, who: Who) -> str | None:
        probe = Action(kind="rerun", id="-", requested_by=who.user, state="waiting")
        decision = approve.request(_person(who), probe, approve.Policy(), self._context.home_team(), 0)
        return decision.reason if decision.kind == "refuse" else None

    def _recognise(self, urls: Sequence[str]) -> tuple[CI, RunRef] | None:
        for url in urls:
            for ci in self._context.cis.values():
                if (ref := ci.recognise(url)) is not None:
                    return ci, ref
        return None

    def _must_recognise(self, url: str) -> tuple[CI, RunRef]:
        found = self._recognise([url])
        if found is None:
            names = ", ".join(self._context.cis) or "none"
            raise UsageError(f"That is no run or job of a configured CI ({names}): {url[:200]}")
        return found

    async def _ask(self, ci: CI, ref: RunRef) -> Build:
        try:
            return await ci.build(ref)
        except (Refused, Unsupported) as error:
            raise UsageError(str(error)) from error

    async def pause(self, on: bool, who: Who) -> str:
        if why := self._outsider(who):
            return why
        self._context.store.set_flag("paused", who.user if on else None)
        self._context.store.audit(who.user, "pauses actions" if on else "resumes actions", "bot", {}, unix())
        return "Paused: nothing will be re-run until `/medic resume`." if on else "Resumed: actions work again."

    async def status(self) -> Status:
        store = self._context.store
        paused = store.get_flag("paused")
        states = [*triage.TRIAGE_STATES, "acting", "watching"]
        return Status(
            version=__version__,
            paused=f"paused by <@{paused}>" if paused else None,
            open_cases=len(store.recent_cases(1000, states)),
            recent=tuple(store.recent_cases(5)),
            services=tuple(self.services),
            notices_read=self.notices_read,
            notices_unread=self.notices_unread,
        )


def _person(who: Who) -> approve.Person:
    return approve.Person(team=who.team, user=who.user, is_bot=who.is_bot, is_guest=who.is_guest)


async def recover(context: Context) -> int:
    """After a start: what stands in the store but was not handed to the engine before a crash is handed over now.
    Starting a workflow that exists does nothing. Returns how many cases were looked at."""
    waiting = context.store.recent_cases(5000, [*triage.TRIAGE_STATES, "acting"])
    for case in waiting:
        if case.state in triage.TRIAGE_STATES:
            await context.engine.start(triage.triage, f"triage:{case.id}", case.id)
        if case.action is not None and case.action.state in ("approved", "sending"):
            await context.engine.start(act.rerun, case.action.id, case.id)
    return len(waiting)
