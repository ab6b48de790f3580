"""Every rule of the decision, each by the words it gives."""

import pytest

from bot.model.case import Action
from bot.triage.approve import Person, Policy, request, vote

HOME = "T1"
ASKER = Person(team=HOME, user="U1")
BOSS = Person(team=HOME, user="U2")
OTHER = Person(team=HOME, user="U3")
ACTION = Action(kind="rerun", id="rerun:x", requested_by="U1", state="waiting")
TWO = Policy(approvals=2, approvers=("U1", "U2", "S1"), expires=60)


def waiting(**update: object) -> Action:
    return ACTION.model_copy(update={"needed": 2, "expires": 100.0, **update})


def test_without_approvals_anybody_of_the_workspace_acts_at_once() -> None:
    assert request(OTHER, ACTION, Policy(), HOME, 0).kind == "act"


@pytest.mark.parametrize(
    ("person", "word"),
    [
        (Person(team="T2", user="U1"), "workspace"),
        (Person(team=HOME, user="U1", is_guest=True), "guests"),
        (Person(team=HOME, user="U1", is_bot=True), "bots"),
    ],
)
def test_outsiders_neither_ask_nor_vote(person: Person, word: str) -> None:
    assert word in request(person, ACTION, Policy(), HOME, 0).reason
    decision = vote(person, "approve", waiting(), TWO, {"S1": ["U1"]}, HOME, 0)
    assert decision.kind == "refuse"
    assert word in decision.reason


def test_an_unknown_home_workspace_means_no() -> None:
    assert request(ASKER, ACTION, Policy(), None, 0).kind == "refuse"


def test_with_approvals_a_request_waits_until_it_expires() -> None:
    decision = request(ASKER, ACTION, TWO, HOME, 40)
    assert decision.kind == "wait"
    assert decision.action is not None
    assert (decision.action.state, decision.action.needed, decision.action.expires) == ("waiting", 2, 100)
    late = vote(BOSS, "approve", decision.action, TWO, {}, HOME, 100)
    assert late.kind == "ended"
    assert late.action is not None
    assert late.action.state == "expired"


def test_two_distinct_people_make_the_quorum() -> None:
    first = vote(BOSS, "approve", waiting(), TWO, {"S1": ["U3"]}, HOME, 0)
    assert first.kind == "wait"
    assert first.action is not None
    again = vote(BOSS, "approve", first.action, TWO, {"S1": ["U3"]}, HOME, 0)
    assert again.kind == "refuse"
    second = vote(OTHER, "approve", first.action, TWO, {"S1": ["U3"]}, HOME, 0)
    assert second.kind == "act"
    assert second.action is not None
    assert second.action.approvals == ("U2", "U3")


def test_the_requester_and_the_author_do_not_count() -> None:
    assert "you asked" in vote(ASKER, "approve", waiting(), TWO, {}, HOME, 0).reason
    assert "commit" in vote(BOSS, "approve", waiting(), TWO, {}, HOME, 0, author="U2").reason
    mine = TWO.model_copy(update={"self_approval": True})
    assert vote(ASKER, "approve", waiting(), mine, {}, HOME, 0).kind == "wait"


def test_one_decline_by_an_approver_ends_it_and_others_cannot() -> None:
    assert vote(OTHER, "decline", waiting(), TWO, {"S1": []}, HOME, 0).kind == "refuse"
    over = vote(BOSS, "decline", waiting(), TWO, {}, HOME, 0)
    assert over.kind == "ended"
    assert over.action is not None
    late = vote(OTHER, "approve", over.action, TWO, {"S1": ["U3"]}, HOME, 0)
    assert "<@U2>" in late.reason


def test_a_group_that_cannot_be_resolved_is_a_no() -> None:
    assert "could not be resolved" in vote(OTHER, "approve", waiting(), TWO, {"S1": None}, HOME, 0).reason


def test_no_approvers_means_that_nobody_may() -> None:
    nobody = Policy(approvals=1)
    assert "no approvers" in vote(BOSS, "approve", waiting(), nobody, {}, HOME, 0).reason
