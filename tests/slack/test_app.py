"""Through the front door: signed requests from the stand-in workspace, kept, worked on by Bolt, heard by a desk."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from slack_bench import Bench
from slack_cases import case

from bot.model.case import Case
from bot.model.errors import Unavailable, UsageError
from bot.ports import Who
from bot.serve.standins.slack import Fault

SAMPLES = Path(__file__).parent / "samples"
RUN = "https://github.com/acme/shop/actions/runs/17283940511"
ADA = Who(team="T0ACME", user="U0ADA")


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return loaded


async def shown(bench: Bench, thread: str | None = None, **changes: Any) -> tuple[Case, str]:
    """The case's message in #builds; returns its ts."""
    given = case(**changes)
    ref = await bench.chat.show(given, channel="C0BUILDS", thread=thread)
    return given, ref.ts


# notices


@pytest.mark.parametrize("name", sorted(p.stem for p in SAMPLES.glob("*.json") if "_02_" not in p.stem))
async def test_every_sample_reaches_the_desk(bench: Bench, name: str) -> None:
    ts = await bench.slack.post_notice(sample(name))
    await bench.pump()
    [(kind, message, urls, verdict)] = bench.desk.asked
    assert (kind, message.channel, message.ts) == ("notice", "C0CIALERTS", ts)
    assert urls
    assert verdict == ("running" if "started" in name else "failed")


async def test_an_edit_into_failure_speaks_of_the_same_message(bench: Bench) -> None:
    ts = await bench.slack.post_notice(sample("github_app_workflow_01_started"))
    assert ts == await bench.slack.post_notice(sample("github_app_workflow_02_failed_message_changed"))
    await bench.pump()
    assert [(a[1].ts, a[3]) for a in bench.desk.asked] == [(ts, "running"), (ts, "failed")]


async def test_a_channel_that_is_not_watched_is_left_alone(bench: Bench) -> None:
    bench.slack.add_channel("C0OTHER", "other")
    await bench.slack.post_notice(sample("travis_ci_failed"), "C0OTHER")
    assert await bench.pump() == ["not a watched channel"]
    assert bench.desk.asked == []


async def test_own_messages_and_their_edits_are_no_notices(bench: Bench) -> None:
    own = {"type": "message", "channel": "C0BUILDS", "ts": "1.1", "bot_id": "B0MEDIC", "text": f"failed {RUN}"}
    await bench.slack.event(own)
    edit = {"type": "message", "subtype": "message_changed", "channel": "C0BUILDS", "ts": "1.2", "message": own}
    await bench.slack.event(edit)
    await bench.slack.event({"type": "app_mention", "user": "U0ADA", "channel": "C0BUILDS", "text": "hi", "ts": "1.3"})
    await bench.pump()
    assert bench.desk.asked == []
    assert bench.pending() == []


async def test_a_repeat_is_taken_and_worked_on_once(bench: Bench) -> None:
    event = sample("travis_ci_failed")["event"]
    assert [await bench.slack.event(event, "Ev1") for _ in range(3)] == [200, 200, 200]
    assert len(bench.pending()) == 1
    await bench.pump()
    assert len(bench.desk.asked) == 1


async def test_a_first_try_that_says_it_is_a_retry_is_not_dropped(bench: Bench) -> None:
    body = json.dumps(sample("travis_ci_failed")).encode()
    headers = {**bench.slack.signed(body), "content-type": "application/json", "X-Slack-Retry-Num": "2"}
    assert (await bench.door.receive(headers, body))[0] == 200
    assert len(bench.pending()) == 1


# signatures and shapes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h: h | {"X-Slack-Signature": "v0=" + "0" * 64},
        lambda h: h | {"X-Slack-Signature": "v0=ü"},
        lambda h: {k: v for k, v in h.items() if k != "X-Slack-Signature"},
        lambda h: h | {"X-Slack-Request-Timestamp": str(int(time.time()) - 301)},
        lambda h: h | {"X-Slack-Request-Timestamp": "soon"},
        lambda h: h | {"X-Slack-Request-Timestamp": "٣"},
        lambda h: {},
    ],
)
async def test_bad_signatures_get_401_and_nothing_is_kept(bench: Bench, spoil: Any) -> None:
    body = json.dumps(sample("travis_ci_failed")).encode()
    status, _, _ = await bench.door.receive(spoil(bench.slack.signed(body)), body)
    assert status == 401
    assert bench.pending() == []


