"""`config check` for GitHub: whether the token works, for how long, and how much of its quota is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.ci.github_words import explain
from bot.model.errors import Refused, ServiceError
from bot.outbound import Answer, Outbound
from bot.ports import Check

_FEW = 100  # requests left: one triage takes about ten
_SOON = timedelta(days=7)


async def check(name: str, http: Outbound, has_secret: bool, now: datetime) -> Sequence[Check]:
    """Never raises: what does not work is a line."""
    return (*await _token(name, http, now), _secret(name, has_secret))


async def _token(name: str, http: Outbound, now: datetime) -> Sequence[Check]:
    what = f"{name}: the token"
    try:
        # asks for no permission and costs no quota; GitHub Enterprise Server without rate limits answers 404
        answer = await http.request("GET", "/rate_limit", explain=lambda a: explain(name, a, "the token", "none"))
    except Refused as error:
        if error.status == 404:
            return [Check(what=what, ok=True, detail="taken (this server has no rate limits)")]
        return [Check(what=what, ok=False, detail=str(error))]
    except ServiceError as error:
        return [Check(what=what, ok=False, detail=str(error))]
    return [_scopes(what, answer), *_expiry(what, answer, now), *_quota(name, answer)]


def _scopes(what: str, answer: Answer) -> Check:
    """Classic tokens tell their scopes; fine-grained ones and apps tell nothing until they are refused."""
    told = answer.headers.get("x-oauth-scopes")
    if told is None or (not told.strip() and "x-accepted-oauth-scopes" not in answer.headers):
        return Check(
            what=what,
            ok=True,
            detail="taken; GitHub does not tell its permissions (needed: actions read, write to re-run; checks read)",
        )
    scopes = {scope.strip() for scope in told.split(",") if scope.strip()}
    listed = ", ".join(sorted(scopes)) or "none"
    if "repo" in scopes:
        return Check(what=what, ok=True, detail=f"taken; scopes: {listed}")
    if "public_repo" in scopes:
        return Check(what=what, ok=True, detail=f"taken; scopes: {listed} (public repositories alone)")
    return Check(what=what, ok=False, detail=f"taken, but its scopes ({listed}) lack `repo`: logs and re-runs need it")


def _expiry(what: str, answer: Answer, now: datetime) -> Sequence[Check]:
    told = answer.headers.get("github-authentication-token-expiration", "")
    try:
        ends = datetime.strptime(told.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return []
    return [Check(what=f"{what}'s life", ok=ends - now > _SOON, detail=f"it expires on {ends:%Y-%m-%d %H:%M} UTC")]


def _quota(name: str, answer: Answer) -> Sequence[Check]:
    try:
        rate = answer.json()["resources"]["core"]
        left, limit, reset = int(rate["remaining"]), int(rate["limit"]), datetime.fromtimestamp(rate["reset"], UTC)
    except (ServiceError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return [Check(what=f"{name}: quota", ok=False, detail="the answer is not GitHub's: is api_url right?")]
    detail = f"{left} of {limit} requests left until {reset:%H:%M} UTC"
    return [Check(what=f"{name}: quota", ok=left >= _FEW or left == limit, detail=detail)]


def _secret(name: str, present: bool) -> Check:
    detail = "set" if present else "not set: webhooks are refused, failures are seen only through watched channels"
    return Check(what=f"{name}: webhook_secret", ok=present, detail=detail)
