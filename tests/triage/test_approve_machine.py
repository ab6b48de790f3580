"""Random histories of one request against a naive model that was written from the contract, not from the code.

The inner loop tries a few dozen histories; BUILDMEDIC_MACHINE=10000 tries as many as it says.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.model.case import Action
from bot.triage.approve import Decision, Facts, Person, Policy, decide, expire

HOME, AWAY = "T1", "T2"
REQUESTER, AUTHOR = "U1", "U2"
CAST = [REQUESTER, AUTHOR, "U3", "U4", "U5", "U6", "U7"]
LISTED = ["U1", "U2", "U3", "U4", "S1", "S2"]
people = st.builds(
    Person, team=st.sampled_from([*[HOME] * 11, AWAY]), user=st.sampled_from(CAST),
    is_bot=st.sampled_from([*[False] * 11, True]), is_guest=st.sampled_from([*[False] * 11, True]),
)  # fmt: skip
members = st.one_of(st.none(), *[st.lists(st.sampled_from(CAST), min_size=2, max_size=6)] * 3)
policies = st.builds(
    Policy, approvals=st.sampled_from([2, 1, 2, 3, 2, 1, 2, 3, 0]), self_approval=st.sampled_from([False, False, True]),
    approvers=st.lists(st.sampled_from(LISTED), min_size=2, unique=True).map(tuple), expires=st.sampled_from([40.0, 90.0]),
)  # fmt: skip
sights = st.sampled_from([*[False] * 11, True])  # whether what somebody saw is out of date


def asked(machine: "Histories") -> bool:
    return machine.action is not None


class Histories(RuleBasedStateMachine):
    """One request, and all that can happen to it. What the model keeps: who said yes, when, and that it is over."""

    @initialize(policy=policies, group1=members, group2=members, person=people, stale=sights)
    def begin(self, policy: Policy, group1: Any, group2: Any, person: Person, stale: bool) -> None:
        self.policy, self.groups = policy, {"S1": group1, "S2": group2}
        self.home: str | None = HOME
        self.authors: tuple[str, ...] = (AUTHOR,)
        self.now, self.paused, self.stands = 0.0, False, "evidence 1"
        self.action: Action | None = None
        self.yes: list[str] = []  # who said yes and was counted, in order
        self.over = False  # declined, expired or sent: nothing may come of it any more
        self.deadline = 0.0
        self.promised = 0  # approvals that were asked for when it was made
        self._ask(person, stale)

    # the model's own words for the contract

    def may_approve(self, user: str) -> bool:
        groups = [g for g in self.policy.approvers if g[0] == "S"]
        return user in self.policy.approvers or any(user in (self.groups[g] or ()) for g in groups)

    def counts(self, user: str) -> bool:
        own = user in (REQUESTER, *self.authors) and not self.policy.self_approval
        return self.may_approve(user) and not own

    def stranger(self, person: Person) -> bool:
        return person.is_bot or person.is_guest or self.home is None or person.team != self.home

    def facts(self, shown: str | None) -> Facts:
        return Facts(
            now=self.now, home_team=self.home, groups=self.groups, authors=self.authors,
            paused="U9" if self.paused else None, shown=shown, stands=self.stands,
        )  # fmt: skip

    # the world

    @precondition(asked)
    @rule(seconds=st.sampled_from([0.0, 1.0, 2.0, 3.0, 9.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(asked)
    @rule(home=st.sampled_from([HOME, HOME, HOME, None]))
    def slack_tells_or_does_not_tell_where_we_are(self, home: str | None) -> None:
        self.home = home

    @precondition(asked)
    @rule(paused=st.sampled_from([False, False, False, True]))
    def pause_or_resume(self, paused: bool) -> None:
        self.paused = paused

    @precondition(asked)
    @rule(group=st.sampled_from(["S1", "S2"]), now=members)
    def people_come_and_go(self, group: str, now: Any) -> None:
        self.groups[group] = now

    @precondition(asked)
    @rule(author=st.sampled_from(CAST))
    def it_becomes_known_who_wrote_the_commit(self, author: str) -> None:
        self.authors = (*self.authors, author)

    @precondition(asked)
    @rule(policy=policies)
    def the_policy_changes(self, policy: Policy) -> None:
        self.policy = policy

    @precondition(asked)
    @rule()
    def the_evidence_changes(self) -> None:
        self.stands += "'"

    @precondition(asked)
    @rule()
    def the_clock_of_the_bot_strikes(self) -> None:
        assert self.action is not None
        lapsed = expire(self.action, self.now)
        assert (lapsed is not None) == (not self.over and self.now >= self.deadline)
        if lapsed is not None:
            self.action, self.over = lapsed, True

    # people

    @precondition(lambda self: not asked(self))
    @rule(person=people, stale=sights)
    def ask(self, person: Person, stale: bool) -> None:
        self._ask(person, stale)

    def _ask(self, person: Person, stale: bool) -> None:
        person = person.model_copy(update={"user": REQUESTER})
        fresh = Action(kind="rerun", id="rerun:x", requested_by=REQUESTER, state="waiting", digest=self.stands)
        got = decide("request", person, fresh, self.policy, self.facts("old" if stale else self.stands))
        refused = self.stranger(person) or self.paused or stale
        assert (got.kind == "refuse") == refused, got
        assert (got.action is None) == refused
        if got.action is None:
            return
        self.action, self.deadline, self.promised = got.action, self.now + self.policy.expires, self.policy.approvals
        if self.policy.self_approval and self.may_approve(REQUESTER) and self.policy.approvals:
            self.yes = [REQUESTER]
        assert (got.kind == "act") == (len(self.yes) >= self.policy.approvals), got
        self.over = got.kind == "act"

    @precondition(asked)
    @rule(person=people, stale=sights, twice=st.booleans())
    def approve(self, person: Person, stale: bool, twice: bool) -> None:
        for _ in range(1 + twice):
            self._approve(person, stale)

    @precondition(lambda self: asked(self) and not self.over and self.home is not None)
    @rule(number=st.integers(0, 6))
    def approve_by_somebody_who_counts(self, number: int) -> None:
        """So that histories get as far as a quorum."""
        if able := [u for u in CAST if self.counts(u) and u not in self.yes]:
            self._approve(Person(team=HOME, user=able[number % len(able)]), stale=False)

    def _approve(self, person: Person, stale: bool) -> None:
        assert self.action is not None
        got = decide("approve", person, self.action, self.policy, self.facts("old" if stale else self.stands))
        if self._out(person, stale, got) or self._late(got):
            return
        if not self.counts(person.user) or person.user in self.yes:
            assert got.kind == "refuse", got
            return
        self.yes = [u for u in self.yes if self.counts(u)] + [person.user]
        enough = len(set(self.yes)) >= max(self.policy.approvals, self.promised, 1)
        assert got.kind == ("act" if enough else "wait"), got
        assert got.action is not None
        assert list(got.action.approvals) == self.yes
        event(f"{got.kind} with {len(self.yes)} approvals")
        self.action, self.over = got.action, enough

    @precondition(asked)
    @rule(person=people, stale=sights)
    def decline(self, person: Person, stale: bool) -> None:
        assert self.action is not None
        got = decide("decline", person, self.action, self.policy, self.facts("old" if stale else self.stands))
        if self._out(person, stale, got, veto=True) or self._late(got):
            return
        if not self.may_approve(person.user):
            assert got.kind == "refuse", got
            return
        assert got.kind == "ended", got
        assert got.action is not None
        assert (got.action.state, got.action.decided_by) == ("declined", person.user)
        self.action, self.over = got.action, True

    def _out(self, person: Person, stale: bool, got: Decision, *, veto: bool = False) -> bool:
        out = self.stranger(person) or (self.paused and not veto) or stale
        if out:
            assert (got.kind, got.action) == ("refuse", None), got
        return out

    def _late(self, got: Decision) -> bool:
        if self.over:
            assert (got.kind, got.action) == ("refuse", None), got
            return True
        if self.now >= self.deadline:
            assert got.kind == "ended", got
            assert got.action is not None
            assert got.action.state == "expired"
            self.action, self.over = got.action, True
            return True
        return False

    @invariant()
    def what_is_approved_has_its_quorum(self) -> None:
        action = getattr(self, "action", None)
        if action is not None and action.state == "approved":
            assert len(set(action.approvals)) == len(action.approvals) >= self.promised
        if action is not None:
            assert (action.state == "waiting") == (not self.over)


def machine(examples: int, **more: Any) -> settings:
    quiet = list(HealthCheck)
    return settings(max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=quiet, **more)


def test_no_history_acts_without_its_quorum() -> None:
    short = "BUILDMEDIC_NO_SHRINK" in os.environ  # where only the verdict matters, not the shortest history
    phases = [Phase.generate] if short else list(Phase)
    many = int(os.environ.get("BUILDMEDIC_MACHINE", "200"))
    run_state_machine_as_test(Histories, settings=machine(many, phases=phases, report_multiple_bugs=not short))


@pytest.mark.parametrize("fault", ["quorum", "veto", "requester"])
def test_the_machine_sees_a_broken_decision(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One vote that does where two are needed, a decline that ends nothing, a requester who counts: all are found."""
    honest = decide

    def broken(verb: Any, person: Person, action: Action, policy: Policy, facts: Facts) -> Decision:
        if fault == "requester":
            policy = policy.model_copy(update={"self_approval": True})
        got = honest(verb, person, action, policy, facts)
        if fault == "quorum" and got.kind == "wait" and verb == "approve":
            return got.model_copy(update={"kind": "act"})
        if fault == "veto" and got.kind == "ended" and verb == "decline":
            return got.model_copy(update={"action": action})
        return got

    monkeypatch.setitem(globals(), "decide", broken)
    first = machine(2000, database=None, phases=[Phase.generate], report_multiple_bugs=False, derandomize=True)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Histories, settings=first)
