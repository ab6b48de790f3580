"""Settings: two ways in, and what each mistake is told."""

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from bot.slack.settings import SlackSettings

GOOD: dict[str, Any] = {"bot_token": "xoxb-1", "signing_secret": "s"}


def test_http_and_socket_mode() -> None:
    assert not SlackSettings.model_validate(GOOD).socket_mode
    assert SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"}).socket_mode
    assert not SlackSettings.model_validate(GOOD | {"app_token": ""}).socket_mode


def test_secrets_are_not_printed() -> None:
    assert "xoxb-1" not in repr(SlackSettings.model_validate(GOOD))


def test_the_api_url_gets_its_slash() -> None:
    assert SlackSettings.model_validate(GOOD | {"api_url": "http://h:1/api"}).api_url == "http://h:1/api/"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bot_token": "xoxb-1"}, "either app_token"),
        (GOOD | {"bot_token": " "}, "Bot User OAuth Token"),
        (GOOD | {"watch": ["#builds"]}, "channel id"),
        (GOOD | {"api_url": "slack.com"}, "URL"),
        (GOOD | {"team_id": "acme"}, "workspace id"),
        (GOOD | {"tokn": "x"}, "Extra inputs"),
    ],
)
def test_mistakes(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SlackSettings.model_validate(given)


def test_nothing_heavy_is_imported() -> None:
    import subprocess

    script = (
        "import sys, bot.slack.settings; print([m for m in ('slack_sdk', 'slack_bolt', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
