"""YAML with places: every value knows its line, `${NAME}` is an environment variable, and traps are refused.

Scalars follow YAML 1.2's core schema (`true`/`false`, decimal integers, floats, `null`), so that `on`, `12:30` and
dates stay text. Aliases are refused (nine lines of them can fill the memory), as are duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.model.errors import ConfigError

Where = tuple[str | int, ...]
"""The way from the top to a value: keys and list indexes."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
_WRITTEN = re.compile(r"(\$?)\$\{([^}\s]*)\}")
# YAML does not take braces in a plain scalar inside {flow, mappings}, where people write `token: ${TOKEN}`: before it
# is parsed, `${NAME}` becomes <NAME> and `$${NAME}` (a literal) <<NAME>, with these private characters as brackets.
_OPEN, _LITERAL, _CLOSE = "\ue000", "\ue001", "\ue002"
_VARIABLE = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass
class Document:
    """A file's values, and where each of them stands."""

    file: str
    data: Any = None
    lines: dict[Where, int] = field(default_factory=dict)  # lines count from 1
    missing: dict[Where, str] = field(default_factory=dict)  # value -> variable that is not set
    from_env: set[Where] = field(default_factory=set)  # values that are one variable and nothing else

    def line(self, where: Where) -> int:
        """Of the value, or of the nearest thing around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def fault(self, where: Where, message: str) -> ConfigError:
        key = spell(where)
        return ConfigError(f"{self.file}:{self.line(where)}: {key}: {message}" if key else f"{self.file}: {message}")

    def at(self, where: Where) -> Any:
        value = self.data
        for step in where:
            value = value[step]
        return value

    def missing_under(self, where: Where) -> ConfigError | None:
        """The error to raise if something at or below `where` needs a variable that is not set."""
        for place, name in self.missing.items():
            if place[: len(where)] == where:
                return self.fault(place, f"the environment variable {name} is not set (or empty)")
        return None


def spell(where: Where) -> str:
    """`("ci", 0, "token")` -> `ci[0].token`."""
    text = ""
    for step in where:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read(path: Path, env: Mapping[str, str]) -> Document:
    """Read a configuration file. Raises ConfigError with one line that says what is wrong, and where."""
    raw = _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x}): save the file as UTF-8") from None
    return parse(text, str(path), env)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a directory; name the configuration file in it") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than 1 MiB: this is not a configuration file")
    return raw


def parse(text: str, file: str, env: Mapping[str, str]) -> Document:
    document = Document(file)
    loader: _Loader | None = None
    try:
        loader = _Loader(_WRITTEN.sub(lambda m: f"{_LITERAL if m[1] else _OPEN}{m[2]}{_CLOSE}", text))
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else file
        raise ConfigError(f"{place}: not valid YAML: {_reason(error)}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    except _Refused as error:
        raise ConfigError(f"{file}:{error.line}: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()
    if node is None:
        raise ConfigError(f"{file}: empty: there is nothing configured in it")
    document.data = _value(node, (), document, env)
    return document


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ": ".join(_plain(part) for part in (error.context, error.problem) if part)


def _plain(text: str) -> str:
    return text.replace(_OPEN, "${").replace(_LITERAL, "$${").replace(_CLOSE, "}")


class _Refused(Exception):
    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.line: int = mark.line + 1


class _Loader(yaml.SafeLoader):
    """Refuses aliases and deep nesting before they are built."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _Refused(f"the alias *{event.anchor} is not taken here: write the value out", event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(f"nested more than {MAX_DEPTH} deep", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _value(node: Any, where: Where, document: Document, env: Mapping[str, str]) -> Any:
    document.lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, document, env)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*where, i), document, env) for i, child in enumerate(node.value)]
    text = str(node.value)
    if "${" in text or _OPEN in text or _LITERAL in text:
        return _substitute(text, where, document, env)
    plain = node.style is None and not str(node.tag).endswith(":binary")
    return scalar(text) if plain else text


def _mapping(node: Any, where: Where, document: Document, env: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{document.file}:{line}: a key must be a word")
        name = _plain(str(key.value))
        if name in result:
            first = document.lines[(*where, name)]
            raise ConfigError(
                f"{document.file}:{line}: {spell((*where, name))}: stands twice (first in line {first}): keep one"
            )
        document.lines[(*where, name)] = line
        result[name] = _value(child, (*where, name), document, env)
    return result


def scalar(text: str) -> Any:
    """A plain scalar by the core schema; what is neither number nor word stays text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _substitute(text: str, where: Where, document: Document, env: Mapping[str, str]) -> str:
    """`${NAME}` becomes the variable's value, `$${NAME}` a literal `${NAME}`. An empty variable counts as not set."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not _NAME.fullmatch(name):
            raise document.fault(where, "write ${NAME} for an environment variable, or $${NAME} for a literal ${NAME}")
        found = env.get(name, "")
        if not found:
            document.missing.setdefault(where, name)
        elif not _is_text(found):
            raise document.fault(where, f"the environment variable {name} is not UTF-8 text")
        return found

    if "${" in text:
        raise document.fault(where, "${ without its }: write ${NAME} for an environment variable")
    if _VARIABLE.fullmatch(text):
        document.from_env.add(where)
    return _VARIABLE.sub(value, text).replace(_LITERAL, "${").replace(_CLOSE, "}")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
