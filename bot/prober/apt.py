"""`apt`: the package archives that this machine's sources.list names: whether each suite's signed index can be had.

Facts: suites ({url, suite, outcome, status, ms, error, date, valid_until, said_by}), failed (how many), status (of the
first that failed), expired (suites whose Valid-Until is over), host, note.
"""

from __future__ import annotations

import re
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List

from . import sources
from .exchange import Fetched, fetch
from .sources import Suite
from .target import url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb

MAX_SUITES = 12
_FIELD = re.compile(r"^(Date|Valid-Until): (.{10,60})$", re.MULTILINE)


def name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9._/-]{0,80}", value) or ".." in value:
        raise ValueError("must be the name of a suite, such as stable")
    return value


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    given = args["uri"]
    if given is not None:
        suites = [Suite(given.shown().rstrip("/"), args["suite"] or "stable", "the probe's argument")]
    else:
        suites = [one for one in sources.apt() if not args["suite"] or one.name == args["suite"]][:MAX_SUITES]
    if not suites:
        raise Failed("unsupported", "no sources.list of this machine names an archive: give uri= and suite=")
    box: Dict[int, Fetched] = {}

    def one(index: int, suite: Suite) -> None:
        box[index] = fetch(url(suite.release), ctx)

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(suites)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ctx.clock.left() + 0.1)
    rows = [_row(suite, box.get(index)) for index, suite in enumerate(suites)]
    return _answer(rows)


def _row(suite: Suite, got: Any) -> Facts:
    row: Facts = {"url": suite.url, "suite": suite.name, "said_by": suite.said_by}
    if got is None:
        return {**row, "outcome": "timeout", "error": "no answer in time"}
    row.update({k: v for k, v in got.brief().items() if k != "url"})
    text = got.data[:4096].decode("utf-8", "replace")
    row.update({k.lower().replace("-", "_"): v for k, v in _FIELD.findall(text)})
    if got.outcome == "ok" and "date" not in row:
        row.update(outcome="proxy-error", error="the answer is no index of an archive")
    return row


def _answer(rows: List[Facts]) -> Answer:
    failed = [row for row in rows if row["outcome"] != "ok"]
    expired = [row["suite"] for row in rows if _over(row.get("valid_until"))]
    facts: Facts = {"suites": rows, "failed": len(failed), "expired": expired}
    if not failed:
        return Answer("ok", facts)
    worst = failed[0]
    if "status" in worst:
        facts["status"] = worst["status"]
    facts.update(host=url(worst["url"]).host, error=f"{worst['url']} {worst['suite']}: {worst.get('error', '')}")
    return Answer(worst["outcome"], facts)


def _over(text: Any) -> bool:
    try:
        return parsedate_to_datetime(text).timestamp() < time.time()
    except (TypeError, ValueError, IndexError, OverflowError):
        return False


VERB = Verb(
    says="ask the archives of this machine's sources.list for their signed indexes",
    args={
        "uri": Arg(url, "an archive's address; left out: those of the machine"),
        "suite": Arg(name, "one suite alone; with uri: stable where none is given"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
