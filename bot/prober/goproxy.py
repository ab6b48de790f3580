"""`goproxy`: walk a GOPROXY list for one module version as the go command does, and say where and why it ends.

Facts: goproxy, goproxy_from, module, version (that the list came to), private (GONOPROXY covers it), ended (found,
not-found, error, off, invalid), ended_at (the entry), step (info, mod, zip), status, entries ({entry, then, outcome,
status, ms, error, reached, step}), later (an entry that Go does not get to, and that would have answered), git (of
`direct`: whether git is there), note.

Every entry is asked at once, so that a silent one costs no more than the time-out; the rules then say which of the
answers Go would have come to (`,`: on after 404 and 410 alone; `|`: on after any error; `off` and `direct` end it).
"""

from __future__ import annotations

import os
import re
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote

from . import godirect, golang
from .exchange import Fetched, fetch, read_json
from .golang import BadList, Entry, Module
from .target import url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb

MAX_ENTRIES = 8
_STEPS = ("info", "mod", "zip")


class Try(NamedTuple):
    """One step at one entry."""

    outcome: str
    absent: bool  # what Go takes for "not there": only then does a `,` let it go on
    error: Optional[str] = None
    status: Optional[int] = None
    ms: float = 0.0
    version: Optional[str] = None
    spoiled: Optional[str] = None  # Go takes the answer from here and no other, and fails on what is in it
    facts: Facts = {}  # noqa: RUF012 -- a NamedTuple's default is never changed


class End(NamedTuple):
    """How one step's walk ended."""

    at: int
    found: bool
    decided: int  # the entry whose error Go prints
    reached: int  # entries up to this one were asked


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    told = golang.settings(min(3.0, ctx.clock.left() * 0.3))
    goproxy, source = golang.in_force(args["goproxy"], "goproxy", golang.DEFAULT_PROXY, told)
    # a list of the caller's own stands for itself: this machine's patterns belong to this machine's list
    own = args["goproxy"] is not None
    asked = args["gonoproxy"] or "" if own else args["gonoproxy"]
    gonoproxy, _ = golang.in_force(asked, "gonoproxy", "", told)
    module: Module = args["module"]
    private = golang.private(gonoproxy, module.path)
    facts: Facts = {"goproxy": goproxy, "goproxy_from": source, "module": str(module), "private": private}
    try:
        entries = golang.proxies(goproxy, gonoproxy)
    except BadList as error:
        raise Failed("proxy-error", f"the go command refuses this GOPROXY: {error}", ended="invalid", **facts) from None
    walk = _Walk(entries[:MAX_ENTRIES], module, private, own, ctx)
    return walk.answer(facts)


