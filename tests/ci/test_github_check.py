"""What `config check` says about a GitHub entry."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.ci.github import GitHub
from bot.ports import Check
from bot.serve.standins.github import Fault, GitHubStandIn
from tests.ci.bench import adapter


@pytest.fixture
async def stand() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as made:
        yield made


async def look(ci: GitHub) -> dict[str, Check]:
    try:
        return {check.what: check for check in await ci.check()}
    finally:
        await ci.close()


async def test_all_is_well(stand: GitHubStandIn) -> None:
    checks = await look(adapter(stand))
    assert all(check.ok for check in checks.values())
    assert "repo" in checks["github: the token"].detail
    assert checks["github: quota"].detail.startswith("5000 of 5000")


@pytest.mark.parametrize(
    ("scopes", "ok", "says"),
    [
        ("repo", True, "repo"),
        ("public_repo, workflow", True, "public repositories alone"),
        ("gist, user", False, "lack `repo`"),
        (None, True, "does not tell"),
    ],
)
async def test_scopes(stand: GitHubStandIn, scopes: str | None, ok: bool, says: str) -> None:
    stand.scopes = scopes
    check = (await look(adapter(stand)))["github: the token"]
    assert check.ok is ok
    assert says in check.detail


async def test_a_token_that_does_not_work(stand: GitHubStandIn) -> None:
    check = (await look(adapter(stand, token="wrong")))["github: the token"]
    assert not check.ok
    assert "the token is refused (Bad credentials)" in check.detail


async def test_a_token_that_ends_soon(stand: GitHubStandIn) -> None:
    ends = datetime.now(UTC) + timedelta(days=2)
    header = {"github-authentication-token-expiration": ends.strftime("%Y-%m-%d %H:%M:%S UTC")}
    body = {"resources": {"core": {"limit": 60, "remaining": 59, "reset": 1900000000, "used": 1}}}
    stand.faults = [Fault("/rate_limit", 200, headers=header, body=body)]
    checks = await look(adapter(stand))
    assert not checks["github: the token's life"].ok
    assert not checks["github: quota"].ok


@pytest.mark.parametrize("body", [{}, {"resources": 1}, {"resources": {"core": {"remaining": "x"}}}])
async def test_something_else_answers(stand: GitHubStandIn, body: object) -> None:
    stand.faults = [Fault("/rate_limit", 200, body=body)]  # type: ignore[arg-type]
    assert "is api_url right?" in (await look(adapter(stand)))["github: quota"].detail


async def test_a_server_without_limits(stand: GitHubStandIn) -> None:
    stand.faults = [Fault("/rate_limit", 404, times=9)]
    assert (await look(adapter(stand)))["github: the token"].ok


async def test_no_secret(stand: GitHubStandIn) -> None:
    assert not (await look(adapter(stand, webhook_secret=None)))["github: webhook_secret"].ok


async def test_github_is_down(stand: GitHubStandIn) -> None:
    await stand.shut()
    check = (await look(adapter(stand)))["github: the token"]
    assert not check.ok
    assert "cannot connect" in check.detail
