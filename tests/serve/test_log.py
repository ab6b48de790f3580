"""No secret reaches the log, whatever carries it: words, errors, nested values, tracebacks, the standard library."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.serve.log import configure

SECRET = "hunter" + "2hunter2"
URL = f"https://bob:{SECRET}@git.acme.example/x"


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    logger = logging.getLogger("buildmedic")
    before = (logger.handlers, logger.propagate, logger.level)
    yield
    structlog.reset_defaults()
    logger.handlers, logger.propagate, logger.level = before[0], before[1], before[2]


def broken() -> None:
    raise ValueError(f"cannot fetch {URL}")


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_logged(form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BUILDMEDIC_LOG", form)
    monkeypatch.delenv("BUILDMEDIC_DEBUG", raising=False)
    log = configure()
    log.warning("plain", why=f"password={SECRET}")
    log.warning(f"in the event: {URL}")
    log.warning("an error", error=ValueError(URL))
    log.warning("nested", detail={"a": [URL, {"b": (URL, 1, None)}]})
    logging.getLogger("buildmedic.part").warning("by the standard library: %s", URL)
    try:
        broken()
    except ValueError:
        log.exception("a traceback")
    told = capsys.readouterr().err
    assert SECRET not in told
    assert told.count("[redacted]") >= 6
    assert "cannot fetch" in told  # the traceback is there
    assert "broken()" in told


def test_json_stays_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BUILDMEDIC_LOG", "json")
    log = configure()
    log.warning("x", count=3, ok=True, none=None, several=["a", 1])
    told: dict[str, Any] = json.loads(capsys.readouterr().err)
    assert (told["count"], told["ok"], told["none"], told["several"]) == (3, True, None, ["a", 1])
