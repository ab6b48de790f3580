"""`clock`: this machine's clock against the Date headers of servers.

Facts: skew (seconds that the servers are ahead of this machine; the median), uncertainty (seconds, of that), off
(whether it is more than a minute), servers ({host, skew, uncertainty, outcome, error} each), time (of this machine),
synchronized (what systemd says of itself, where it does).

A wrong clock makes certificates invalid, so a server whose certificate does not hold for its time alone is asked once
more without looking at the certificate: nothing but its Date is taken from that.
"""

from __future__ import annotations

import os
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, Optional

from . import golang, tls
from .exchange import Hop
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb

OFF = 60.0  # seconds: signed requests are refused from 5 minutes on, and a minute is no accident


class _Lenient(Hop):
    """Takes any certificate: only for the Date of a server whose certificate seems out of date."""

    def _open(self) -> Any:
        sock = self._dial()
        return tls.unverified(sock, self.target.host, self.ctx.clock) if self.target.scheme == "https" else sock


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    targets = [args["url"]] if args["url"] is not None else _usual()
    box: Dict[int, Facts] = {}

    def one(index: int, target: Target) -> None:
        box[index] = _ask(target, ctx)

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(targets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ctx.clock.left() + 0.1)
    rows = [box.get(i, {"host": t.host, "outcome": "timeout"}) for i, t in enumerate(targets)]
    facts: Facts = {"servers": rows, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    facts["synchronized"] = _synchronized()
    good = sorted((row for row in rows if "skew" in row), key=lambda row: float(row["skew"]))
    if not good:
        worst = rows[0]
        raise Failed(worst["outcome"], f"no server told its time: {worst.get('error', worst['outcome'])}", **facts)
    middle = good[len(good) // 2]
    facts.update(skew=middle["skew"], uncertainty=middle["uncertainty"])
    facts["off"] = abs(middle["skew"]) > OFF + middle["uncertainty"]
    return Answer("ok", facts)


def _usual() -> List[Target]:
    """Servers that builds on this machine ask anyway."""
    named = str(os.environ.get("GOPROXY") or golang.DEFAULT_PROXY)
    try:
        entries = [entry.url for entry in golang.proxies(named, "") if entry.url.startswith("http")]
    except golang.BadList:
        entries = []
    return [url(text) for text in dict.fromkeys([*entries[:2], "https://proxy.golang.org", "https://github.com"])]


def _ask(target: Target, ctx: Context) -> Facts:
    row: Facts = {"host": target.host}
    for kind in (Hop, _Lenient):
        hop = kind(target, "HEAD", "auto", ctx)
        begun = time.time()
        try:
            hop.run()
        except Failed as failure:
            row.update(outcome=failure.outcome, error=failure.error)
            if failure.outcome == "tls-expired" and kind is Hop:
                continue
            if hop.head is None:
                return row
        return {**row, "outcome": "ok", **_skew(hop, begun)}
    return row


def _skew(hop: Hop, begun: float) -> Facts:
    """The server wrote its Date between our first and our last word, and cut it to whole seconds."""
    ended, date = time.time(), hop.head.get("date") if hop.head else None
    try:
        served = parsedate_to_datetime(date or "").timestamp() + 0.5
    except (TypeError, ValueError, IndexError, OverflowError):
        return {"outcome": "nodata", "error": "the answer has no Date"}
    return {"skew": round(served - (begun + ended) / 2, 1), "uncertainty": round((ended - begun) / 2 + 0.5, 1)}


def _synchronized() -> Optional[bool]:
    if not os.path.isdir("/run/systemd/timesync"):
        return None
    return os.path.exists("/run/systemd/timesync/synchronized")


VERB = Verb(
    says="the machine's clock against the Date of servers",
    args={"url": Arg(url, "a server to ask; left out: those that builds ask anyway"), "timeout": TIMEOUT},
    seconds=6.0,
    run=run,
)
