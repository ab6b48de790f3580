"""The audit chain: every entry carries a hash over itself and the one before, so that a change to any of them shows.

What it cannot show by itself is a tail that was cut off: whoever wants to know that too keeps the last hash elsewhere
(`audit verify` prints it) and hands it over later (`--expect`). Pure.
"""

import hashlib
import json
from collections.abc import Iterable

from bot.model import Noun


class AuditEntry(Noun):
    seq: int  # from 1, without gaps
    at: float  # UNIX time
    who: str  # Slack user id, or "buildmedic"
    what: str
    about: str  # a case id, or "bot"
    detail: str  # JSON
    hash: str  # SHA-256 over the previous hash and this entry, hex


class Verified(Noun):
    """`fault` says what is wrong first, in words; None: the chain is whole."""

    entries: int
    head: str  # hash of the last entry that was read
    fault: str | None = None
    expected_seen: bool = True  # the hash that was asked for stands in the chain


def audit_hash(previous: str, at: float, who: str, what: str, about: str, detail: str) -> str:
    """The chain's link: SHA-256 over the previous link and this entry's fields, as hex."""
    text = json.dumps([previous, at, who, what, about, detail], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def verify(entries: Iterable[AuditEntry], expect: str | None = None) -> Verified:
    """Read the whole chain, oldest first. `expect`: a head that was noted earlier, which must still stand in it."""
    head, count, seen = "", 0, expect is None
    for entry in entries:
        if entry.seq != count + 1:
            missing = f"entry {count + 1} is missing" if entry.seq > count + 1 else f"entry {entry.seq} is out of place"
            return Verified(entries=count, head=head, fault=missing, expected_seen=seen)
        if entry.hash != audit_hash(head, entry.at, entry.who, entry.what, entry.about, entry.detail):
            fault = f"entry {entry.seq} ({entry.what}, {entry.about}) is not what was written, or one before it is not"
            return Verified(entries=count, head=head, fault=fault, expected_seen=seen)
        head, count = entry.hash, count + 1
        seen = seen or head == expect
    cut = None if seen else "the hash that was noted earlier does not stand in the chain: entries were cut off"
    return Verified(entries=count, head=head, fault=cut, expected_seen=seen)
