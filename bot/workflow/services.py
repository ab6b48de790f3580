"""Which of the services that we need answers: one line of log a change of state, whoever noticed it."""

from collections.abc import Sequence
from typing import Any

from bot.model.errors import Unavailable
from bot.ports import Check


class Services:
    """Fed by everything that calls out; read by `/readyz`, `/metrics` and `/medic status`."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._known: dict[str, Check] = {}

    def down(self, error: Unavailable) -> None:
        """`error.service` did not do its work."""
        self.note(Check(what=error.service, ok=False, detail=str(error)))

    def up(self, service: str, detail: str = "ok") -> None:
        self.note(Check(what=service, ok=True, detail=detail))

    def note(self, check: Check) -> None:
        before = self._known.get(check.what)
        self._known[check.what] = check
        if before is None or before.ok != check.ok:
            say = self._log.info if check.ok else self._log.warning
            say("service is up" if check.ok else "service is down", service=check.what, detail=check.detail)

    def of(self, service: str) -> Check | None:
        return self._known.get(service)

    def all(self) -> Sequence[Check]:
        return tuple(self._known[name] for name in sorted(self._known))
