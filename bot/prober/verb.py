"""What every verb is made of: typed arguments, a clock, an answer. A verb is one file `<name>.py` that defines `VERB`.

Standard library only, Python 3.8 and later: these files also run on machines that have nothing else.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from .policy import Policy

SCHEMA = "buildmedic.probe/1"

OUTCOMES = frozenset(
    {"ok", "timeout", "refused", "reset", "unreachable", "prohibited", "nxdomain", "servfail", "dns-refused", "nodata"}
    | {"tls-untrusted", "tls-expired", "tls-name", "tls-error", "http-status", "proxy-auth", "proxy-error", "short"}
    | {"slow", "denied", "unsupported", "error"}
)
NOT_RUN = frozenset({"denied", "unsupported"})

MAX_SECONDS = 30.0

Facts = Dict[str, Any]


class BadArgument(Exception):
    """An argument is missing, unknown or not what it must be; `str()` says so in words."""


class Failed(Exception):
    """A probe came to an end other than `ok`. `error` is one line in words."""

    def __init__(self, outcome: str, error: str, **facts: Any) -> None:
        super().__init__(error)
        assert outcome in OUTCOMES, outcome
        self.outcome, self.error, self.facts = outcome, error, facts


class Answer(NamedTuple):
    """`ms`: milliseconds, where the verb knows better than the wall time of the whole probe."""

    outcome: str
    facts: Facts
    ms: Optional[float] = None


class Clock:
    """A deadline. Seconds of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.begun = time.monotonic()
        self.end = self.begun + seconds

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.end - time.monotonic())

    def ms(self) -> float:
        """Milliseconds since the start."""
        return round((time.monotonic() - self.begun) * 1000, 1)

    def part(self, share: float) -> Clock:
        """A clock for a part of what is left."""
        return Clock(self.left() * share)


class Context(NamedTuple):
    policy: Policy
    clock: Clock


class Arg(NamedTuple):
    """One argument: `read` makes the value of text or JSON, or raises ValueError that says what it must be."""

    read: Callable[[Any], Any]
    what: str
    required: bool = False
    default: Any = None


class Verb(NamedTuple):
    says: str
    args: Dict[str, Arg]
    seconds: float  # time-out where none is given
    run: Callable[[Dict[str, Any], Context], Answer]


_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_V6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")


def host(value: Any) -> str:
    """A host name or address as written, in ASCII and without brackets or a final dot. Odd spellings of addresses
    (octal, hex, short) stay: what they mean is the resolver's business, and the policy looks at what it says."""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- read_args reports ValueErrors
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("is not a host name: it has characters that no host name has") from None
    if ":" in text:
        if not _V6.fullmatch(text):
            raise ValueError("is not an IPv6 address")
        return text.lower()
    text = text[:-1] if text.endswith(".") else text
    if not 1 <= len(text) <= 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise ValueError("must be a host name or an address")
    return text


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A whole number from `low` to `high`, as a number or in plain digits."""

    def read(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def seconds(value: Any) -> float:
    """A time-out, 0.1 to 30 seconds."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.1 <= value <= MAX_SECONDS:
        raise ValueError(f"must be a number of seconds from 0.1 to {MAX_SECONDS:.0f}")
    return float(value)


def one_of(*allowed: str) -> Callable[[Any], str]:
    """One of these words, whatever its case."""

    def read(value: Any) -> str:
        for word in allowed:
            if isinstance(value, str) and value.strip().lower() == word.lower():
                return word
        raise ValueError("must be one of: " + ", ".join(allowed))

    return read


def split_port(text: str) -> Tuple[str, Optional[int]]:
    """`10.0.0.2:53`, `[::1]:53`, `::1`, `name` -> host text and port, if there is one. Raises ValueError."""
    text = text.strip()
    head, colon, tail = text.rpartition(":")
    bare_v6 = ":" in head and not (head.startswith("[") and head.endswith("]"))
    if not colon or bare_v6 or text.endswith("]"):
        return text, None
    return head, whole(1, 65535)(tail)


HOST = Arg(host, "a host name or address", required=True)
PORT = Arg(whole(1, 65535), "a port, 1 to 65535", default=443)
TIMEOUT = Arg(seconds, "seconds, 0.1 to 30")


def read_args(verb: Verb, given: Any) -> Dict[str, Any]:
    """The typed arguments with defaults filled in. Raises BadArgument."""
    if not isinstance(given, dict):
        raise BadArgument("the arguments must be a mapping of names to values")
    known = ", ".join(sorted(verb.args)) or "none"
    for name in given:
        if name not in verb.args:
            raise BadArgument(f"unknown argument {str(name)[:40]!r} (known: {known})")
    out: Dict[str, Any] = {}
    for name, arg in verb.args.items():
        value = given.get(name)
        if value is None:
            if arg.required:
                raise BadArgument(f"the argument {name!r} is missing: {arg.what} (known: {known})")
            out[name] = arg.default
            continue
        try:
            out[name] = arg.read(value)
        except ValueError as error:
            raise BadArgument(f"{name}={str(value)[:80]!r} {error}") from None
    return out
