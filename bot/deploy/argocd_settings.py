"""One `deploys:` entry of kind argocd (CONTRACT "Configuration")."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.model.duration import Duration

_NAME = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"  # names of Kubernetes objects


class ArgocdSettings(BaseModel):
    """One application. The keys of the contract first, then what may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["argocd"] = "argocd"
    url: str
    token: SecretStr  # of an account that may use API keys
    app: str = Field(pattern=_NAME)
    environment: str
    repositories: tuple[str, ...] = ()
    project: str | None = Field(default=None, pattern=_NAME)  # with it, missing is told from forbidden
    app_namespace: str | None = Field(default=None, pattern=_NAME)  # where the application is not in Argo CD's own
    web_url: str = ""  # how people's links begin; `url` if left out
    channel: str | None = Field(default=None, pattern=r"^[CGD][A-Z0-9]+$")  # for failures told by webhook alone
    webhook_secret: SecretStr | None = None  # without it webhooks are refused
    prune: bool = False  # whether a rollback deletes what only the newer revision has
    settle: Duration = 60.0  # how long an application may be unhealthy after a rollback before that counts, in seconds

    @field_validator("url", "web_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^/\s@?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be an http(s) URL without user, query and fragment, like https://argocd.example.org")
        return value.rstrip("/")

    @field_validator("token", "webhook_secret")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
            raise ValueError("must not be empty, and holds printable ASCII characters only (a line break got in?)")
        return value

    @property
    def web(self) -> str:
        return self.web_url or self.url
