"""A case about a release as Block Kit: what failed, what a rollback would change, and how it stands. Pure."""

from datetime import datetime

from bot.model.case import OVER, Action, Case
from bot.model.language import heard, tr
from bot.model.release import Plan, Release, Revision
from bot.slack import words
from bot.slack.mrkdwn import bare, clip, link, person, prose, span
from bot.slack.sections import Block, context, section


def about(case: Case) -> Plan | None:
    """The plan that the case's message is about: of its latest rollback; of the one that is offered, if none was asked
    for, or if what was asked for is over without an effect (the button below stands for the offer)."""
    offered = next(iter(case.offers.values()), None) if is_release(case) else None
    if case.action is not None and case.action.state in OVER and case.action.kind == "rollback" and offered:
        return offered
    for action in (case.action, *reversed(case.past)):
        if action is not None and action.plan is not None:
            return action.plan
    return offered


def is_release(case: Case) -> bool:
    """Whether the case is about a release, and not about a build."""
    return case.build is None and not case.findings


def first_line(case: Case) -> str:
    """What phones show, in words that stand alone."""
    plan, release = about(case), case.release
    if plan is not None and case.action is not None and case.action.kind == "restore" and case.action.state != "sent":
        text = tr(words.RESTORE_FIRST, app=plan.app, environment=plan.environment)
        return prose(f"{text} – {tr(words.ROLLBACK_SUFFIX[case.action.state])}", 300)
    if plan is not None and case.action is not None:
        text = tr(words.ROLLBACK_FIRST, app=plan.app, environment=plan.environment, target=_short(plan.target))
        ended = case.state in words.ROLLBACK_SUFFIX and case.state != "watching"
        suffix = tr(words.ROLLBACK_SUFFIX.get(case.state if ended else case.action.state, ""))
        return prose(f"{text} – {suffix}" if suffix else text, 300)
    if release is not None:
        text = tr(words.RELEASE_FIRST, app=release.app, environment=release.environment, health=release.health)
        return prose(text, 300)
    return prose(tr(words.RELEASE_LOOKING, app=case.key.repository), 300)


def run_line(case: Case) -> Block:
    plan, release = about(case), case.release
    known = release or plan
    if known is None:
        return context(prose(case.key.repository, 140))
    left = any(a.kind == "rollback" and a.state == "sent" for a in (*case.past, case.action) if a)
    text = words.RELEASE_RAN if left else words.RELEASE_RUNS
    name = tr(text, app=known.app, environment=known.environment, revision=_short(known.current))
    parts = [link(known.url, name, 200)]
    if case.asked_by:
        parts.append(tr(words.ASKED_BY, who=person(case.asked_by)))
    return context(" · ".join(parts))


def details(case: Case) -> list[Block]:
    """What failed, and what the rollback changes."""
    blocks = []
    if case.release is not None:
        blocks += _failed(case.release)
    plan = about(case)
    if plan is not None:
        blocks.append(section(_plan(plan, case)))
    return blocks


def _failed(release: Release) -> list[Block]:
    told = [prose(release.failed or "", 1200), prose(heard(release.health_note or ""), 600)]
    failed = "\n".join(text for text in told if text)
    lines = [tr(words.RELEASE_FAILED, failed=failed)] if failed else []
    if release.busy:
        lines.append(tr(words.RELEASE_BUSY, busy=prose(heard(release.busy), 300)))
    return [section("\n".join(lines))] if lines else []


def _plan(plan: Plan, case: Case) -> str:
    done = any(a.kind == "rollback" and a.plan == plan and a.state == "sent" for a in (*case.past, case.action) if a)
    before = tr(words.PLAN_BEFORE if done else words.PLAN_NOW)
    lines = [
        tr(words.PLAN_HEAD_DONE if done else words.PLAN_HEAD),
        "• " + tr(words.PLAN_FROM, before=before, **_revision(plan.current)),
        "• " + tr(words.PLAN_TO, entry=span(plan.target.id, 30), **_revision(plan.target)),
        "• " + tr(words.PLAN_HEALTH, before=before, health=prose(plan.health, 40)),
    ]
    if plan.automatic:
        back = case.state == "restored"
        said = words.PLAN_AUTOMATIC_BACK if back else words.PLAN_AUTOMATIC_DONE if done else words.PLAN_AUTOMATIC
        lines.append(tr(said, automatic=prose(plan.automatic, 200)))
    lines += [tr(words.PLAN_WARNING, warning=prose(heard(w), 240)) for w in plan.warnings[:5]]
    return "\n".join(lines)


def _revision(revision: Revision) -> dict[str, str]:
    shown = span(_short(revision), 60)
    if revision.message:
        shown += f" “{prose(revision.message, 80)}”"
    images = ", ".join(span(i, 160) for i in revision.images[:3])
    more = f" +{len(revision.images) - 3}" if len(revision.images) > 3 else ""
    deployed = tr(words.PLAN_DEPLOYED, when=_when(revision.deployed_at)) if revision.deployed_at else ""
    deployed += tr(words.PLAN_BY, who=prose(revision.deployed_by, 60)) if revision.deployed_by else ""
    return {"revision": shown, "images": f", {images}{more}" if images else "", "deployed": deployed}


def _when(moment: datetime) -> str:
    at = int(moment.timestamp())
    return f"<!date^{at}^{{date_short_pretty}} {{time}}|{moment:%Y-%m-%d %H:%M} UTC>"


def _short(revision: Revision) -> str:
    """Commits are cut as people cut them; versions are not."""
    whole = revision.revision
    return whole[:7] if len(whole) == 40 and all(c in "0123456789abcdef" for c in whole) else clip(bare(whole), 60)


def status_words(case: Case) -> str | None:
    """How a rollback stands, by the case's state."""
    return words.ROLLBACK_STATUS.get(case.state)


def what_is_decided(action: Action) -> str:
    """What somebody is about to approve, as one plain sentence without its end; "" where it is no rollback."""
    plan = action.plan
    if plan is None:
        return ""
    if action.kind == "restore":
        return tr(words.RESTORE_FIRST, app=plan.app, environment=plan.environment)
    current, target = _short(plan.current), _short(plan.target)
    return tr(words.ROLLBACK_FROM, app=plan.app, environment=plan.environment, current=current, target=target)


def action_words(action: Action) -> str:
    """The template for who did what."""
    table = {"rollback": words.ROLLBACK_ACTION, "restore": words.RESTORE_ACTION}.get(action.kind, words.ACTION)
    return table[action.state]


def confirm_rollback(plan: Plan) -> Block:
    """The dialog before a rollback is asked for. Plain text: nothing of what the deploy system says is interpreted."""
    text = tr(words.CONFIRM_ROLLBACK_TEXT, environment=clip(bare(plan.environment), 40), current=_short(plan.current),
        target=_short(plan.target),
        approval=tr(words.CONFIRM_ROLLBACK_WAITS),
    )  # fmt: skip
    title = tr(words.CONFIRM_ROLLBACK, app=clip(bare(plan.app), 60))
    return dialog(title, text, tr(words.CONFIRM_ASK))


def dialog(title: str, text: str, yes: str, style: str = "primary") -> Block:
    """A confirm object; Slack's limits: title 100, text 300, buttons 30 characters."""
    return {
        "title": {"type": "plain_text", "text": clip(title, 100)},
        "text": {"type": "plain_text", "text": clip(text, 300)},
        "confirm": {"type": "plain_text", "text": clip(yes, 30)},
        "deny": {"type": "plain_text", "text": tr(words.CONFIRM_NO)},
        "style": style,
    }
