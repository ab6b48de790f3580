"""The routes: what is not signed, unknown or too large is refused, and nothing of it is kept."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import structlog

from bot.model.errors import BadPayload, BadSignature
from bot.model.release import DeployEvent
from bot.serve import web
from bot.serve.web import Front, Meters, application
from bot.workflow.services import Services


class Hook:
    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> DeployEvent:
        if headers.get("authorization") != "Bearer right":
            raise BadSignature("no")
        if body == b"odd":
            raise BadPayload("odd")
        return DeployEvent(kind="ignored" if body == b"other" else "failed", delivery="d1")


class Kept:
    def __init__(self) -> None:
        self.all: list[str] = []

    def keep(self, source: str, delivery: str, headers: Mapping[str, str], body: bytes) -> bool:
        self.all.append(source)
        return True


async def slack(headers: Mapping[str, str], body: bytes) -> tuple[int, str, str]:
    return 200, "text/plain", str(len(body))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def client(kept: Kept) -> AsyncIterator[httpx.AsyncClient]:
    async def ready() -> list[Any]:
        return []

    log = structlog.get_logger()
    front = Front(
        hooks={"argo": Hook()}, keep=kept.keep, slack=slack, ready=ready, meters=Meters(), refresh=lambda: None,
        log=log, services=Services(log), later=frozenset({"pager"}),
    )  # fmt: skip
    transport = httpx.ASGITransport(application(front))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as made:
        yield made


RIGHT = {"Authorization": "Bearer right"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/webhooks/argo", {}, b"{}", 401),
        ("/webhooks/argo", {"Authorization": "Bearer wrong"}, b"{}", 401),
        ("/webhooks/argo", RIGHT, b"odd", 400),
        ("/webhooks/argo", RIGHT, b"other", 200),
        ("/webhooks/nobody", RIGHT, b"{}", 404),
        ("/webhooks/pager", RIGHT, b"{}", 404),
    ],
)
async def test_what_is_refused_or_not_used_is_not_kept(
    client: httpx.AsyncClient, kept: Kept, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert (await client.post(path, headers=headers, content=body)).status_code == status
    assert kept.all == []


async def test_what_is_believed_is_kept(client: httpx.AsyncClient, kept: Kept) -> None:
    assert (await client.post("/webhooks/argo", headers=RIGHT, content=b"{}")).status_code == 202
    assert kept.all == ["argo"]


class Endless:
    """A body without a length; `sent` counts its bytes."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < 40 << 20:
            self.sent += 1 << 20
            yield b"x" * (1 << 20)


@pytest.mark.parametrize("path", ["/webhooks/argo", "/slack/events"])
async def test_a_body_beyond_its_bound(client: httpx.AsyncClient, kept: Kept, path: str) -> None:
    told = await client.post(path, headers={**RIGHT, "Content-Length": str(web.BODY_LIMIT + 1)}, content=b"x")
    assert told.status_code == 413
    body = Endless()
    assert (await client.post(path, headers=RIGHT, content=body)).status_code == 413
    assert kept.all == []
