"""What an action does to the world: one class a kind, behind one small protocol. `act` brings the order and the memory.

`send` is called at most once unless `happened` has said a definite no, or `repeatable` says that twice is as good as
once.
"""

from typing import Protocol

from bot.model import Noun
from bot.model.build import FAILED, Build, RunRef
from bot.model.case import Action, Case, CaseState
from bot.model.errors import Refused
from bot.model.release import Plan
from bot.ports import Deploy
from bot.workflow.context import Context, Pace


class Seen(Noun):
    """`state` None: not settled yet."""

    state: CaseState | None = None
    words: str | None = None


class Deed(Protocol):
    repeatable: bool

    async def send(self, context: Context, case: Case, action: Action) -> str | None:
        """Do it, if it still is what was approved. Returns what is worth saying. Raises Moved, Refused (certainly not
        done), Unavailable (nobody knows)."""

    async def happened(self, context: Context, case: Case, action: Action) -> bool | None:
        """Whether an earlier `send` arrived; None where that cannot be told."""

    async def look(self, context: Context, case: Case, action: Action) -> Seen:
        """What became of it."""

    def patience(self, pace: Pace) -> tuple[float, float]:
        """Seconds between looks, and after which it is inconclusive."""


class Rerun:
    repeatable = False

    async def send(self, context: Context, case: Case, action: Action) -> str | None:
        await context.cis[case.key.ci].rerun(_build(case))
        return None

    async def happened(self, context: Context, case: Case, action: Action) -> bool | None:
        return await context.cis[case.key.ci].did_rerun(_build(case))

    async def look(self, context: Context, case: Case, action: Action) -> Seen:
        attempt = case.key.attempt + 1
        ref = RunRef(ci=case.key.ci, repository=case.key.repository, run=case.key.run, attempt=attempt)
        try:
            build = await context.cis[case.key.ci].build(ref)
        except Refused:
            return Seen()  # not there yet: the CI makes the attempt a moment after it said yes
        if build.key.attempt < attempt or not build.finished:
            return Seen()
        if build.failed_jobs or build.outcome in FAILED:
            return await self._compare(context, case, build)
        if build.outcome == "success":
            return Seen(state="recovered")
        return Seen(state="inconclusive", words=f"The new attempt ended as “{build.outcome}”: a person has to look.")

    async def _compare(self, context: Context, case: Case, build: Build) -> Seen:
        """The new attempt failed: is it the same again? Its own triage tells, in its own case."""
        from bot.workflow.desk import open_case
        from bot.workflow.triage import TRIAGE_STATES

        after, _ = await open_case(context, build)
        if after.state in TRIAGE_STATES:
            return Seen()
        if after.state == "stuck" or not after.findings:
            return Seen(state="inconclusive", words="It failed again, and its log could not be read.")
        now, then = set(after.causes), set(case.causes)
        if "unknown" in now | then:
            words = "It failed again; the log does not tell whether for the same cause."
            return Seen(state="inconclusive", words=words)
        return Seen(state="same-cause" if now & then else "other-cause")

    def patience(self, pace: Pace) -> tuple[float, float]:
        return pace.watch_poll, pace.watch_limit


class Rollback:
    repeatable = False

    async def send(self, context: Context, case: Case, action: Action) -> str | None:
        await _deploy(context, action).rollback(_plan(action))
        return None

    async def happened(self, context: Context, case: Case, action: Action) -> bool | None:
        return await _deploy(context, action).did_rollback(_plan(action))

    async def look(self, context: Context, case: Case, action: Action) -> Seen:
        watched = await _deploy(context, action).watch(_plan(action))
        states: dict[str, CaseState] = {"good": "recovered", "worse": "worse", "unclear": "inconclusive"}
        return Seen(state=states.get(watched.state), words=watched.words)

    def patience(self, pace: Pace) -> tuple[float, float]:
        return pace.release_poll, pace.release_limit


class Restore:
    """Puts back what a rollback had to switch off."""

    repeatable = True

    async def send(self, context: Context, case: Case, action: Action) -> str | None:
        return await _deploy(context, action).restore(_plan(action)) or "there was nothing to put back"

    async def happened(self, context: Context, case: Case, action: Action) -> bool | None:
        return False

    async def look(self, context: Context, case: Case, action: Action) -> Seen:
        return Seen(state="restored", words=action.detail)

    def patience(self, pace: Pace) -> tuple[float, float]:
        return pace.release_poll, pace.release_limit


DEEDS: dict[str, Deed] = {"rerun": Rerun(), "rollback": Rollback(), "restore": Restore()}


def _build(case: Case) -> Build:
    assert case.build is not None, "a re-run is only asked for a case that has its build"
    return case.build


def _plan(action: Action) -> Plan:
    assert action.plan is not None, "a rollback is only asked for with its plan"
    return action.plan


def _deploy(context: Context, action: Action) -> Deploy:
    name = _plan(action).deploy
    if name not in context.deploys:
        raise Refused(name, "the deploys entry of this name is no longer in the configuration")
    return context.deploys[name]
