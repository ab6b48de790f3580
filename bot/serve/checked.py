"""From a place in a configuration file to a settings object, or to one clear line that names file, line and key.

Every settings class (ours, a CI's, a vantage's) is a plain pydantic model with `extra="forbid"`; what this module adds
is strict types, the nearest known key, and paths that are relative to the file.
"""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.model.errors import ConfigError
from bot.serve.yamlfile import Document, Where, scalar

M = TypeVar("M", bound=BaseModel)

_WORDS = {
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a mapping (key: value)",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
}
_PLACEHOLDER = "not-set"


def validate(document: Document, where: Where, model: type[M], *, drop: Sequence[str] = ()) -> M:
    """The settings at `where`, with `drop` keys left out. A variable that is not set does not matter here: see
    `Document.missing_under`. Raises ConfigError."""
    data = _filled(document, where)
    if not isinstance(data, dict):
        raise document.fault(where, "must be a mapping (key: value)")
    data = {key: value for key, value in data.items() if key not in drop}
    for _ in range(2):  # the second time round with numbers that came from variables
        try:
            value = model.model_validate_json(json.dumps(data), strict=True)
        except ValidationError as error:
            if _retype(document, where, data, error):
                continue
            found = [e for e in error.errors(include_input=False) if not _excused(document, where, data, e)]
            if found:
                # a mistyped key is also a missing one: name the mistake, not what follows from it
                first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
                raise _fault(document, where, model, data, first) from None
            return model.model_construct(**data)  # never used: its variables are missing
        return _anchored(value, Path(document.file).resolve().parent)
    raise AssertionError("unreachable")


def _filled(document: Document, where: Where) -> Any:
    """A copy in which a missing variable stands as harmless text, so that the rest can still be checked."""

    def copy(value: Any, place: Where) -> Any:
        if isinstance(value, dict):
            return {k: copy(v, (*place, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [copy(v, (*place, i)) for i, v in enumerate(value)]
        return _PLACEHOLDER if place in document.missing else value

    return copy(document.at(where), where)


def _retype(document: Document, where: Where, data: dict[str, Any], error: ValidationError) -> bool:
    """Variables are text; where a number or a switch is wanted, read them as YAML would."""
    changed = False
    for fault in error.errors(include_input=False):
        place = _inside(data, fault["loc"])
        if fault["type"] not in {"int_type", "float_type", "bool_type"} or (*where, *place) not in document.from_env:
            continue
        holder: Any = data
        for step in place[:-1]:
            holder = holder[step]
        new = scalar(str(holder[place[-1]]))
        if not isinstance(new, str):
            holder[place[-1]] = new
            changed = True
    return changed


def _excused(document: Document, where: Where, data: Any, fault: Any) -> bool:
    """Whether the fault may come from a variable that is not set."""
    place = (*where, *_inside(data, fault["loc"]))
    return fault["type"] not in {"extra_forbidden", "missing"} and document.missing_under(place) is not None


def _inside(data: Any, loc: Sequence[str | int]) -> Where:
    """The part of pydantic's location that exists in the data (it adds tags of its own for unions)."""
    place: list[str | int] = []
    for step in loc:
        known = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if step not in known:
            continue
        data = data[step]
        place.append(step)
    return tuple(place)


def _fault(document: Document, where: Where, model: type[BaseModel], data: Any, error: Any) -> ConfigError:
    place = (*where, *_inside(data, error["loc"]))
    kind = error["type"]
    if kind == "extra_forbidden":
        known = keys_at(model, error["loc"][:-1])
        return document.fault(place, unknown_key(str(error["loc"][-1]), known))
    if kind == "missing":
        return document.fault(place, f"the key {error['loc'][-1]!r} is missing")
    if kind in {"value_error", "assertion_error"}:
        return document.fault(place, str(error["ctx"]["error"]))
    if kind in {"literal_error", "enum"}:
        return document.fault(place, f"must be one of: {error['ctx']['expected']}")
    return document.fault(place, _WORDS.get(kind) or re.sub(r"^\w+ should", "must", str(error["msg"])))


def unknown_key(key: str, known: Sequence[str]) -> str:
    """`unknown key 'tokn': the nearest known key is 'token'`."""
    if not known:
        return f"unknown key {key!r}: nothing is known here"
    nearest = max(known, key=lambda k: difflib.SequenceMatcher(None, k, key.lower()).ratio())
    return f"unknown key {key!r}: the nearest known key is {nearest!r} (known: {', '.join(sorted(known))})"


def keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that the model takes at this place inside it."""
    here: type[BaseModel] | None = model
    for step in loc:
        if here is None:
            return []
        field = next((f for n, f in here.model_fields.items() if step in (n, f.alias)), None)
        if field is not None:
            here = _model_in(field.annotation)
    return [f.alias or name for name, f in here.model_fields.items()] if here else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for part in typing.get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def _anchored(model: M, base: Path) -> M:
    """Paths in settings are relative to the file that names them; `~` is the home directory."""
    changes = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        new = _anchor(value, base)
        if new is not value:
            changes[name] = new
    return model.model_copy(update=changes) if changes else model


def _anchor(value: Any, base: Path) -> Any:
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, BaseModel):
        return _anchored(value, base)
    if isinstance(value, tuple) and value and isinstance(value[0], Path | BaseModel):
        return tuple(_anchor(item, base) for item in value)
    return value
