"""`gosumdb`: how the go command gets at the checksum database, through a module proxy or directly, and whether it does.

Facts: gosumdb, gosumdb_from, name, goproxy, private (GONOSUMDB covers the module), through (the base URL in use),
supported ({entry, outcome, status, ms, error} of each proxy's sumdb/NAME/supported), lookup, latest ({outcome, status,
ms, error} at the base in use), direct (outcome at the database itself), direct_status, direct_ms, ended (answers, off,
private, invalid, proxy, database), status, module.

cmd/go/internal/modfetch/sumdb.go: the first proxy that answers `supported` with 200 carries all questions, and there is
no way back to a direct connection; 404 and 410 mean "ask the next one"; any other answer after a `,` ends it.
"""

from __future__ import annotations

import re
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import golang
from .exchange import Fetched, fetch
from .golang import BadList, Entry, Module
from .target import url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb

_NAME = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]+)?")
_TREE = re.compile(rb"go\.sum database tree\n\d+\n")
_WORDS = frozenset({"off", "direct", "noproxy"})


class Database(NamedTuple):
    name: str
    base: Optional[str]  # a URL of its own, which passes proxies by


class BadName(Exception):
    """A GOSUMDB that the go command refuses."""


def database(text: str) -> Database:
    """Read GOSUMDB. Raises BadName in Go's words."""
    if text == "sum.golang.google.cn":  # an alias that Go knows
        return Database("sum.golang.org", "https://sum.golang.google.cn")
    words = text.split()
    if not words:
        raise BadName("missing GOSUMDB")
    if len(words) > 2:
        raise BadName("invalid GOSUMDB: too many fields")
    name, plus, _key = words[0].partition("+")
    if not _NAME.fullmatch(name) or name.endswith("/"):
        raise BadName("invalid sumdb name (must be host[/path])")
    if not plus and name != "sum.golang.org":
        raise BadName(
            f"invalid GOSUMDB: malformed verifier id: {name} is not known, so its key has to be given with it"
        )
    return Database(name, words[1] if len(words) == 2 else None)


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    told = golang.settings(min(3.0, ctx.clock.left() * 0.3))
    value, source = golang.in_force(args["gosumdb"], "gosumdb", golang.DEFAULT_SUMDB, told)
    goproxy, _ = golang.in_force(args["goproxy"], "goproxy", golang.DEFAULT_PROXY, told)
    module: Module = args["module"]
    facts: Facts = {"gosumdb": value, "gosumdb_from": source, "goproxy": goproxy, "module": str(module)}
    if value == "off":
        facts.update(ended="off", note="checksums are compared with go.sum alone: no database is asked")
        return Answer("ok", facts)
    try:
        found = database(value)
        # GONOPROXY is of no matter: no module is fetched, and "noproxy" always means the next entry here
        entries = golang.proxies(goproxy, "")
    except (BadName, BadList) as error:
        raise Failed("proxy-error", f"the go command refuses this setting: {error}", ended="invalid", **facts) from None
    facts["name"] = found.name
    facts["private"] = golang.private(str(told.get("gonosumdb") or told.get("goprivate") or ""), module.path)
    if facts["private"]:
        facts.update(ended="private", note="GONOSUMDB or GOPRIVATE keeps this module away from the database")
        return Answer("ok", facts)
    return _Look(found, entries[:8], module, ctx).answer(facts)