class _Walk:
    def __init__(self, entries: List[Entry], module: Module, private: bool, given: bool, ctx: Context) -> None:
        self.entries, self.module, self.private, self.given, self.ctx = entries, module, private, given, ctx
        self.tries: Dict[Tuple[int, str], Try] = {}

    def answer(self, facts: Facts) -> Answer:
        ends: List[Tuple[str, End]] = []
        version = self.module.version
        self._ask(("info",), version, 0.55)
        for step in _STEPS:
            if step == "mod":
                self._ask(("mod", "zip"), version, 1.0)
            end = self._end(step)
            ends.append((step, end))
            if not end.found or self.tries[end.at, step].spoiled:
                break
            found = self.tries[end.at, step]
            version = found.version or version
            if self.entries[end.at].url in ("direct", "noproxy"):
                break  # it was looked at as a whole
        step, end = ends[-1]
        facts.update(version=version, step=step, ended_at=self.entries[end.at].url)
        facts["entries"] = [self._row(i, ends) for i in range(len(self.entries))]
        decided = self.tries[end.decided if not end.found else end.at, step]
        facts.update({k: v for k, v in decided.facts.items() if k in ("git", "note", "repository")})
        if decided.status is not None:
            facts["status"] = decided.status
        later = self._later(step, end)
        if later and not end.found:
            facts["later"] = later
        if end.found and decided.spoiled:
            what = f"{facts['ended_at']}: {decided.spoiled}, and go asks no other entry once it has an answer"
            facts.update(ended="error", error=what)
            return Answer("proxy-error", facts, self._ms(step, end))
        if end.found:
            facts["ended"] = "found"
            return Answer("ok", facts, self._ms(step, end))
        return self._failed(facts, step, end, decided)

    def _failed(self, facts: Facts, step: str, end: End, decided: Try) -> Answer:
        entry = self.entries[end.decided].url
        last = self.entries[end.at]
        facts["ended"] = "off" if entry == "off" else "not-found" if decided.absent else "error"
        what = f"{self.module.path}/@v/{facts['version']}.{step}"
        why = decided.error or decided.outcome
        facts["error"] = f"{entry}: {why} (asked for {what})" if entry != "off" else why
        if end.at + 1 < len(self.entries) and not last.any_error:
            following = self.entries[end.at + 1].url
            facts["error"] += f"; after `,` go does not try {following}, since this is neither 404 nor 410"
        return Answer(decided.outcome, facts, self._ms(step, end))

    def _ms(self, step: str, end: End) -> float:
        return round(sum(t.ms for (i, s), t in self.tries.items() if s == step and i <= end.reached), 1)

    def _end(self, step: str) -> End:
        """TryProxies of the go command."""
        best, rank = 0, 0
        for index, entry in enumerate(self.entries):
            tried = self.tries[index, step]
            if tried.outcome == "ok":
                return End(index, True, index, index)
            straight = entry.url == "direct" or (entry.url == "noproxy" and self.private)
            if straight:
                best, rank = index, 2
            elif rank <= 1 and not tried.absent:
                best, rank = index, 1
            elif rank == 0:
                best = index
            if not entry.any_error and not tried.absent:
                return End(index, False, best, index)
        last = len(self.entries) - 1
        return End(last, False, best, last)

    def _later(self, step: str, end: End) -> Optional[str]:
        for index in range(end.at + 1, len(self.entries)):
            if self.tries[index, step].outcome == "ok":
                return self.entries[index].url
        return None

    def _row(self, index: int, ends: List[Tuple[str, End]]) -> Facts:
        step = ends[-1][0]
        for name, _ in ends:  # the first step at which this entry failed tells more than a later one
            if self.tries[index, name].outcome != "ok":
                step = name
                break
        entry, tried = self.entries[index], self.tries[index, step]
        row: Facts = {"entry": entry.url, "outcome": tried.outcome, "ms": tried.ms, "step": step}
        row["reached"] = any(index <= end.reached for _, end in ends)
        if index + 1 < len(self.entries):
            row["then"] = "|" if entry.any_error else ","
        if tried.status is not None:
            row["status"] = tried.status
        if tried.error or tried.spoiled:
            row["error"] = tried.error or tried.spoiled
        if entry.credentials:
            row["note"] = "the list has credentials for it, which a probe does not use"
        return row

    def _ask(self, steps: Tuple[str, ...], version: str, share: float) -> None:
        """All entries at once, so that a silent one leaves time for the steps of the others."""
        ctx = self.ctx._replace(clock=self.ctx.clock.part(share))
        wanted = [(index, step) for index in range(len(self.entries)) for step in steps]
        threads = [threading.Thread(target=self._one, args=(*one, version, ctx), daemon=True) for one in wanted]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(ctx.clock.left() + 0.1)
        for one in wanted:
            self.tries.setdefault(one, Try("timeout", False, "no answer in time"))

    def _one(self, index: int, step: str, version: str, ctx: Context) -> None:
        try:
            tried = self._try(index, step, version, ctx)
        except Failed as failure:
            tried = Try(failure.outcome, False, failure.error, failure.facts.get("status"), ctx.clock.ms(),
                        facts=failure.facts)  # fmt: skip
        except ValueError as error:
            tried = Try("proxy-error", False, f"{self.entries[index].url}: {error}")
        self.tries.setdefault((index, step), tried)  # what came late does not change what was concluded

    def _try(self, index: int, step: str, version: str, ctx: Context) -> Try:
        entry = self.entries[index]
        earlier = self.tries.get((index, "info"))
        if step != "info" and earlier and earlier.outcome != "ok" and earlier.status is None and "://" in entry.url:
            return earlier  # what did not connect before will not connect now
        if entry.url in golang.WORDS:
            return self._word(entry.url, ctx)
        if self.private:
            return Try("prohibited", True, "GONOPROXY or GOPRIVATE keeps this module away from proxies")
        if entry.url.startswith("file:"):
            return self._file(entry.url[len("file://") :], step, version)
        return self._web(entry, step, version, ctx)

    def _word(self, word: str, ctx: Context) -> Try:
        if word == "off":
            return Try("prohibited", True, "module lookup disabled by GOPROXY=off")
        if word == "noproxy" and not self.private:
            return Try("prohibited", True, "GONOPROXY does not cover this module")
        facts = godirect.look(self.module, ctx)
        return Try("ok", False, None, facts.get("status"), ctx.clock.ms(), facts=facts)

    def _path(self, step: str, version: str) -> str:
        base = "/" + golang.escape(self.module.path)
        if version == "latest":
            return base + ("/@v/list" if step == "info" else "/@latest")
        return f"{base}/@v/{golang.escape(version)}.{step}"

    def _web(self, entry: Entry, step: str, version: str, ctx: Context) -> Try:
        target = url(entry.url + self._path(step, version))
        # Go reads a zip to its end; its first bytes and its length are enough here
        got = fetch(target, ctx, redirects=9)
        if step == "info" and version == "latest" and got.status == 200 and _newest(got.data) is None:
            # no release is listed: then `@latest` names a commit
            got = fetch(url(f"{entry.url}/{golang.escape(self.module.path)}/@latest"), ctx, redirects=9)
            if got.outcome == "ok" and got.status == 200:
                found, wrong = _info(got.data, self.module)
                return Try("ok" if wrong is None else "proxy-error", False, wrong, 200, got.ms, found)
            if got.status in (404, 410):  # Go takes an empty list for an answer, and not for "not here"
                return Try("nodata", False, "it lists no version, and names no latest one", got.status, got.ms)
        if got.outcome == "short" and step != "zip" and got.status == 200:
            return Try("short", False, got.error, 200, got.ms)
        if got.outcome != "ok":
            return Try(got.outcome, got.status in (404, 410), got.error, got.status, got.ms)
        if got.status != 200:
            return Try("http-status", False, f"answered {got.status}, and go takes 200 alone", got.status, got.ms)
        return self._read(got, step, version)

    def _read(self, got: Fetched, step: str, version: str) -> Try:
        page = " (a page for people: a log-in portal, a filter or a wrong URL)" if got.facts.get("html") else ""
        found = wrong = spoiled = None
        if step == "info" and version == "latest":
            found = _newest(got.data)
        elif step == "info":
            found, wrong = _info(got.data, self.module)
        elif step == "zip" and not got.data.startswith(b"PK"):
            spoiled = "the answer is no zip" + page
        elif step == "mod" and page:
            spoiled = "the answer is no go.mod" + page
        if wrong is not None:
            return Try("proxy-error", False, wrong + page, got.status, got.ms)
        return Try("ok", False, None, got.status, got.ms, found, spoiled)

    def _file(self, folder: str, step: str, version: str) -> Try:
        if self.given:
            return Try("unsupported", False, "a probe reads no folder that its caller names")
        path = folder + unquote(self._path(step, version))
        if not os.path.isfile(path):
            return Try("http-status", True, f"there is no {path}", 404)
        if step != "info":
            return Try("ok", False)
        try:
            with open(path, "rb") as file:
                data = file.read(65536)
        except OSError as error:
            return Try("error", False, f"{path}: {error.strerror}")
        if version == "latest":
            return Try("ok", False, None, None, 0.0, _newest(data) or version)
        found, wrong = _info(data, self.module)
        return Try("ok" if wrong is None else "proxy-error", False, wrong, None, 0.0, found)


