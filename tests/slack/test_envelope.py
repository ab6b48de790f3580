"""What is genuine, one check at a time: each request here is right but for one thing."""

import hashlib
import hmac

import pytest

from bot.model.errors import BadSignature
from bot.slack.envelope import verify

SECRET = "not-a-real-secret"
NOW = 1_800_000_000.0
BODY = b'{"type": "event_callback"}'


def signature(stamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def headers(stamp: str = "1800000000", **more: str) -> dict[str, str]:
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": signature(stamp), **more}


def test_what_is_right() -> None:
    verify(SECRET, headers(), BODY, NOW)
    verify(SECRET, headers(str(int(NOW) - 299)), BODY, NOW)


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_believed(secret: str | None) -> None:
    empty = {"x-slack-request-timestamp": "1800000000", "x-slack-signature": signature("1800000000", secret="")}
    with pytest.raises(BadSignature, match=r"no slack\.signing_secret"):
        verify(secret, empty, BODY, NOW)


@pytest.mark.parametrize("missing", ["x-slack-request-timestamp", "x-slack-signature"])
def test_what_is_not_signed(missing: str) -> None:
    for given in ({k: v for k, v in headers().items() if k != missing}, headers(**{missing: ""})):
        with pytest.raises(BadSignature, match="not signed"):
            verify(SECRET, given, BODY, NOW)


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], BODY.upper()])
def test_a_wrong_signature(body: bytes) -> None:
    with pytest.raises(BadSignature, match="does not match"):
        verify(SECRET, headers(), body, NOW)


def test_the_timestamp_is_part_of_what_is_signed() -> None:
    """An old request with a fresh timestamp is what a replay would be."""
    replayed = {**headers("1700000000"), "x-slack-request-timestamp": "1800000000"}
    with pytest.raises(BadSignature, match="does not match"):
        verify(SECRET, replayed, BODY, NOW)
    with pytest.raises(BadSignature, match="does not match"):
        verify(SECRET, {**headers(), "x-slack-request-timestamp": "1800000001"}, BODY, NOW)


@pytest.mark.parametrize("stamp", ["soon", "-1800000000", "18e8", "１８００００００００", "1" * 5000, "1800000000.0"])
def test_a_timestamp_that_is_no_plain_number(stamp: str) -> None:
    with pytest.raises(BadSignature, match="no number"):
        verify(SECRET, headers(stamp), BODY, NOW)
