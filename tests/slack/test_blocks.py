"""Our blocks against another implementation of Slack's limits: slackblocks, which refuses misfits, rebuilds each."""

from typing import Any

import pytest
from slack_cases import NOW, case
from slackblocks import ActionsBlock, Button, Confirm, ContextBlock, DividerBlock, SectionBlock, Text
from slackblocks.objects import TextType
from test_messages import hostile_case, huge_case

from bot.model.case import Case
from bot.slack.messages import render


def text(given: dict[str, Any]) -> Text:
    kind = TextType.MARKDOWN if given["type"] == "mrkdwn" else TextType.PLAINTEXT
    return Text(given["text"], type_=kind, verbatim=bool(given.get("verbatim")))


def button(given: dict[str, Any]) -> Button:
    asks = given.get("confirm")
    confirm = Confirm(*(text(asks[k]) for k in ("title", "text", "confirm", "deny"))) if asks else None
    return Button(
        text(given["text"]),
        action_id=given["action_id"],
        value=given["value"],
        style=given.get("style"),
        confirm=confirm,
    )


def rebuilt(block: dict[str, Any]) -> Any:
    if block["type"] == "section":
        return SectionBlock(text(block["text"]))
    if block["type"] == "context":
        return ContextBlock([text(e) for e in block["elements"]])
    if block["type"] == "actions":
        return ActionsBlock([button(e) for e in block["elements"]])
    assert block == {"type": "divider"}
    return DividerBlock()


@pytest.mark.parametrize("shown", [case(), hostile_case(), huge_case()], ids=["plain", "hostile", "huge"])
def test_slackblocks_takes_every_block(shown: Case) -> None:
    for block in render(shown, NOW)["blocks"]:
        rebuilt(block)


def test_and_it_would_refuse_a_misfit() -> None:
    with pytest.raises(Exception, match="3000"):
        rebuilt({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}})