@pytest.mark.parametrize("age", [-400, 400])
async def test_a_right_signature_that_is_stale_gets_401(bench: Bench, age: int) -> None:
    body = json.dumps(sample("travis_ci_failed")).encode()
    assert (await bench.door.receive(bench.slack.signed(body, time.time() + age), body))[0] == 401


async def test_without_a_signing_secret_http_is_refused(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path, socket_mode=True)
    body = b'{"type": "url_verification", "challenge": "x"}'
    assert (await bench.door.receive(bench.slack.signed(body), body))[0] == 401
    await bench.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type": "event_callback"}', b'{"type":"event_callback","event":{}}',
     b"a=b", b"payload=%7B", b"payload=%5B%5D", b'payload={"type":"block_actions"}',
     b'payload={"type":"block_actions","actions":[]}', b"command=/medic", b"[" * 100_000,
     b'{"type":"event_callback","event":{"type":"message"},"event_id":7}'],
)  # fmt: skip
async def test_signed_nonsense_gets_400(bench: Bench, body: bytes) -> None:
    for content in ("application/json", "application/x-www-form-urlencoded"):
        status, _, text = await bench.door.receive({**bench.slack.signed(body), "Content-Type": content}, body)
        assert status == 400
        assert text
    assert bench.pending() == []


async def test_url_verification_and_ssl_check(bench: Bench) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}'
    headers = {**bench.slack.signed(body), "Content-Type": "application/json"}
    assert await bench.door.receive(headers, body) == (200, "text/plain; charset=utf-8", json.loads(body)["challenge"])
    assert (await bench.door.receive({}, body))[0] == 401
    assert (await bench.door.receive({}, b"ssl_check=1&token=x"))[0] == 200
    assert (await bench.door.receive({}, b"x" * (5 << 20)))[0] == 413


# buttons


async def test_a_click_reaches_the_desk_and_its_words_the_clicker_alone(bench: Bench) -> None:
    root = await bench.slack.post_notice(sample("travis_ci_failed"), "C0BUILDS")
    await bench.pump()
    _, ts = await shown(bench, thread=root)
    assert await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun") == 200
    await bench.pump()
    assert bench.desk.asked[-1] == ("press", "b-rerun-1", "C0BUILDS", ADA)
    assert bench.slack.ephemerals("U0ADA") == [
        {"user": "U0ADA", "channel": "C0BUILDS", "text": "done", "thread_ts": root}
    ]


async def test_five_clicks_are_five_presses_for_the_desk_to_count(bench: Bench) -> None:
    _, ts = await shown(bench)
    await asyncio.gather(*(bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun") for _ in range(5)))
    await bench.pump()
    assert [a[:2] for a in bench.desk.asked] == [("press", "b-rerun-1")] * 5


async def test_other_apps_buttons_and_other_interactions_are_ignored(bench: Bench) -> None:
    _, ts = await shown(bench)
    await bench.slack.click("U0ADA", "C0BUILDS", ts, "rerun-failed", button={"value": "17283940511"})
    await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun", button={"value": None})
    for kind in ("shortcut", "view_submission", "message_action"):
        payload = {"type": kind, "callback_id": "x", "user": {"id": "U0ADA"}, "team": {"id": "T0ACME"},
                   "trigger_id": kind, "view": {"callback_id": "x", "type": "modal"}}  # fmt: skip
        assert (await bench.slack.deliver("interactive", payload, {}))[0] == 200
    await bench.pump()
    assert bench.desk.asked == []
    assert bench.pending() == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"team": "T0ELSE"}, "own workspace"),
        ({"is_stranger": True}, "own workspace"),
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"is_bot": True}, "Bots"),
    ],
)
async def test_who_may_not_act_is_told_so_and_the_desk_not_asked(bench: Bench, flags: Any, words: str) -> None:
    bench.slack.add_user("U0EVE", name="eve", **flags)
    bench.slack.channels["C0BUILDS"].members.add("U0EVE")
    _, ts = await shown(bench)
    await bench.slack.click("U0EVE", "C0BUILDS", ts, "medic.rerun")
    await bench.slack.command("U0EVE", "C0BUILDS", f"rerun {RUN}")
    await bench.pump()
    assert bench.desk.asked == []
    assert [words in e["text"] for e in bench.slack.ephemerals("U0EVE")] == [True, True]


