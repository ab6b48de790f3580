"""Which entry of Argo CD's history a rollback goes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.deploy.argocd_wire import App, Entry
from bot.model.errors import Refused

_LISTED = 10
_SHORT = 7  # characters of a revision that name it


def choose(service: str, app: App, wanted: str | None) -> Entry:
    """The entry that `wanted` names, or else the newest before the current one that deployed something else.

    Where what runs now is itself the outcome of going back (1: A, 2: B, 3: A), "before" counts from its first
    appearance: 2 was left on purpose, and nobody means to go there without naming it. Raises Refused, in words.
    """
    history = app.history
    if not history:
        raise Refused(service, f"{app.metadata.name} has no history: Argo CD never deployed it")
    return _named(service, app, wanted.strip()) if wanted is not None else _before(service, app)


def _before(service: str, app: App) -> Entry:
    history, now = app.history, app.now
    first = next((n for n, entry in enumerate(history) if entry.same(now)), len(history))
    for entry in reversed(history[:first]):
        if not entry.same(now) and entry.parts:
            return entry
    left = [entry for entry in history[first:] if not entry.same(now)]
    also = f"; what ran in between can be named: {listed(left)}" if left else ""
    raise Refused(service, f"there is nothing to go back to before {shown(app)}{also}")


def _named(service: str, app: App, wanted: str) -> Entry:
    history, now = app.history, app.now
    found = [entry for entry in history if str(entry.id) == wanted] or [e for e in history if _fits(e, wanted)]
    if not found:
        short = f" (at least {_SHORT} characters of a revision)" if len(wanted) < _SHORT else ""
        raise Refused(service, f"no entry of the history is {wanted[:100]!r}{short}; known: {listed(history)}")
    distinct = [e for n, e in enumerate(found) if not any(e.same(other) for other in found[n + 1 :])]
    if len(distinct) > 1:
        raise Refused(service, f"{wanted[:100]!r} fits several entries: name one by its number: {listed(distinct)}")
    if distinct[0].same(now):
        raise Refused(service, f"{shown(app)} is what runs already")
    return distinct[0]


def _fits(entry: Entry, wanted: str) -> bool:
    text = wanted.lower()
    names = [part.lower() for part in (*entry.parts, ", ".join(entry.parts))]
    return text in names or (len(text) >= _SHORT and any(name.startswith(text) for name in names))


def shown(app: App) -> str:
    current = app.current()
    return f"{short(current.revision)} (history {current.id})" if current.id else f"{short(current.revision)} (failed)"


def listed(entries: Sequence[Entry]) -> str:
    """Newest first: `7 (3f2a91c, 2026-11-20 14:03)`."""
    lines = []
    for entry in sorted(entries, key=lambda e: e.id, reverse=True)[:_LISTED]:
        when = f", {entry.deployedAt:%Y-%m-%d %H:%M}" if entry.deployedAt else ""
        lines.append(f"{entry.id} ({short(', '.join(entry.parts))}{when})")
    return ", ".join(lines) or "none"


def short(revision: str) -> str:
    """Commits by their first seven characters, anything else whole."""
    parts = [p[:_SHORT] if len(p) in (40, 64) and p.isalnum() else p[:60] for p in revision.split(", ")]
    return ", ".join(parts)
