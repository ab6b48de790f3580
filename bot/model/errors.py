"""What can go wrong, by what a caller can do about it. Adapters translate into these once, at their edge."""


class BuildmedicError(Exception):
    """Base of all expected errors; `str(error)` is one line fit to show to a person (no secrets in it)."""


class UsageError(BuildmedicError):
    """The person asked for something impossible or unreadable: exit status 2, one clear line."""


class ConfigError(UsageError):
    """The configuration is wrong: names the file, the key, and what to write instead."""


class PlaybookError(BuildmedicError):
    """A playbook is refused. `str()` reads `file:line: reason`."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file, self.line, self.reason = file, line, reason


class BadSignature(BuildmedicError):
    """A webhook's or Slack request's signature is missing, wrong or stale: HTTP 401."""


class BadPayload(BuildmedicError):
    """A signed request that is not what its sender's documentation says: HTTP 400."""


class ServiceError(BuildmedicError):
    """A service that we called did not do what we asked. `service` names it as the configuration does."""

    def __init__(self, service: str, message: str) -> None:
        super().__init__(f"{service}: {message}")
        self.service = service


class Unavailable(ServiceError):
    """Time-out, connection error, 5xx or 429: may pass. `retry_after` in seconds where the service said so."""

    def __init__(self, service: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(service, message)
        self.retry_after = retry_after


class Refused(ServiceError):
    """A definite no (401, 403, 404, 409, 422 ...): repeating it is useless. `status` is the HTTP status, if any."""

    def __init__(self, service: str, message: str, status: int | None = None) -> None:
        super().__init__(service, message)
        self.status = status


class Moved(Refused):
    """The world has moved since somebody agreed to it: what would be done now is something else. Nothing was done."""


class NotYet(ServiceError):
    """The thing (a job's log) is not written yet: ask again later."""


class Unsupported(ServiceError):
    """This CI, deploy system or vantage has no such ability: said clearly to the person."""


class VantageDown(ServiceError):
    """The probing place cannot be reached or refuses us (dead host, changed host key, bad login)."""
