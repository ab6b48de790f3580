"""The `slack:` part of the configuration (CONTRACT "Configuration"). Imports nothing heavy."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.model.language import Language


class SlackSettings(BaseModel):
    """One workspace. With `app_token` the bot uses Socket Mode; without it HTTP, and then needs `signing_secret`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot_token: SecretStr
    signing_secret: SecretStr | None = None
    app_token: SecretStr | None = None
    team_id: str | None = None  # the only workspace whose people may act; from auth.test if left out
    api_url: str = "https://slack.com/api/"
    watch: tuple[str, ...] = Field(default=())  # channel ids whose CI notices are watched
    language: Language = "en"
    languages: dict[str, Language] = Field(default={})  # channel id -> the language spoken there

    @field_validator("bot_token")
    @classmethod
    def _not_empty(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty: it is the “Bot User OAuth Token” (xoxb-...) of the Slack app")
        return value

    @field_validator("signing_secret", "app_token")
    @classmethod
    def _empty_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @field_validator("team_id")
    @classmethod
    def _team(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[TE][A-Z0-9]+", value):
            raise ValueError(f"{value!r} is no workspace id (they look like T0ACME)")
        return value

    @field_validator("api_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]+", value):
            raise ValueError("must be an http(s) URL, like https://slack.com/api/")
        return value if value.endswith("/") else value + "/"

    @field_validator("watch", "languages")
    @classmethod
    def _ids(cls, value: Any) -> Any:
        for channel in value:
            if not re.fullmatch(r"[CGD][A-Z0-9]+", channel):
                raise ValueError(
                    f"{channel!r} is no channel id (they look like C0BUILDS: in Slack, open the channel's details,"
                    " the id stands at the bottom)"
                )
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> "SlackSettings":
        if self.app_token is None and self.signing_secret is None:
            raise ValueError(
                "either app_token (Socket Mode) or signing_secret (HTTP) is needed:"
                " without one nothing that comes from Slack can be trusted"
            )
        return self

    def language_of(self, channel: str | None) -> Language:
        return self.languages.get(channel or "", self.language)

    @property
    def socket_mode(self) -> bool:
        return self.app_token is not None
