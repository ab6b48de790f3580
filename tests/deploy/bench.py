"""What the tests of Argo CD share: an adapter with quick manners, in front of the stand-in, and what it said on the
wire."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bot.deploy.argocd import Argocd
from bot.deploy.argocd_settings import ArgocdSettings
from bot.outbound import Outbound
from bot.serve.standins.argocd import ArgocdStandIn

made: list[Argocd] = []  # closed after the test

OLD, GOOD, BAD, NEXT = (letter * 40 for letter in "1ab2")
AUTO = {"prune": True, "selfHeal": True}
TWO = ({"repoURL": "https://charts.acme.example", "chart": "shop"}, {"repoURL": "https://git.acme.example/values.git"})


async def no_sleep(_seconds: float) -> None:
    return None


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    asked: Any
    status: int
    told: Any


class Recording(Outbound):
    """Keeps every exchange, bodies and all."""

    said: list[Exchange]

    @property
    def client(self) -> httpx.AsyncClient:
        fresh = self._client is None
        client = super().client
        if fresh:
            client.event_hooks = {"response": [self._note]}
        return client

    async def _note(self, response: httpx.Response) -> None:
        await response.aread()
        url, asked = response.request.url, response.request.content
        self.said.append(
            Exchange(
                response.request.method,
                url.path,
                tuple(url.params.multi_items()),
                json.loads(asked) if asked else None,
                response.status_code,
                response.json(),
            )
        )


def adapter(
    stand: ArgocdStandIn, *, now: Callable[[], datetime] | None = None, read: float = 5.0, **other: Any
) -> tuple[Argocd, list[Exchange]]:
    """As `bot.deploy.make` builds it, but without pauses between its tries and without grace for bad health."""
    settings = ArgocdSettings.model_validate({**stand.settings(), **other})
    if "settle" not in other:
        settings = settings.model_copy(update={"settle": 0.0})
    http = Recording(
        settings.name,
        settings.url,
        private={"Authorization": f"Bearer {settings.token.get_secret_value()}"},
        read=read,
        sleep=no_sleep,
    )
    http.said = []
    made.append(Argocd(settings, http, now or (lambda: datetime.now(UTC))))
    return made[-1], http.said


class Clock:
    """The stand-in's clock, turned by the test."""

    def __init__(self) -> None:
        self.at = 1_795_000_000.0

    def __call__(self) -> float:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += seconds


def later(stand: ArgocdStandIn, seconds: float) -> None:
    assert isinstance(stand.clock, Clock)
    stand.clock.later(seconds)
