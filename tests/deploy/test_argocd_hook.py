"""Argo CD's notifications: what is believed, how it is read, and that the template we ship makes it so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.deploy.argocd_hook import read
from bot.model.errors import BadPayload, BadSignature
from bot.serve.standins.argocd import ArgocdStandIn
from tests.deploy.bench import GOOD, NEXT, TWO, later

FILE = Path(__file__).parents[2] / "deploy" / "argocd-notifications.yaml"
TRIGGERS = {"failed": "on-sync-failed", "degraded": "on-health-degraded", "deployed": "on-deployed"}
SECRET = "not-a-real-secret"
BODY = {
    "trigger": "on-sync-failed",
    "app": "shop",
    "phase": "Failed",
    "revision": GOOD,
    "started": "2026-11-20T14:03:00Z",
}


def take(body: object, *, secret: str | None = SECRET, namespace: str | None = None, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = headers or {"Authorization": f"Bearer {SECRET}"}
    return read("shop", secret, "shop", namespace, given, raw)


def render(text: str, app: Any) -> str:
    """The two forms of Go's templates (with sprig) that the file uses, and no others."""

    def field(path: str) -> Any:
        value = {"app": app}
        for part in path.strip(".").split("."):
            value = value[part]
        return value

    def one(found: re.Match[str]) -> str:
        inside = found[1].strip()
        if (plain := re.fullmatch(r"(\.[\w.]+)", inside)) is not None:
            return str(field(plain[1]))
        if (told := re.fullmatch(r"toJson (\.[\w.]+)", inside)) is not None:
            return json.dumps(field(told[1]))
        dug = re.fullmatch(r'toJson \(dig ((?:"\w+" )+)(""|list) \.app\)', inside)
        assert dug is not None, inside
        value: Any = app
        for key in re.findall(r'"(\w+)"', dug[1]):
            if key not in value:
                return json.dumps("" if dug[2] == '""' else [])
            value = value[key]
        return json.dumps(value)

    return re.sub(r"\{\{(.*?)\}\}", one, text)


@pytest.mark.parametrize("kind", TRIGGERS)
@pytest.mark.parametrize("sources", [1, 2])
def test_the_template_that_we_ship_makes_what_the_stand_in_sends(kind: str, sources: int) -> None:
    data = yaml.safe_load(FILE.read_text())["data"]
    hook = yaml.safe_load(data[f"template.buildmedic-{kind}"])["webhook"]["buildmedic"]
    assert yaml.safe_load(data[f"trigger.buildmedic-{kind}"])[0]["send"] == [f"buildmedic-{kind}"]
    service = yaml.safe_load(data["service.webhook.buildmedic"])
    assert {h["name"]: h["value"] for h in service["headers"]}["Authorization"] == "Bearer $buildmedic-secret"
    stand = ArgocdStandIn(sources=TWO[:sources])
    for app in (stand.shown(), None):
        if app is None:
            stand.deploy(*(GOOD, NEXT)[:sources], outcome="failed" if kind == "failed" else "degraded")
        headers, body = stand.notice(TRIGGERS[kind])
        assert json.loads(render(hook["body"], stand.shown())) == json.loads(body)
        assert render(hook["path"], stand.shown()) == "/shop"
        event = read("shop", stand.webhook_secret, "shop", None, headers, body)
        assert event.kind == kind
    assert GOOD[:7] in event.why


@pytest.mark.parametrize(
    "headers",
    [{"X": "y"}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "},
     {"Authorization": f"Bearer {SECRET}x"}, {"Authorization": f"Bearer {SECRET[:-1]}"}, {"Authorization": SECRET},
     {"Authorization": f"Basic {SECRET}"}, {"Authorization": "Bearer \udcff\u00fc"}],
)  # fmt: skip
def test_what_is_not_believed(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        take(BODY, **headers)


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_believed(secret: str | None) -> None:
    for given in ("Bearer ", "Bearer", f"Bearer {SECRET}"):
        with pytest.raises(BadSignature, match="no webhook_secret is configured"):
            take(BODY, secret=secret, Authorization=given)


def test_what_is_believed_however_it_is_spelled() -> None:
    for name, scheme in (("authorization", "bearer"), ("AUTHORIZATION", "BEARER")):
        assert take(BODY, **{name: f"{scheme}  {SECRET} "}).kind == "failed"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, {}, {"trigger": "on-sync-failed"}, {"app": "shop"},
     {**BODY, "trigger": 3}, {**BODY, "app": None}, {**BODY, "revisions": "x"}, {**BODY, "message": {}}],
)  # fmt: skip
def test_other_shapes(body: object) -> None:
    with pytest.raises(BadPayload) as caught:
        take(body)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "namespace"),
    [({"trigger": "on-created"}, None), ({"app": "another"}, None), ({"namespace": "team-b"}, "team-a")],
)
def test_what_is_not_ours(change: dict, namespace: str | None) -> None:
    event = take({**BODY, **change}, namespace=namespace)
    assert event.kind == "ignored"
    assert event.why


def test_our_namespace_may_be_said_or_left_out() -> None:
    for namespace, said in (("team-a", {"namespace": "team-a"}), ("team-a", {}), (None, {"namespace": "anything"})):
        assert take({**BODY, **said}, namespace=namespace).kind == "failed"


def test_the_same_event_has_the_same_delivery() -> None:
    first = take(BODY).delivery
    assert take({**BODY, "message": "worded otherwise", "health": "Degraded"}).delivery == first
    others = ({"revision": NEXT}, {"started": "2026-11-20T14:03:01Z"}, {"phase": "Error"}, {"trigger": "on-deployed"})
    different = {take({**BODY, **change}).delivery for change in others}
    assert len(different | {first}) == 5
    assert all(re.fullmatch(r"sha256-[0-9a-f]{64}", delivery) for delivery in different)


def test_a_long_message_is_cut_to_one_line() -> None:
    event = take({**BODY, "message": "one\ntwo " * 10_000})
    assert "\n" not in event.why
    assert len(event.why) < 1000


def test_what_the_stand_in_says_of_its_health() -> None:
    from tests.deploy.bench import Clock

    stand = ArgocdStandIn(clock=Clock())
    stand.deploy(GOOD, outcome="degraded")
    later(stand, 5)
    headers, body = stand.notice("on-health-degraded")
    event = read("shop", stand.webhook_secret, "shop", None, headers, body)
    assert "exceeded its progress deadline" in event.why
