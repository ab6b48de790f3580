"""The routes of `serve` (CONTRACT "URLs"). A request is verified, written down, and acknowledged; work comes after."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.model.build import CIEvent
from bot.model.errors import BadPayload, BadSignature, Unavailable
from bot.model.release import DeployEvent
from bot.ports import Check
from bot.workflow.services import Services

BODY_LIMIT = 25 * 1024 * 1024

NEEDED = ("store", "slack")  # without these the bot cannot work; what else is down is told, and waited for

Receive = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, str, str]]]


class Hook(Protocol):
    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> CIEvent | DeployEvent: ...


@dataclass
class Meters:
    """What /metrics tells. One registry for each app, so that two in one process do not collide."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        r = self.registry
        self.webhooks = Counter("buildmedic_webhooks", "Webhook requests", ["source", "result"], registry=r)
        self.slack = Counter("buildmedic_slack_requests", "Requests from Slack", ["status"], registry=r)
        self.settled = Gauge("buildmedic_deliveries_settled", "Deliveries worked since the start", registry=r)
        self.notices = Gauge("buildmedic_notices", "CI notices seen in channels", ["read"], registry=r)
        self.up = Gauge("buildmedic_service_up", "1 if the service answered last time", ["service"], registry=r)


@dataclass
class Front:
    """What the routes need."""

    hooks: Mapping[str, Hook]  # every entry whose webhooks are taken
    keep: Callable[[str, str, Mapping[str, str], bytes], bool]
    slack: Receive
    ready: Callable[[], Awaitable[Sequence[Check]]]
    meters: Meters
    refresh: Callable[[], None]
    log: Any
    services: Services
    later: frozenset[str] = frozenset()  # names of entries whose webhooks this release does not read


class TooLarge(Exception):
    pass


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is known to be too large, whatever Content-Length says."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_LIMIT:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLarge
    return bytes(body)


def application(front: Front) -> Starlette:
    async def webhook(request: Request) -> Response:
        name = request.path_params["name"]
        status, text = await _take(front, name, request)
        known = name if name in front.hooks or name in front.later else "unknown"
        front.meters.webhooks.labels(known, str(status)).inc()
        return PlainTextResponse(text, status)

    async def slack(request: Request) -> Response:
        try:
            status, kind, text = await front.slack(dict(request.headers), await _body(request))
        except TooLarge:
            status, kind, text = 413, "text/plain", "too large"
        except ClientDisconnect:
            status, kind, text = 400, "text/plain", "cut short"
        except Unavailable as error:
            front.services.down(error)
            status, kind, text = 503, "text/plain", "try again"  # Slack does, three times
        front.meters.slack.labels(str(status)).inc()
        return Response(text, status, media_type=kind)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        checks = await front.ready()
        bad = [c for c in checks if not c.ok and c.what in NEEDED]
        body = {"ready": not bad, "checks": {c.what: "ok" if c.ok else c.detail for c in checks}}
        return JSONResponse(body, 503 if bad else 200)

    async def metrics(_request: Request) -> Response:
        front.refresh()
        return Response(generate_latest(front.meters.registry), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            Route("/slack/events", slack, methods=["POST"]),
            Route("/webhooks/{name}", webhook, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ]
    )


async def _take(front: Front, name: str, request: Request) -> tuple[int, str]:
    hook = front.hooks.get(name)
    if hook is None:
        if name in front.later:
            return 404, f"{name} is configured, but this release does not read its webhooks yet\n"
        return 404, "no such webhook is configured\n"
    headers = dict(request.headers)
    try:
        body = await _body(request)
        event = hook.read_webhook(headers, body)
        if event.kind == "ignored":
            front.log.debug("webhook ignored", source=name, why=event.why)
            return 200, "not used\n"
        new = front.keep(name, event.delivery, headers, body)
    except TooLarge:
        return 413, f"over {BODY_LIMIT} bytes\n"
    except ClientDisconnect:
        return 400, "cut short\n"
    except BadSignature as error:
        front.log.warning("webhook refused", source=name, why=str(error))
        return 401, "bad or missing signature\n"
    except BadPayload as error:
        front.log.warning("webhook not understood", source=name, why=str(error))
        return 400, f"{error}\n"
    except Unavailable as error:
        front.services.down(error)
        return 503, "the store is down: it is kept in memory for now; send it again if you can\n"
    return (202, "taken\n") if new else (200, "known already\n")
