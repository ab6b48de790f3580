"""Rollbacks through the front doors: the command, the button under a failed release, two people, once, and its outcome."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.serve.standins.argocd import ArgocdStandIn, Life
from bot.serve.standins.door import Fault
from bot.store import open_store
from tests.harness import CHANNEL, Town, about, text_of

GOOD, BAD = "a" * 40, "b" * 40
ROLLBACK = ("POST", "/api/v1/applications/checkout/rollback")


def argo(**more: Any) -> ArgocdStandIn:
    """The good release, and the bad one after it; auto-sync is on."""
    made = ArgocdStandIn(app="checkout", automated={"prune": True, "selfHeal": True}, life=Life(operation=0.2), **more)
    made.deploy(GOOD, images=["registry.acme.example/checkout:v1"])
    made.deploy(BAD, images=["registry.acme.example/checkout:v2"], outcome="degraded")
    return made


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with Town(tmp_path, argo=argo()) as made:
        yield made


def messages(town: Town) -> list[dict[str, Any]]:
    return [m for m in town.replies() if about(m)["case"].startswith("checkout:")]


async def release(town: Town, state: str = "", words: str = "") -> dict[str, Any]:
    """The message about the release, once it is in this state and says these words."""

    def there() -> dict[str, Any] | None:
        for message in messages(town):
            if state in ("", about(message)["state"]) and words in text_of(message):
                return message
        return None

    return await town.until(there, f"the release {state} {words!r}")


async def click(town: Town, user: str, message: dict[str, Any], action: str) -> None:
    assert await town.slack.click(user, CHANNEL, message["ts"], action) == 200


async def test_two_people_approve_a_rollback_and_it_is_done_once_and_verified(town: Town) -> None:
    assert town.argo is not None
    await town.slack.command("U0ADA", CHANNEL, "rollback checkout")
    asked = await release(town, words="0 of 2 approvals")
    assert "May approve: <@U0BOB>, <@U0EVE>, <@U0DAN>." in text_of(asked)
    for part in (GOOD[:7], BAD[:7], "checkout:v1", "checkout:v2", "auto-sync with prune and self-heal"):
        assert part in text_of(asked)
    assert town.argo.count(*ROLLBACK) == 0
    await click(town, "U0ADA", asked, "medic.approve")
    await town.until(
        lambda: any("Not allowed" in e["text"] for e in town.slack.ephemerals("U0ADA")), "a no to the asker"
    )
    await click(town, "U0BOB", asked, "medic.approve")
    await click(town, "U0BOB", asked, "medic.approve")
    await release(town, words="1 of 2 approvals")
    assert town.argo.count(*ROLLBACK) == 0
    button = town.slack.button(CHANNEL, asked["ts"], "medic.approve")
    await asyncio.gather(
        *(town.slack.click(u, CHANNEL, asked["ts"], "medic.approve", button=button) for u in ("U0EVE", "U0DAN") * 3)
    )
    done = await release(town, "recovered")
    assert town.argo.count(*ROLLBACK) == 1
    assert town.argo.history[-1]["revision"] == GOOD
    assert not town.argo.auto
    assert "switched off" in text_of(done)
    assert any(
        "Already decided" in e["text"] for e in [*town.slack.ephemerals("U0EVE"), *town.slack.ephemerals("U0DAN")]
    )
    await click(town, "U0BOB", done, "medic.restore")
    waits = await release(town, words="asks to put back")
    await click(town, "U0EVE", waits, "medic.approve")
    await click(town, "U0DAN", waits, "medic.approve")
    await release(town, "restored")
    assert town.argo.automated == {"prune": True, "selfHeal": True}


async def test_a_decline_ends_it_and_it_can_be_asked_for_again(town: Town) -> None:
    assert town.argo is not None
    await town.slack.command("U0ADA", CHANNEL, f"rollback checkout {GOOD[:9]}")
    asked = await release(town, words="0 of 2")
    await click(town, "U0BOB", asked, "medic.decline")
    over = await release(town, words="declined it")
    old = town.slack.ephemerals()
    await click(town, "U0ADA", over, "medic.rollback")
    again = await release(town, words="0 of 2")
    assert "Earlier here" in text_of(again)
    assert again["ts"] == asked["ts"]
    assert town.slack.ephemerals() == old
    assert town.argo.count(*ROLLBACK) == 0


async def test_a_button_from_before_the_world_moved_does_nothing(town: Town) -> None:
    assert town.argo is not None
    await town.slack.command("U0ADA", CHANNEL, "rollback checkout")
    asked = await release(town, words="0 of 2")
    await click(town, "U0BOB", asked, "medic.approve")
    await release(town, words="1 of 2")
    town.argo.deploy("c" * 40)
    await click(town, "U0EVE", asked, "medic.approve")
    lapsed = await release(town, words="it lapsed")
    assert "moved" in text_of(lapsed)
    assert town.argo.count(*ROLLBACK) == 0
    assert town.argo.auto


async def test_a_notice_of_argo_cd_is_answered_in_its_thread_with_the_way_back(town: Town) -> None:
    assert town.argo is not None
    event = {
        "type": "message", "user": "U0ARGOCD01", "bot_id": "B0ARGOCD01", "app_id": "A0X", "channel": CHANNEL, "ts": "1.1",
        "text": ":exclamation: The sync operation of application checkout has failed",
        "attachments": [{"title": "checkout", "color": "E96D76", "title_link": f"{town.argo.url}/applications/checkout"}],
    }  # fmt: skip
    ts = await town.slack.post_notice(event)
    shown = await release(town, "diagnosed")
    assert shown["thread_ts"] == ts
    assert "degraded" in text_of(shown)
    await click(town, "U0BOB", shown, "medic.rollback")
    asked = await release(town, words="0 of 2")
    assert asked["ts"] == shown["ts"]
    assert len(messages(town)) == 1


async def test_the_webhook_of_argo_cd_opens_the_case_in_the_channel_of_its_entry(tmp_path: Path) -> None:
    stand = argo()
    async with Town(tmp_path, argo=stand) as town:
        stand.webhook_url = f"http://127.0.0.1:{town.port}/webhooks/checkout"
        entry = {**stand.settings("checkout", "production"), "channel": CHANNEL}
        town.config["deploys"] = [entry]
        await town.stop()
        await town.start()
        for _ in range(3):
            assert await stand.tell("on-health-degraded") in (200, 202)
        await release(town, "diagnosed")
        assert len(messages(town)) == 1
        stand.webhook_secret = "wrong"
        assert await stand.tell("on-health-degraded") == 401


async def test_the_button_under_a_failed_deployment_run(town: Town) -> None:
    from bot.serve.standins.github import JobPlan

    assert town.argo is not None
    log = b"##[group]Run ./deploy.sh\n##[endgroup]\nError: timed out waiting for the condition\n##[error]exit code 1.\n"
    run = town.ci.add_run("acme/checkout", [JobPlan(name="deploy to production", log=log)])
    await town.ci.announce(run)
    reply = await town.reply(run, "diagnosed")
    await click(town, "U0ADA", reply, "medic.rollback")
    asked = await release(town, words="0 of 2")
    assert asked["thread_ts"] == reply["ts"]
    other = town.ci.add_run("acme/shop", [JobPlan(name="deploy to production", log=log)])
    await town.ci.announce(other)
    reply = await town.reply(other, "diagnosed")
    with pytest.raises(LookupError):
        town.slack.button(CHANNEL, reply["ts"], "medic.rollback")


async def test_a_lost_answer_is_looked_up_and_not_sent_twice(town: Town) -> None:
    assert town.argo is not None
    await town.slack.command("U0ADA", CHANNEL, "rollback checkout")
    asked = await release(town, words="0 of 2")
    town.argo.faults.append(Fault("POST .*/rollback", drop=True, after=True))
    for user in ("U0BOB", "U0EVE"):
        await click(town, user, asked, "medic.approve")
    await release(town, "recovered")
    assert town.argo.count(*ROLLBACK) == 1


async def test_a_release_that_is_no_better_is_said_to_be_worse(tmp_path: Path) -> None:
    stand = argo()
    stand.life.outcomes[GOOD] = "failed"
    async with Town(tmp_path, argo=stand) as town:
        await town.slack.command("U0ADA", CHANNEL, "rollback checkout")
        asked = await release(town, words="0 of 2")
        for user in ("U0BOB", "U0EVE"):
            await click(town, user, asked, "medic.approve")
        assert "No better" in text_of(await release(town, "worse"))


async def test_commands_around_it(town: Town) -> None:
    async def said(text: str, user: str = "U0ADA") -> str:
        before = len(town.slack.ephemerals(user))
        await town.slack.command(user, CHANNEL, text)
        await town.until(lambda: len(town.slack.ephemerals(user)) > before, f"an answer to {text}")
        return str(town.slack.ephemerals(user)[-1]["text"])

    assert "known: checkout" in await said("rollback nothing")
    assert "no entry" in await said("rollback checkout 99")
    assert "Nothing waits" in await said("approvals")
    assert "Asked for" in await said("rollback checkout")
    asked = await release(town, words="0 of 2")
    assert "Already asked for by <@U0ADA>" in await said("rollback checkout", "U0BOB")
    assert "http" in await said("rollback checkout")
    assert "pproval" in await said("status")
    assert "rollback of checkout (production)" in await said("approvals")
    assert "Paused" in await said("pause")
    await click(town, "U0BOB", asked, "medic.approve")
    await town.until(lambda: any("paused" in e["text"] for e in town.slack.ephemerals("U0BOB")), "told of the pause")
    assert "Resumed" in await said("resume")
    store = open_store(f"sqlite:///{town.folder / 'town.db'}")
    tried = [(e.who, e.what) for e in store.audit_trail()]
    store.close()
    assert ("U0BOB", "tries in vain to approve rollback") in tried
    assert town.argo is not None
    assert town.argo.count(*ROLLBACK) == 0
