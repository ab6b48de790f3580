"""`{name}` and `{name|default}` templates of playbooks, filled with facts out of hostile logs and from far-off probes.

Three ways to fill, by what the text is for: prose (shortened, no control characters), code that people paste (only
values that are plainly what their names say, else a word in capitals to fill in), and a probe's argument (all or
nothing; the verb checks the value).
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.model.language import tr
from bot.triage.fit import fit

# not `${home}` of a shell, `%{size}` of curl, `{{.Names}}` of Go templates, not JSON
_HOLE = re.compile(r"(?<![$%{])\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)(?:\|([^{}|\n]*))?\}(?!\})")
# C0, DEL, C1, line separators, and the marks that turn the reading direction round
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_LENGTH = 200

WORDS = {
    "host": "the server", "server": "the server", "resolver": "the resolver", "url": "the URL", "proxy": "the proxy",
    "module": "the module", "image": "the image", "port": "the port", "tool": "the tool", "test": "the test",
    "registry": "the registry", "status": "an error", "version": "this version", "package": "the package",
}  # fmt: skip

GENERAL_WORDS = frozenset(WORDS)
"""Facts that prose can do without: they are then named in general words."""

Facts = Mapping[str, Any]
Probes = Mapping[str, Mapping[str, Any]]


def holes(text: str) -> tuple[str, ...]:
    """The names that a template asks for: `host`, `control.ms`."""
    return tuple(dict.fromkeys(m.group(1) for m in _HOLE.finditer(text)))


def has_default(text: str, name: str) -> bool:
    """Whether each place that asks for `name` says what to write without it."""
    return all(m.group(2) for m in _HOLE.finditer(text) if m.group(1) == name)


def prose(text: str, facts: Facts, probes: Probes | None = None) -> str:
    """For people to read. A fact that is not there is named in general words ("the server")."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        value = _value(name, facts, probes or {})
        if value not in (None, "", [], {}):
            return shown(value)
        return match.group(2) or tr(WORDS.get(name, "(not known)"))

    return _HOLE.sub(fill, text)


def code(text: str, facts: Facts, probes: Probes | None = None) -> tuple[str, tuple[str, ...]]:
    """For people to paste, and the words in it that they have to fill in: a value that is missing, or is not plainly
    what its name says, becomes `HOST` (never `<host>`, which a shell takes for a redirection)."""
    missing: dict[str, None] = {}

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        root, dot, field = name.partition(".")
        values = facts if not dot or root == "log" else (probes or {}).get(root, {})
        value = fit(field or name, values)
        if value is None and not values.get(field or name) and match.group(2):
            return match.group(2)  # the playbook's author wrote it
        if value is None:
            missing[word := name.replace(".", "-").replace("_", "-").upper()] = None
            return word
        in_address = text[: match.start()].endswith("//") or text[match.end() :].startswith(":")
        return f"[{value}]" if name == "host" and ":" in value and in_address else value

    return _HOLE.sub(fill, text), tuple(missing)


def argument(text: str, facts: Facts) -> str | None:
    """For a probe; None where a fact is missing and has no default."""
    values = [facts.get(m.group(1)) or m.group(2) for m in _HOLE.finditer(text)]
    if not all(values):
        return None
    filled = iter(values)
    return _HOLE.sub(lambda _: str(next(filled)), text)


def shown(value: object) -> str:
    """One value in words: lists joined, whole milliseconds, shortened, nothing unseen in it."""
    if isinstance(value, list | tuple):
        value = ", ".join(str(v) for v in value[:5]) + (" ..." if len(value) > 5 else "")
    elif isinstance(value, dict):
        value = ", ".join(f"{k} {v}" for k, v in list(value.items())[:5])
    elif isinstance(value, bool):
        value = tr("yes") if value else tr("no")
    elif isinstance(value, float):
        value = round(value) if abs(value) >= 10 else round(value, 1)
    text = _UNSEEN.sub(" ", str(value)).strip()
    return text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…"


def _value(name: str, facts: Facts, probes: Probes) -> Any:
    root, dot, field = name.partition(".")
    if not dot:
        return facts.get(name)
    return facts.get(field) if root == "log" else probes.get(root, {}).get(field)