def _info(data: bytes, module: Module) -> Tuple[Optional[str], Optional[str]]:
    """(version, what is wrong) of a .info answer."""
    try:
        given = read_json(data)
    except ValueError:
        return None, "invalid response from proxy: not JSON"
    if not isinstance(given, dict):
        return None, "invalid response from proxy: no JSON object"
    lower = {str(k).lower(): v for k, v in given.items()}
    version = lower.get("version")
    if not isinstance(version, str):
        version = ""
    if module.exact and version != module.version:
        return None, f"proxy returned info for version {version[:60]} instead of requested version"
    return version or None, None


def _newest(data: bytes) -> Optional[str]:
    """The highest release of a version list, pre-releases only where there is nothing else."""
    names = [line.split()[0] for line in data.decode("utf-8", "replace").splitlines()[:5000] if line.split()]
    good = [name for name in names if Module("", name).exact]
    released = [name for name in good if "-" not in name] or good
    return max(released, key=_order) if released else None


def _order(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:3])


VERB = Verb(
    says="walk GOPROXY for one module version as the go command does, and say where and why it ends",
    args={
        "module": golang.ARGUMENT,
        "goproxy": Arg(golang.listing, "a GOPROXY list; left out: what is in force on the machine"),
        "gonoproxy": Arg(golang.listing, "GONOPROXY patterns to go with it; left out: those of the machine"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
