"""May this happen? One pure decision behind every entrance (button, slash command, later: modal, CLI, alert).

Nothing here reads a clock, a store or a network: time, resolved groups and the kill switch come as facts. Every answer
carries a reason that can be shown to the person who asked.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from bot.model import Noun
from bot.model.case import Action, ActionState

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


class Facts(Noun):
    """How the world stands at the moment of the decision."""

    now: float  # UNIX time
    home_team: str | None = None  # the only workspace whose people may act; None: not known yet, which counts as no
    groups: Mapping[str, Sequence[str] | None] = Field(default_factory=dict)  # S... -> members; None: not resolvable
    authors: tuple[str, ...] = ()  # Slack user ids of those who wrote the commit, where they are known
    paused: str | None = None  # who pulled the kill switch (Slack user id)
    shown: str | None = None  # the digest of what the person saw (the button's); None: a command, nothing was shown
    stands: str | None = None  # the same digest of how things stand now


class Decision(Noun):
    """`act`: go. `wait`: counted, more are needed. `ended`: the request is over. `refuse`: nothing changes.
    `action` is the action as it stands afterwards; None where nothing changes."""

    kind: Literal["act", "wait", "ended", "refuse"]
    reason: str
    action: Action | None = None


_STANDS: Mapping[ActionState, str] = {
    "approved": "it is approved and being sent",
    "sending": "it is being sent",
    "sent": "it was sent",
    "failed": "it was tried and failed",
    "unknown": "it may have been sent; a person has to look",
    "declined": "it was declined",
    "expired": "it expired",
    "lapsed": "it lapsed, since the world had moved",
}


def decide(verb: Verb, person: Person, action: Action, policy: Policy, facts: Facts) -> Decision:
    """The rules, in this order; the first that says no gives the reason. `action` is the one that would be made (verb
    request) or the one that stands in the store (approve, decline)."""
    if why := outsider(person, facts.home_team):
        return _no(f"Not allowed: {why}.")
    if facts.paused is not None and verb != "decline":
        return _no(f"Actions are paused by <@{facts.paused}> (`/medic resume` ends that).")
    if facts.shown is not None and facts.shown != facts.stands:
        return _no("What you were shown has changed since: look at the message again before you decide.")
    return _request(person, action, policy, facts) if verb == "request" else _vote(verb, person, action, policy, facts)


def outsider(person: Person, home_team: str | None) -> str | None:
    """Why this person may do nothing at all here; None for a full member of the bot's own workspace."""
    if person.is_bot:
        return "bots may not do this"
    if home_team is None or person.team != home_team:
        return "only people of this bot's own workspace may do this"
    if person.is_guest:
        return "guests may not do this"
    return None


def _request(person: Person, action: Action, policy: Policy, facts: Facts) -> Decision:
    if policy.approvals <= 0:
        made = action.model_copy(update={"state": "approved"})
        return Decision(kind="act", reason="no approval is needed", action=made)
    waiting = {"state": "waiting", "needed": policy.approvals, "expires": facts.now + policy.expires}
    made = action.model_copy(update=waiting)
    if policy.self_approval and _may_not_approve(person.user, policy, facts) is None:
        return _vote("approve", person, made, policy, facts)
    return Decision(kind="wait", reason=f"waiting for {policy.approvals} approval(s)", action=made)


def _vote(verb: Verb, person: Person, action: Action, policy: Policy, facts: Facts) -> Decision:
    if action.state != "waiting":
        return _no(_too_late(action))
    if lapsed := expire(action, facts.now):
        return Decision(kind="ended", reason="This request has expired: ask again.", action=lapsed)
    if why := _may_not_approve(person.user, policy, facts):
        return _no(f"Not allowed: {why}.")
    if verb == "decline":
        over = action.model_copy(update={"state": "declined", "decided_by": person.user})
        return Decision(kind="ended", reason="Declined.", action=over)
    if why := _own(person.user, action, policy, facts):
        return _no(f"Not allowed: {why}, so somebody else has to approve it.")
    if person.user in action.approvals:
        return _no("You have approved this already; another person has to.")
    return _count(person.user, action, policy, facts)


def _count(user: str, action: Action, policy: Policy, facts: Facts) -> Decision:
    """One more vote. Votes of people who may not approve any more drop out: roles count when it matters."""
    able = [u for u in action.approvals if _may_not_approve(u, policy, facts) is None]
    stand = tuple(u for u in able if _own(u, action, policy, facts) is None)
    votes = (*stand, user)
    needed = max(action.needed, policy.approvals, 1)
    if len(votes) >= needed:
        done = action.model_copy(update={"state": "approved", "approvals": votes})
        return Decision(kind="act", reason="approved", action=done)
    counted = action.model_copy(update={"approvals": votes})
    return Decision(kind="wait", reason=f"Counted. {needed - len(votes)} more approval(s) needed.", action=counted)


def expire(action: Action, now: float) -> Action | None:
    """The action as expired, if its time is over; else None."""
    if action.state == "waiting" and action.expires is not None and now >= action.expires:
        return action.model_copy(update={"state": "expired"})
    return None


def _may_not_approve(user: str, policy: Policy, facts: Facts) -> str | None:
    """None if allowed; else why not."""
    if user in policy.approvers:
        return None
    unresolved = []
    for group in policy.approvers:
        if group.startswith("S"):
            members = facts.groups.get(group)
            if members is None:
                unresolved.append(group)
            elif user in members:
                return None
    if unresolved:
        return f"the user group {', '.join(unresolved)} could not be resolved, which counts as no"
    if not policy.approvers:
        return "no approvers are configured for it"
    return "you are not among its approvers"


def _own(user: str, action: Action, policy: Policy, facts: Facts) -> str | None:
    """Why this would be approving one's own work; None where it is not, or the policy allows it."""
    if policy.self_approval:
        return None
    if user == action.requested_by:
        return "you asked for it"
    return "you wrote the commit" if user in facts.authors else None


def _too_late(action: Action) -> str:
    """Already done, and by whom."""
    by = action.decided_by or (action.approvals[-1] if action.approvals else action.requested_by)
    who = f" by <@{by}>" if action.state not in ("expired", "lapsed") else ""
    return f"Already decided{who}: {_STANDS.get(action.state, action.state)}."


def _no(reason: str) -> Decision:
    return Decision(kind="refuse", reason=reason)