async def test_a_payload_of_another_workspace_is_refused_whoever_the_person_is(bench: Bench) -> None:
    """What Slack told of the person a minute ago does not outweigh what it says with the click."""
    bench.slack.add_user("U0EVE", name="eve")
    bench.slack.channels["C0BUILDS"].members.add("U0EVE")
    assert (await bench.chat.person("U0EVE")).team == "T0ACME"
    bench.slack.users["U0EVE"]["team_id"] = "T0ELSE"
    _, ts = await shown(bench)
    await bench.slack.click("U0EVE", "C0BUILDS", ts, "medic.rerun")
    await bench.pump()
    assert bench.desk.asked == []
    assert "own workspace" in bench.slack.ephemerals("U0EVE")[0]["text"]


async def test_without_the_scope_to_look_people_up_nobody_acts_and_it_is_said_why(bench: Bench) -> None:
    bench.slack.scopes = "chat:write"
    _, ts = await shown(bench)
    await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun")
    await bench.pump()
    assert bench.desk.asked == []
    assert "users:read" in bench.slack.ephemerals("U0ADA")[0]["text"]


async def test_where_the_bot_is_no_member_the_clicker_is_told_by_response_url(bench: Bench) -> None:
    _, ts = await shown(bench)
    bench.slack.channels["C0BUILDS"].members.discard("U0MEDIC")
    await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.right")
    await bench.pump()
    assert [e["text"] for e in bench.slack.ephemerals("U0ADA")] == ["done"]


# the command


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "/medic triage URL"),
        ("help", "/medic triage URL"),
        ("triage", "needs the URL"),
        ("rerun not-a-url", "needs the URL"),
        ("triage https://a.example/1 https://b.example/2", "needs the URL"),
        ("pause now", "takes nothing"),
        ("stauts", "Did you mean `/medic status`?"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("rollback", "needs the name of a deploy"),
        ("rollback shop --force now", "needs the name of a deploy"),
        ("checkup", "not in this release yet"),
        ("mute", "not in this release yet"),
    ],
)
async def test_static_answers_come_at_once(bench: Bench, typed: str, words: str) -> None:
    assert await bench.slack.command("U0ADA", "C0BUILDS", typed) == 200
    assert words in bench.slack.ephemerals("U0ADA")[0]["text"]
    assert bench.pending() == []


@pytest.mark.parametrize("url", [RUN, f"<{RUN}>", f"<{RUN}|the run>"])
async def test_triage_and_rerun_by_command(bench: Bench, url: str) -> None:
    await bench.slack.command("U0ADA", "C0BUILDS", f"triage {url}")
    await bench.slack.command("U0ADA", "C0BUILDS", f"RERUN {url}")
    await bench.pump()
    assert bench.desk.asked == [("triage", RUN, "C0BUILDS", ADA), ("rerun", RUN, "C0BUILDS", ADA)]
    assert [e["text"] for e in bench.slack.ephemerals("U0ADA")] == ["done", "done"]


async def test_status_pause_and_resume(bench: Bench) -> None:
    for text in ("status", "pause", "resume"):
        await bench.slack.command("U0ADA", "C0BUILDS", text)
    await bench.pump()
    assert bench.desk.asked == [("status",), ("pause", True, ADA), ("pause", False, ADA)]
    assert "buildmedic 1.2.3" in bench.slack.ephemerals()[0]["text"]


async def test_what_the_desk_refuses_is_told_in_its_words_escaped(bench: Bench) -> None:
    bench.desk.trouble = [UsageError("no CI knows <!here> & that; ask <@U0BOB>")]
    await bench.slack.command("U0ADA", "C0BUILDS", f"triage {RUN}")
    await bench.pump()
    assert bench.slack.ephemerals()[0]["text"] == "no CI knows &lt;!here&gt; &amp; that; ask <@U0BOB>"
    assert bench.pending() == []


