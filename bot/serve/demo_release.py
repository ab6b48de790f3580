"""The second part of the demo: a bad release is rolled back, once two people have agreed, and is looked after."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot.serve.standins.argocd import ArgocdStandIn, Life
from bot.serve.standins.slack import SlackStandIn

ENTRY = "checkout"
APP_ID = "A0ARGOCD01"
APPROVERS = ("U0ADA", "U0BOB", "U0EVE")
ENVIRONMENTS = {"production": {"approvals": 2, "approvers": list(APPROVERS)}}
_GOOD, _BAD = "7c1d2e3f5a6b4c8d9e0f1a2b3c4d5e6f7a8b9c0d", "e4f5a6b7c8d90a1b2c3d4e5f60718293a4b5c6d7"

Ask = Callable[[str, dict[str, Any], str], Awaitable[bool]]
"""Who presses, the button, and how that is told; whether it is pressed."""
Reply = Callable[[str, tuple[str, ...], str], Awaitable[str]]
"""The bot's message in the thread of a message, once it is in one of these states and says these words."""


def stand_in() -> ArgocdStandIn:
    """Argo CD with the good release, and the bad one after it; auto-sync is on."""
    made = ArgocdStandIn(app=ENTRY, automated={"prune": True, "selfHeal": True}, life=Life(operation=1.0))
    made.deploy(_GOOD, images=["registry.acme.example/checkout:1.41.0"])
    made.deploy(_BAD, images=["registry.acme.example/checkout:1.42.0"], outcome="degraded", by="ci")
    return made


async def story(
    slack: SlackStandIn, argo: ArgocdStandIn, channel: str, say: Callable[[str], None], ask: Ask, reply: Reply
) -> bool | None:
    """Whether the rollback was done once and verified; None if the person chose not to press."""
    say("An hour later Argo CD has deployed checkout 1.42.0 to production, and its own notice says how that went.")
    notice = await slack.post_notice(_notice(argo.url, channel))
    ts = await reply(notice, ("diagnosed",), "")
    if not await ask("U0ADA", slack.button(channel, ts, "medic.rollback"), "Ada presses roll back."):
        return None
    await slack.click("U0ADA", channel, ts, "medic.rollback")
    await reply(notice, ("diagnosed",), "0 of 2 approvals")
    say("Production takes two people, and she who asks does not count. Ada tries all the same:")
    await slack.click("U0ADA", channel, ts, "medic.approve")
    await _until(lambda: bool(slack.ephemerals("U0ADA")))
    for user, name, words in (("U0BOB", "Bob", "1 of 2 approvals"), ("U0EVE", "Eve", "")):
        if not await ask(user, slack.button(channel, ts, "medic.approve"), f"{name} approves."):
            return None
        await slack.click(user, channel, ts, "medic.approve")
        if words:
            await reply(notice, ("diagnosed",), words)
    await reply(notice, ("recovered", "worse", "inconclusive"), "")
    asked, runs = argo.count("POST", f"/api/v1/applications/{ENTRY}/rollback"), argo.history[-1]["revision"]
    say(
        f"Done. Rollbacks that reached Argo CD: {asked}. It runs {runs[:7]} again, and auto-sync is off until somebody"
        " presses the button for that."
    )
    return asked == 1 and runs == _GOOD and not argo.auto


async def _until(there: Callable[[], bool], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.05)):
        if there():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("nobody was told why not")


def approvals(what: dict[str, Any]) -> str:
    """How many have approved, as the message has it: what tells two edits of a waiting request apart."""
    return "".join(re.findall(r"\d of \d approvals", json.dumps(what.get("blocks") or [])))


def _notice(site: str, channel: str) -> dict[str, Any]:
    """What Argo CD Notifications' own template posts where a release is unhealthy."""
    page = f"{site}/applications/{ENTRY}"
    return {
        "type": "message", "user": "U0ARGOCD01", "bot_id": "B0ARGOCD01", "app_id": APP_ID, "ts": "1.000002",
        "channel": channel, "text": f":exclamation: Application {ENTRY} has degraded.\nApplication details: {page}.",
        "attachments": [
            {
                "color": "f4c030", "title": ENTRY, "title_link": page,
                "fields": [{"title": "Health Status", "value": "Degraded", "short": True}],
            }
        ],
    }  # fmt: skip
