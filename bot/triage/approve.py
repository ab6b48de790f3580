"""May this happen? One pure decision behind every entrance (button, slash command, later: modal, CLI, alert).

Nothing here reads a clock, a store or a network: time and resolved groups come as arguments. Every answer carries a
reason that can be shown to the person who asked.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from bot.model import Noun
from bot.model.case import Action

Verb = Literal["request", "approve", "decline"]


class Policy(Noun):
    """Who must agree. `approvals: 0` means that the confirmed request acts at once, whoever makes it."""

    approvals: int = 0
    approvers: tuple[str, ...] = ()  # user ids (U..., W...) and user groups (S...)
    self_approval: bool = False
    expires: float = 1800  # seconds that a request waits


class Person(Noun):
    """Who acts, as Slack's signed payload and users.info tell."""

    team: str
    user: str
    is_bot: bool = False
    is_guest: bool = False


class Decision(Noun):
    """`act`: go. `wait`: counted, more are needed. `ended`: the request is over. `refuse`: nothing changes.
    `action` is the action as it stands after an accepted vote."""

    kind: Literal["act", "wait", "ended", "refuse"]
    reason: str
    action: Action | None = None


def _outsider(person: Person, home_team: str | None) -> str | None:
    if person.is_bot:
        return "bots may not do this"
    if home_team is None or person.team != home_team:
        return "only people of this bot's own workspace may do this"
    if person.is_guest:
        return "guests may not do this"
    return None


def _may_approve(person: Person, policy: Policy, groups: Mapping[str, Sequence[str] | None]) -> str | None:
    """None if allowed; else why not. `groups` maps S... to its members, None where it could not be resolved."""
    if person.user in policy.approvers:
        return None
    unresolved = []
    for group in policy.approvers:
        if group.startswith("S"):
            members = groups.get(group)
            if members is None:
                unresolved.append(group)
            elif person.user in members:
                return None
    if unresolved:
        return f"the user group {', '.join(unresolved)} could not be resolved, which counts as no"
    if not policy.approvers:
        return "no approvers are configured for it"
    return "you are not among its approvers"


def request(person: Person, action: Action, policy: Policy, home_team: str | None, now: float) -> Decision:
    """Somebody asks for an action. `action` is the one that would be made."""
    if why := _outsider(person, home_team):
        return Decision(kind="refuse", reason=f"Not allowed: {why}.")
    if policy.approvals <= 0:
        made = action.model_copy(update={"state": "approved"})
        return Decision(kind="act", reason="no approval is needed", action=made)
    waiting = {"state": "waiting", "needed": policy.approvals, "expires": now + policy.expires}
    made = action.model_copy(update=waiting)
    if policy.self_approval and _may_approve(person, policy, {}) is None:
        return vote(person, "approve", made, policy, {}, home_team, now)
    return Decision(kind="wait", reason=f"waiting for {policy.approvals} approval(s)", action=made)


def vote(  # one line a rule, each with its own words
    person: Person,
    verb: Literal["approve", "decline"],
    action: Action,
    policy: Policy,
    groups: Mapping[str, Sequence[str] | None],
    home_team: str | None,
    now: float,
    author: str | None = None,
) -> Decision:
    """An approval or a veto. `author`: the Slack user id of the commit's author, where it is known."""
    if why := _outsider(person, home_team):
        return Decision(kind="refuse", reason=f"Not allowed: {why}.")
    if action.state != "waiting":
        who = f" by <@{action.decided_by}>" if action.decided_by else ""
        return Decision(kind="refuse", reason=f"Too late: this request is already {action.state}{who}.")
    if action.expires is not None and now >= action.expires:
        over = action.model_copy(update={"state": "expired"})
        return Decision(kind="ended", reason="This request has expired: ask again.", action=over)
    if why := _may_approve(person, policy, groups):
        return Decision(kind="refuse", reason=f"Not allowed: {why}.")
    if verb == "decline":
        over = action.model_copy(update={"state": "declined", "decided_by": person.user})
        return Decision(kind="ended", reason="Declined.", action=over)
    if not policy.self_approval and person.user == action.requested_by:
        return Decision(kind="refuse", reason="Not allowed: you asked for it, so somebody else has to approve it.")
    if not policy.self_approval and author is not None and person.user == author:
        return Decision(kind="refuse", reason="Not allowed: you wrote the commit, so somebody else has to approve it.")
    if person.user in action.approvals:
        return Decision(kind="refuse", reason="You have approved this already; another person has to.")
    votes = (*action.approvals, person.user)
    if len(votes) >= max(action.needed, policy.approvals):
        done = action.model_copy(update={"state": "approved", "approvals": votes})
        return Decision(kind="act", reason="approved", action=done)
    counted = action.model_copy(update={"approvals": votes})
    missing = max(action.needed, policy.approvals) - len(votes)
    return Decision(kind="wait", reason=f"Counted. {missing} more approval(s) needed.", action=counted)
