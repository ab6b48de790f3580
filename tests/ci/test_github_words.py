"""GitHub's refusals, in words that say what to do next."""

import httpx
import pytest

from bot.ci.github_words import explain
from bot.model.errors import Refused, Unavailable
from bot.outbound import Answer


def answer(status: int, message: str = "", **headers: str) -> Answer:
    given = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer("github", "GET /x", status, given, b'{"message": "%s"}' % message.encode() if message else b"<html>")


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        (answer(401, "Bad credentials"), 401, "the token is refused (Bad credentials): put a valid one"),
        (answer(403, "No"), 403, "it needs the permission `actions: write`"),
        (
            answer(403, "No", x_accepted_github_permissions="administration=read"),
            403,
            "permission `administration: read`",
        ),
        (answer(403, "This workflow is already running"), 403, "wait until it has finished"),
        (answer(403, x_github_sso="required; url=https://x"), 403, "single sign-on"),
        (answer(404), 404, "not found, or the token may not see it"),
        (answer(409, "Conflict"), 409, "GitHub refuses (Conflict)"),
        (answer(410), 410, "expired and was deleted"),
        (answer(451), 451, "legal"),
    ],
)
def test_refusals(given: Answer, status: int, says: str) -> None:
    error = explain("github", given, "the re-run", "actions: write")
    assert isinstance(error, Refused)
    assert error.status == status
    assert str(error).startswith("github: the re-run: ")
    assert says in str(error)


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        (answer(429), 60),
        (answer(429, retry_after="5"), 5),
        (answer(403, retry_after="90"), 90),
        (
            answer(403, "API Rate Limit Exceeded for 92.104.200.119", x_ratelimit_remaining="0"),
            60,
        ),  # as recorded in 2013
        (answer(403, "You have exceeded a secondary rate limit."), 60),
    ],
)
def test_limits(given: Answer, wait: float) -> None:
    error = explain("github", given, "run 1", "actions: read")
    assert isinstance(error, Unavailable)
    assert error.retry_after == wait


@pytest.mark.parametrize("status", [400, 418, 500, 503])
def test_the_rest_is_left_to_general_words(status: int) -> None:
    assert explain("github", answer(status), "run 1", "actions: read") is None
