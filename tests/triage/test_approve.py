"""Every rule of the decision, each by the words it gives."""

import pytest

from bot.model.case import Action
from bot.triage.approve import Decision, Facts, Person, Policy, Verb, decide, expire

HOME = "T1"
ASKER = Person(team=HOME, user="U1")
BOSS = Person(team=HOME, user="U2")
OTHER = Person(team=HOME, user="U3")
ACTION = Action(kind="rerun", id="rerun:x", requested_by="U1", state="waiting")
TWO = Policy(approvals=2, approvers=("U1", "U2", "S1"), expires=60)


def waiting(**update: object) -> Action:
    return ACTION.model_copy(update={"needed": 2, "expires": 100.0, **update})


def do(verb: Verb, person: Person, action: Action = ACTION, policy: Policy = TWO, **facts: object) -> Decision:
    told = {"now": 0.0, "home_team": HOME, "groups": {"S1": ["U3"]}, **facts}
    return decide(verb, person, action, policy, Facts.model_validate(told))


def test_without_approvals_anybody_of_the_workspace_acts_at_once() -> None:
    decision = do("request", OTHER, policy=Policy())
    assert decision.kind == "act"
    assert decision.action is not None
    assert decision.action.state == "approved"


@pytest.mark.parametrize(
    ("person", "word"),
    [
        (Person(team="T2", user="U1"), "workspace"),
        (Person(team=HOME, user="U1", is_guest=True), "guests"),
        (Person(team=HOME, user="U1", is_bot=True), "bots"),
    ],
)
@pytest.mark.parametrize("verb", ["request", "approve", "decline"])
def test_outsiders_neither_ask_nor_vote(person: Person, word: str, verb: Verb) -> None:
    decision = do(verb, person, waiting(), Policy(approvals=0, approvers=("U1",)), groups={"S1": ["U1"]})
    assert decision.kind == "refuse"
    assert decision.action is None
    assert word in decision.reason


def test_an_unknown_home_workspace_means_no() -> None:
    assert do("request", ASKER, home_team=None).kind == "refuse"


def test_the_kill_switch_stops_requests_and_approvals_and_no_veto() -> None:
    assert "<@U9>" in do("request", ASKER, policy=Policy(), paused="U9").reason
    assert do("approve", BOSS, waiting(), paused="U9").kind == "refuse"
    assert do("decline", BOSS, waiting(), paused="U9").kind == "ended"


@pytest.mark.parametrize("verb", ["request", "approve", "decline"])
def test_what_was_shown_has_to_be_what_stands(verb: Verb) -> None:
    assert "changed" in do(verb, BOSS, waiting(), shown="a", stands="b").reason
    assert "changed" in do(verb, BOSS, waiting(), shown="a", stands=None).reason
    assert do(verb, BOSS, waiting(), shown="a", stands="a").kind != "refuse"


def test_with_approvals_a_request_waits_until_it_expires() -> None:
    decision = do("request", ASKER, now=40)
    assert decision.kind == "wait"
    assert decision.action is not None
    assert (decision.action.state, decision.action.needed, decision.action.expires) == ("waiting", 2, 100)
    late = do("approve", BOSS, decision.action, now=100)
    assert late.kind == "ended"
    assert late.action is not None
    assert late.action.state == "expired"
    assert expire(decision.action, 99.9) is None


def test_two_distinct_people_make_the_quorum() -> None:
    first = do("approve", BOSS, waiting())
    assert first.kind == "wait"
    assert first.action is not None
    again = do("approve", BOSS, first.action)
    assert again.kind == "refuse"
    second = do("approve", OTHER, first.action)
    assert second.kind == "act"
    assert second.action is not None
    assert second.action.approvals == ("U2", "U3")


def test_a_policy_that_was_tightened_meanwhile_counts() -> None:
    three = TWO.model_copy(update={"approvals": 3})
    assert do("approve", OTHER, waiting(approvals=("U2",)), three).kind == "wait"


def test_a_vote_of_somebody_who_may_not_approve_any_more_drops_out() -> None:
    decision = do("approve", OTHER, waiting(approvals=("U8",)))
    assert decision.kind == "wait"
    assert decision.action is not None
    assert decision.action.approvals == ("U3",)


def test_a_vote_that_would_be_ones_own_by_now_drops_out() -> None:
    """The policy allowed self-approval when it was counted, or the author was not known then."""
    asked = do("approve", BOSS, waiting(approvals=("U1",)))
    wrote = do("approve", BOSS, waiting(approvals=("U3",)), authors=("U3",))
    for decision in (asked, wrote):
        assert decision.kind == "wait"
        assert decision.action is not None
        assert decision.action.approvals == ("U2",)


def test_a_waiting_request_never_passes_without_a_vote() -> None:
    assert do("approve", BOSS, waiting(needed=0), Policy(approvals=0, approvers=("U2",))).kind == "act"
    assert do("approve", OTHER, waiting(needed=0), Policy(approvals=0, approvers=("U2",))).kind == "refuse"


def test_the_requester_and_the_author_do_not_count() -> None:
    assert "you asked" in do("approve", ASKER, waiting()).reason
    assert "commit" in do("approve", BOSS, waiting(), authors=("U7", "U2")).reason
    mine = TWO.model_copy(update={"self_approval": True})
    assert do("approve", ASKER, waiting(), mine).kind == "wait"
    assert do("approve", BOSS, waiting(), mine, authors=("U2",)).kind == "wait"


def test_with_self_approval_the_request_is_a_vote_where_the_asker_may_approve() -> None:
    mine = TWO.model_copy(update={"self_approval": True})
    by_name = do("request", ASKER, policy=mine).action
    by_group = do("request", OTHER, policy=mine).action
    stranger = do("request", Person(team=HOME, user="U8"), policy=mine).action
    assert [a and a.approvals for a in (by_name, by_group, stranger)] == [("U1",), ("U3",), ()]


def test_one_decline_by_an_approver_ends_it_and_others_cannot() -> None:
    assert do("decline", OTHER, waiting(), groups={"S1": []}).kind == "refuse"
    over = do("decline", BOSS, waiting())
    assert over.kind == "ended"
    assert over.action is not None
    late = do("approve", OTHER, over.action)
    assert "<@U2>" in late.reason


def test_the_requester_may_take_it_back_only_as_an_approver() -> None:
    assert do("decline", ASKER, waiting()).kind == "ended"


@pytest.mark.parametrize("state", ["approved", "sending", "sent", "unknown", "failed", "expired", "lapsed", "declined"])
def test_what_is_decided_is_decided(state: str) -> None:
    decision = do("approve", BOSS, waiting(state=state, approvals=("U2", "U3")))
    assert decision.kind == "refuse"
    assert "Already" in decision.reason


def test_a_group_that_cannot_be_resolved_is_a_no() -> None:
    assert "could not be resolved" in do("approve", OTHER, waiting(), groups={"S1": None}).reason
    assert "could not be resolved" in do("approve", OTHER, waiting(), groups={}).reason


def test_no_approvers_means_that_nobody_may() -> None:
    assert "no approvers" in do("approve", BOSS, waiting(), Policy(approvals=1)).reason
