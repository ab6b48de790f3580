"""A channel that is spoken to in Chinese: the reply, the buttons, and the words for one person."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from slack_bench import Bench
from slack_cases import NOW, build, case, diagnosis, finding

from bot.model.case import Action, CaseState
from bot.model.language import speaking
from bot.slack.messages import fits, render
from bot.slack.settings import SlackSettings

CAUTION = "“Publish to npm” publishes: look first"
GIVEN = {"bot_token": "xoxb-1", "signing_secret": "s"}


@pytest.fixture
async def chinese(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = await Bench.open(tmp_path)
    settings = bench.settings.model_copy(update={"languages": {"C0BUILDS": "zh"}})
    bench.chat._settings = bench.door._settings = bench.settings = settings
    yield bench
    await bench.close()


def told(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False) + message["text"]


def test_the_language_is_that_of_the_channel() -> None:
    settings = SlackSettings.model_validate(GIVEN | {"language": "zh", "languages": {"C0ENGLISH": "en"}})
    assert settings.language_of("C0OTHER") == "zh"
    assert settings.language_of(None) == "zh"
    assert settings.language_of("C0ENGLISH") == "en"
    assert SlackSettings.model_validate(GIVEN).language_of("C0OTHER") == "en"


@pytest.mark.parametrize("wrong", [{"language": "fr"}, {"languages": {"C0X": "de"}}, {"languages": {"builds": "zh"}}])
def test_a_language_or_channel_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SlackSettings.model_validate(GIVEN | wrong)


STATES: tuple[CaseState, ...] = (
    "new", "reading", "probing", "open", "diagnosed", "acting", "watching", "recovered", "same-cause", "other-cause",
    "inconclusive", "passed", "stuck",
)  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_told_in_chinese_and_fits(state: CaseState) -> None:
    given = case(
        state=state,
        trouble="It told nothing in time: a person has to look.",
        outcome="It told nothing in time: a person has to look.",
    )
    with speaking("zh"):
        message = render(given, NOW)
    assert fits(message["text"], message["blocks"])
    assert "处理步骤" in told(message)
    assert "重跑失败的任务" in told(message)
    assert "没有在规定时间内给出结果：需要人工查看" in told(message)
    for english in (
        "What to do",
        "Seen in the log",
        "Tried",
        "Re-run failed",
        "almost certain",
        " by alice",
        "attempt",
    ):
        assert english not in told(message).replace("go mod", ""), english
    assert render(given, NOW) != message


@pytest.mark.parametrize(
    "state", ["waiting", "approved", "sending", "sent", "failed", "unknown", "declined", "expired"]
)
def test_every_stage_of_an_action_in_chinese(state: Any) -> None:
    action = Action(
        kind="rerun",
        id="r",
        requested_by="U0ADA",
        state=state,
        approvals=("U0BOB",),
        needed=2,
        expires=1.0,
        decided_by="U0EVE",
    )
    with speaking("zh"):
        text = told(render(case(action=action), NOW))
    assert "<@U0ADA> " in text
    assert "re-run" not in text.replace("medic.rerun", "")


def test_a_step_that_is_not_safe_to_repeat_is_warned_about_where_it_can_be_repeated() -> None:
    warned = diagnosis(caution=CAUTION)
    given = case(build=build(2), findings=(finding("1", diagnoses=(warned,)), finding("2", "b", diagnoses=(warned,))))
    blocks = render(given, NOW)["blocks"]
    above, actions = [b for b in blocks if b["type"] in ("section", "actions")][-2:]
    assert above["text"]["text"] == f":warning: *Before you re-run:* {CAUTION}"
    text = actions["elements"][0]["confirm"]["text"]["text"]
    assert text.startswith(f"⚠ {CAUTION}\n")
    assert len(text) <= 300
    without = case(findings=given.findings, buttons={"right": "x"})
    assert "Before you re-run" not in told(render(without, NOW))
    assert "Before you re-run" not in told(render(case(), NOW))


async def test_the_reply_of_a_chinese_channel_is_chinese_and_of_another_english(chinese: Bench) -> None:
    await chinese.chat.show(case(), channel="C0BUILDS", thread=None)
    await chinese.chat.show(case(), channel="C0CIALERTS", thread=None)
    here = chinese.slack.messages("C0BUILDS")[-1]
    there = chinese.slack.messages("C0CIALERTS")[-1]
    assert "处理步骤" in json.dumps(here["blocks"], ensure_ascii=False)
    assert "What to do" in json.dumps(there["blocks"], ensure_ascii=False)


async def test_words_for_one_person_are_in_the_language_of_the_channel(chinese: Bench) -> None:
    await chinese.slack.command("U0ADA", "C0BUILDS", "help")
    assert "读取失败构建的日志" in chinese.slack.ephemerals("U0ADA")[-1]["text"]
    await chinese.slack.command("U0ADA", "C0CIALERTS", "help")
    assert "reads the log of a failed build" in chinese.slack.ephemerals("U0ADA")[-1]["text"]
    chinese.desk.answer = "That run is “success”: there is no failed job to re-run."
    await chinese.slack.command("U0ADA", "C0BUILDS", "rerun https://github.com/acme/shop/actions/runs/1")
    await chinese.pump()
    assert chinese.slack.ephemerals("U0ADA")[-1]["text"] == "该次运行的状态是“success”：没有可重跑的失败任务。"
    ref = await chinese.chat.show(case(), channel="C0BUILDS", thread=None)
    chinese.desk.answer = "Thank you, noted."
    await chinese.slack.click("U0ADA", "C0BUILDS", ref.ts, "medic.right")
    await chinese.pump()
    assert chinese.slack.ephemerals("U0ADA")[-1]["text"] == "谢谢，已记录。"


async def test_status_in_chinese(chinese: Bench) -> None:
    await chinese.slack.command("U0ADA", "C0BUILDS", "status")
    await chinese.pump()
    assert "进行中 2 个" in chinese.slack.ephemerals("U0ADA")[-1]["text"]