class _Look:
    def __init__(self, found: Database, entries: List[Entry], module: Module, ctx: Context) -> None:
        self.found, self.entries, self.module, self.ctx = found, entries, module, ctx
        self.got: Dict[str, Fetched] = {}

    def answer(self, facts: Facts) -> Answer:
        bases = {} if self.found.base else {e.url: e.url for e in self.entries if e.url not in _WORDS}
        direct = "https://" + self.found.name
        wanted = {f"supported {base}": f"{base}/sumdb/{self.found.name}/supported" for base in bases}
        wanted.update(self._questions("direct", direct))
        self._ask(wanted, 0.6)
        through, failure = self._through(facts)
        facts.update(self._direct())
        if failure is not None:
            facts.update(ended="proxy")
            if failure.status is not None:
                facts["status"] = failure.status
            raise Failed(failure.outcome, f"a proxy's answer ends it: {failure.error}", **facts)
        facts["through"] = through
        used = "direct" if through == direct else "used"
        if used == "used":
            self._ask(self._questions("used", through), 1.0)
        return self._conclude(used, facts)

    def _questions(self, name: str, base: str) -> Dict[str, str]:
        out = {f"{name} latest": f"{base}/latest"}
        if self.module.exact:
            out[f"{name} lookup"] = (
                f"{base}/lookup/{golang.escape(self.module.path)}@{golang.escape(self.module.version)}"
            )
        return out

    def _ask(self, wanted: Dict[str, str], share: float) -> None:
        ctx = self.ctx._replace(clock=self.ctx.clock.part(share))

        def one(key: str, text: str) -> None:
            try:
                target = url(text)
            except ValueError as error:
                self.got[key] = Fetched("error", None, {}, b"", False, {}, 0.0, text, str(error))
                return
            self.got.setdefault(key, fetch(target, ctx, redirects=9))

        threads = [threading.Thread(target=one, args=item, daemon=True) for item in wanted.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(ctx.clock.left() + 0.1)
        for key, text in wanted.items():
            late = Fetched("timeout", None, {}, b"", False, {}, ctx.clock.ms(), text, "no answer in time")
            self.got.setdefault(key, late)

    def _through(self, facts: Facts) -> Tuple[str, Optional[Fetched]]:
        """(base URL, None) or ("", the answer that ends it)."""
        if self.found.base:
            return self.found.base.rstrip("/"), None
        rows: List[Facts] = []
        facts["supported"] = rows
        kept: Optional[Fetched] = None
        for entry in self.entries:
            if entry.url == "direct":
                kept = None  # its "no database here" outranks the proxies' errors
            if entry.url in _WORDS:
                break
            got = self.got[f"supported {entry.url}"]
            row = {k: v for k, v in got.brief().items() if k != "url"}
            rows.append({"entry": entry.url, **row})
            if got.outcome == "ok" and got.status == 200:
                return f"{entry.url}/sumdb/{self.found.name}", None
            if got.status not in (404, 410):
                kept = got
                if not entry.any_error:
                    return "", got
        # an error of an entry before a `|` is what TryProxies keeps, unless all said "not here"
        return ("", kept) if kept is not None else ("https://" + self.found.name, None)

    def _direct(self) -> Facts:
        got = self.got.get("direct lookup") or self.got["direct latest"]
        out: Facts = {"direct": got.outcome, "direct_ms": got.ms}
        if got.status is not None:
            out["direct_status"] = got.status
        return out

    def _conclude(self, used: str, facts: Facts) -> Answer:
        latest, lookup = self.got[f"{used} latest"], self.got.get(f"{used} lookup")
        for name, got in (("latest", latest), ("lookup", lookup)):
            if got is not None:
                facts[name] = {k: v for k, v in got.brief().items() if k != "url"}
        # Go asks for the lookup alone; its answer holds a signed tree
        deciding = lookup or latest
        if deciding.status is not None:
            facts["status"] = deciding.status
        facts["ended"] = "answers"
        if deciding.outcome == "ok" and not _TREE.search(deciding.data):
            facts["ended"] = "database"
            page = " (a page for people)" if deciding.facts.get("html") else ""
            return Answer("proxy-error", {**facts, "error": f"{deciding.url} answers, and not as a database{page}"})
        if deciding.outcome != "ok":
            facts.update(ended="database", error=f"{facts['through']}: {deciding.error}")
        return Answer(deciding.outcome, facts, deciding.ms)


VERB = Verb(
    says="find out how go reaches the checksum database, through a proxy or directly, and ask it for a module",
    args={
        "module": golang.ARGUMENT,
        "gosumdb": Arg(golang.listing, "a GOSUMDB value; left out: what is in force on the machine"),
        "goproxy": Arg(golang.listing, "a GOPROXY list; left out: what is in force on the machine"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
