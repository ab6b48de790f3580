"""What comes in from CIs and people, turned into cases and actions. Implements `ports.Desk`.

Everything here may be called twice with the same thing, in any order: opening a case, starting its workflow and
beginning its action are each once by construction (primary keys, fixed workflow ids, compare-and-swap).
"""

from collections.abc import Sequence
from typing import Literal

from bot import __version__
from bot.model.build import FAILED, Build, CaseKey, CIEvent, RunRef
from bot.model.case import Case, MessageRef
from bot.model.errors import Refused, Unsupported, UsageError
from bot.model.release import DeployEvent, Plan
from bot.ports import CI, NoticeVerdict, Status, Who
from bot.triage import approve
from bot.workflow import reply, triage
from bot.workflow.context import Context, unix
from bot.workflow.crash import point
from bot.workflow.offers import ROLLBACK, digest, mint
from bot.workflow.release import follow, prepare, watch_release
from bot.workflow.reply import run_key, show
from bot.workflow.requests import Requests, go_on, person


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
        point("case.opened")
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


class ClinicDesk:
    """The desk of a running bot."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.requests = Requests(context)
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
            former = self._context.store.get_case(before)
            if former is not None and former.action is not None:
                await self._context.engine.wake(former.action.id)
        if event.kind == "failed":
            case, made = await open_case(self._context, event.build)
            return f"{'opened' if made else 'known'}: {case.id}"
        await self._context.engine.wake(f"triage:{key.id}")
        return f"noted: {event.kind}"

    async def deploy_event(self, deploy: str, event: DeployEvent) -> str:
        """A verified webhook of a deploy system. Returns what was done, for the log. Raises Unavailable."""
        if event.kind not in ("failed", "degraded"):
            return f"noted: {event.kind} {event.why}".strip()
        return await watch_release(self._context, self._context.deploys[deploy], None, event.why)

    # from channels

    async def notice(self, message: MessageRef, urls: Sequence[str], verdict: NoticeVerdict) -> str:
        found = self._recognise(urls)
        deploy = next((d for d in self._context.deploys.values() for u in urls if d.recognise(u)), None)
        if found is None and deploy is not None:
            self.notices_read += 1
            if verdict != "failed":
                return f"noted: {deploy.name} is {verdict}"
            return await watch_release(self._context, deploy, message, "its notice tells of a failure")
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
        return await self.requests.ask(case, "rerun", who) or "Asked for: the answer is in the run's thread."

    async def rollback(self, deploy: str, revision: str | None, channel: str, who: Who) -> str:
        if why := self._outsider(who):
            return why
        known = self._context.deploys
        if deploy not in known:
            names = ", ".join(known) or "none is configured"
            raise UsageError(f"There is no deploy {deploy[:80]!r} (known: {names}).")
        try:
            plan = await known[deploy].plan(revision)
        except Refused as error:
            raise UsageError(str(error)) from error
        return await self._ask_rollback(plan, who, channel=channel) or "Asked for: see the message in this channel."

    async def _ask_rollback(self, plan: Plan, who: Who, **fields: object) -> str | None:
        deploy = self._context.deploys[plan.deploy]
        case = await prepare(self._context, deploy, plan, asked_by=who.user, **fields)
        told = await self.requests.ask(case, "rollback", who, plan)
        # the message may stand since an earlier request: far above, or in another channel
        link = await self._context.chat.link(case.reply) if case.reply else None
        return f"{told or 'Asked for:'} {link}" if link else told

    async def approvals(self) -> Sequence[tuple[Case, str | None]]:
        cases = self.requests.waiting()[:20]
        links = [await self._context.chat.link(c.reply) if c.reply else None for c in cases]
        return list(zip(cases, links, strict=True))

    async def press(self, button: str, channel: str, who: Who, at: float | None = None) -> str | None:
        known = self._context.store.button(button)
        case = self._context.store.get_case(known.case) if known else None
        if known is None or case is None:
            return "This button is not known here (any more)."
        if unix() > known.expires and known.action not in ("approve", "decline"):
            return "This button has expired. `/medic rerun URL` or `/medic rollback DEPLOY` does the same."
        if known.action in ("right", "wrong"):
            return self._feedback(case, known.action, who)
        if at is not None and unix() - at > self._context.pace.click_limit:
            late = round((unix() - at) / 60)
            return f"Your click came through only now, {late} minutes late: nothing was done. Look again, press again."
        if known.action in ("approve", "decline"):
            verb: Literal["approve", "decline"] = "approve" if known.action == "approve" else "decline"
            return await self.requests.vote(case, verb, who, known.digest)
        if known.action.startswith(ROLLBACK):
            return await self._press_rollback(case, known.action.removeprefix(ROLLBACK), known.digest, who)
        plan = case.action.plan if known.action == "restore" and case.action else None
        kind: Literal["rerun", "restore"] = "restore" if known.action == "restore" else "rerun"
        return await self.requests.ask(case, kind, who, plan, shown=known.digest)

    async def _press_rollback(self, case: Case, name: str, shown: str, who: Who) -> str | None:
        """The button stands for the plan that was shown; what would be done now has to be the same."""
        if why := self._outsider(who):
            return why
        deploy, offered = self._context.deploys.get(name), case.offers.get(name)
        if deploy is None or offered is None:
            return f"{name} is no longer in the configuration, or nothing is offered for it now."
        try:
            plan = await deploy.plan(offered.target.id)
        except Refused as error:
            return f"Nothing was done: {error}"
        if digest(case, "rollback", plan) != shown:
            await self._offer_anew(case, name, plan)
            return "The world has moved since this button was shown: look at the message again, and press once more."
        if case.key.ci == name:
            return await self.requests.ask(case, "rollback", who, plan, shown=shown)
        place = case.reply
        author = case.build.author if case.build else None
        return await self._ask_rollback(
            plan, who, channel=place.channel if place else case.channel,
            thread=(case.thread or place.ts) if place else case.thread, authors=(author,) if author else (),
        )  # fmt: skip

    async def _offer_anew(self, case: Case, name: str, plan: Plan) -> None:
        def put(stands: Case) -> Case:
            changed = stands.model_copy(update={"offers": {**stands.offers, name: plan}})
            return changed.model_copy(update={"buttons": mint(self._context, changed)})

        with self._context.store.atomic():
            self._context.store.change_case(case.id, put)
        await show(case.id)

    def _feedback(self, case: Case, verdict: str, who: Who) -> str:
        if why := self._outsider(who):
            return why
        detail = {"causes": list(case.causes), "playbooks": [f.diagnoses[0].playbook for f in case.findings]}
        self._context.store.audit(who.user, f"says the diagnosis is {verdict}", case.id, detail, unix())
        return "Thank you, noted."

    def _outsider(self, who: Who) -> str | None:
        why = approve.outsider(person(who), self._context.home_team())
        return f"Not allowed: {why}." if why else None

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
        with self._context.store.atomic():
            self._context.store.set_flag("paused", who.user if on else None)
            self._context.store.audit(who.user, "pauses actions" if on else "resumes actions", "bot", {}, unix())
        if on:
            return "Paused: nothing will be re-run or rolled back, approved or not, until `/medic resume`."
        return "Resumed: actions work again."

    async def status(self) -> Status:
        store = self._context.store
        paused = store.get_flag("paused")
        states = [*triage.TRIAGE_STATES, "acting", "watching"]
        return Status(
            version=__version__,
            paused=f"paused by <@{paused}>" if paused else None,
            open_cases=len({c.id for c in (*store.recent_cases(1000, states), *self.requests.waiting())}),
            recent=tuple(store.recent_cases(5)),
            services=tuple(self._context.services.all()),
            notices_read=self.notices_read,
            notices_unread=self.notices_unread,
        )


async def recover(context: Context) -> int:
    """After a start: what stands in the store but was not handed to the engine before a crash is handed over now.
    Starting a workflow that exists does nothing. Returns how many cases were looked at."""
    waiting = context.store.recent_cases(5000, [*triage.TRIAGE_STATES, "acting"])
    for case in waiting:
        if case.state in triage.TRIAGE_STATES:
            if case.key.ci in context.deploys:
                await context.engine.start(follow, f"release:{case.id}", case.id)
            else:
                await context.engine.start(triage.triage, f"triage:{case.id}", case.id)
    undecided = Requests(context).waiting()
    for case in (*waiting, *undecided):
        if case.action is not None and case.action.state in ("waiting", "approved", "sending"):
            await go_on(context, case.id, case.action)
    return len(waiting) + len(undecided)


async def say_away(context: Context, since: float, until: float) -> int:
    """After a gap: the messages of requests that wait for approval tell that clicks in that time did not reach us.
    `since`, `until`: UNIX times. Returns how many."""
    told = 0
    for case in Requests(context).waiting():
        words = f"{since:.0f} {until:.0f}"
        context.store.change_case(case.id, lambda c, words=words: c.model_copy(update={"away": words}))  # type: ignore[misc]  # bound now
        await context.engine.start(reply.refresh, f"away:{case.id}:{until:.0f}", case.id)
        told += 1
    return told