async def test_a_response_url_that_lapsed_falls_back_to_an_ephemeral(bench: Bench) -> None:
    bench.slack.faults.append(Fault("response_url", status=404))
    await bench.slack.command("U0ADA", "C0BUILDS", f"triage {RUN}")
    await bench.pump()
    assert [e["text"] for e in bench.slack.ephemerals()] == ["done"]


# outages


async def test_slack_down_delays_and_loses_nothing(bench: Bench) -> None:
    await bench.slack.post_notice(sample("travis_ci_failed"))
    bench.slack.faults.append(Fault("auth.test", times=99, status=503))
    assert (await bench.pump())[0].startswith("later: slack: auth.test")
    assert len(bench.pending()) == 1
    bench.slack.faults.clear()
    await bench.pump()
    assert [a[0] for a in bench.desk.asked] == ["notice"]
    assert bench.pending() == []


async def test_a_long_rate_limit_is_left_to_the_inbox(bench: Bench) -> None:
    _, ts = await shown(bench)
    await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun")
    bench.slack.faults.append(Fault("users.info", status=429, headers={"Retry-After": "60"}))
    with pytest.raises(Unavailable) as caught:
        await bench.door.work(bench.pending()[0])
    assert caught.value.retry_after == 60
    assert bench.desk.asked == []
    await bench.pump()
    assert len(bench.desk.asked) == 1


async def test_a_ci_that_is_down_is_told_once_and_tried_again(bench: Bench) -> None:
    bench.desk.trouble = [Unavailable("github", "HTTP 502"), Unavailable("github", "HTTP 502")]
    await bench.slack.command("U0ADA", "C0BUILDS", f"triage {RUN}")
    for _ in range(3):
        await bench.pump()
    said = [e["text"] for e in bench.slack.ephemerals()]
    assert said == ["github: HTTP 502. I have written your request down and keep trying.", "done"]


async def test_a_fault_of_ours_is_not_swallowed_by_bolt(bench: Bench) -> None:
    bench.desk.trouble = [ZeroDivisionError("ours")]
    await bench.slack.post_notice(sample("travis_ci_failed"))
    with pytest.raises(ZeroDivisionError):
        await bench.door.work(bench.pending()[0])


# Socket Mode


async def test_socket_mode_from_envelope_to_desk(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path, socket_mode=True)
    await bench.door.start()
    await bench.until(lambda: bench.slack.sockets == 1 and bench.door.connected)
    await bench.slack.post_notice(sample("jenkins_ci_app_freestyle_failure"))
    _, ts = await shown(bench)
    assert await bench.slack.click("U0ADA", "C0BUILDS", ts, "medic.rerun") == 200
    assert await bench.slack.command("U0ADA", "C0BUILDS", "help") == 200
    assert await bench.slack.command("U0ADA", "C0BUILDS", "status") == 200
    await bench.pump()
    assert [a[0] for a in bench.desk.asked] == ["notice", "press", "status"]
    assert "/medic triage URL" in bench.slack.ephemerals("U0ADA")[0]["text"]
    await bench.slack.drop_sockets()
    opened = lambda: sum(m == "apps.connections.open" for m, _ in bench.slack.calls)  # noqa: E731
    await bench.until(lambda: opened() == 2 and bench.slack.sockets == 1 and bench.door.connected)
    assert await bench.slack.event(sample("travis_ci_failed")["event"]) == 200
    await bench.close()


async def test_socket_mode_comes_up_although_slack_was_down_at_first(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path, socket_mode=True)
    bench.slack.faults.append(Fault("apps.connections.open", times=1, status=503))
    await bench.door.start()
    assert not bench.door.connected
    await bench.until(lambda: bench.door.connected)
    await bench.close()


async def test_what_cannot_be_written_down_is_not_acknowledged(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path)
    await bench.chat.identity()
    bench.store.close()
    body = json.dumps(sample("travis_ci_failed")).encode()
    headers = {**bench.slack.signed(body), "Content-Type": "application/json"}
    with pytest.raises(Unavailable):
        await bench.door.receive(headers, body)
    await bench.close()
