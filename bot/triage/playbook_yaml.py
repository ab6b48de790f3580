"""The YAML side of playbooks: text to data, places to line numbers, pydantic's errors to words, the editor's schema."""

import re
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import ValidationError

from bot.model.causes import CAUSES
from bot.triage.verbs import VERBS

MAX_CHARACTERS = 256 * 1024
MAX_NODES = 20_000
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_KEYS: dict[str, tuple[str, ...]] = {
    "": ("id", "title", "cause", "status", "match", "prior", "probes", "verdict", "remedy", "propose", "links",
         "role", "replaces", "tool", "also", "rerun", "facts", "about"),
    "match": ("any", "none"),
    "verdict": ("when", "confidence", "because"),
    "remedy": ("summary", "steps"),
    "remedy.steps": ("say", "code", "file", "use"),
    "propose": ("action", "when", "note"),
    "probes": ("verb", "at"),
}  # fmt: skip


class _Loader(_Base):  # type: ignore[misc]  # the base is chosen at run time: libyaml's where it is there
    """Safe, and refuses a key that stands twice in one mapping (YAML would silently keep the last)."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"duplicate key `{key.value}`", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(text: str) -> tuple[Any, tuple[int, str] | None]:
    """The data, or (line, reason) where the text is no usable YAML."""
    if len(text) > MAX_CHARACTERS:
        return None, (1, f"the file has {len(text)} characters, {MAX_CHARACTERS} are allowed")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  # derived from the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (error.problem or error.context or "cannot be read").strip()
        return None, (
            mark.line + 1 if mark else 1,
            reason if "duplicate key" in reason else f"not YAML: {reason}",
        )
    except yaml.YAMLError as error:  # a character that YAML does not allow: no mark, a position
        at = getattr(error, "position", 0)
        return None, (text.count("\n", 0, at) + 1, f"not YAML: {getattr(error, 'reason', error)}")
    except (ValueError, RecursionError, TypeError) as error:
        return None, (1, f"not usable YAML: {type(error).__name__}: {error}"[:200])
    if data is None:
        return None, (1, "the file is empty")
    if _count(data, MAX_NODES) > MAX_NODES:
        return None, (1, f"more than {MAX_NODES} values (do aliases multiply?)")
    return data, None


def _count(data: Any, limit: int) -> int:
    """How many values there are when every alias is written out; stops counting after `limit`."""
    total, waiting = 0, [data]
    while waiting and total <= limit:
        value = waiting.pop()
        total += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set):
            waiting.extend(value)
    return total


def line_of(text: str, place: tuple[str | int, ...]) -> int:
    """The line (from 1) of the value at `place`, or of the nearest thing around it that is there. A key that is
    refused is found by its own line."""
    try:
        node = yaml.compose(text, Loader=_Base)
    except (yaml.YAMLError, RecursionError):
        return 1
    line = 1
    for step in place:
        found = _child(node, step)
        if found is None:
            break
        key, node = found
        # a long or folded value is told by where it starts; a mapping's or list's entry by its key
        mark = key.start_mark if isinstance(node, yaml.CollectionNode) else node.start_mark
        line = mark.line + 1
    return line


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def translate(error: ValidationError, data: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Pydantic's errors as (place, reason). Only `errors()` is read, never the values of big inputs."""
    faults = []
    for item in error.errors(include_url=False, include_context=True):
        loc = tuple(part for part in item["loc"] if part not in {"[key]", "str", "int", "float"})
        place = _as_written(loc)
        faults.append((place, _reason(item, place, data)))
    # a misspelled key is one fault: that the right one is then missing too helps nobody
    said = "\n".join(reason for _, reason in faults)
    kept = [f for f in faults if not (f[1].endswith(" is missing") and f"did you mean `{f[0][-1]}`?" in said)]
    return list(dict.fromkeys(kept))


def _as_written(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """`args` of a probe is ours: in YAML the arguments stand beside `verb`."""
    if len(loc) >= 3 and loc[0] == "probes" and loc[2] == "args":
        return (*loc[:2], *loc[3:])
    return loc


def _reason(item: Any, place: tuple[str | int, ...], data: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    name = spell(place)
    value = item.get("input")
    if kind == "missing":
        return f"`{name}` is missing"
    if kind == "extra_forbidden":
        return _unknown_key(place)
    if kind == "literal_error":
        close = get_close_matches(str(value), re.findall(r"'([^']+)'", str(context.get("expected", ""))), n=1)
        hint = f" (did you mean `{close[0]}`?)" if close else ""
        return f"`{name}` is {_show(value)}: it must be {context.get('expected')}{hint}"
    if kind in {"greater_than_equal", "less_than_equal", "finite_number"}:
        return f"`{name}` is {_show(value)}: it must be between 0 and 1"
    if kind == "float_type":
        return f"`{name}` is {_show(value)}: it must be a number between 0 and 1"
    if kind == "string_type":
        hint = ": write it in quotes" if isinstance(value, int | float) or value is None else ""
        return f"`{name}` is {_show(value)}: it must be text{hint}"
    if kind in {"tuple_type", "list_type"}:
        return f"`{name}` is {_show(value)}: it must be a list"
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return f"`{name}` is {_show(value)}: it must be a mapping"
    if kind == "string_pattern_mismatch":
        form = "small letters, digits and single hyphens" if "-" in context["pattern"] else "a-z, 0-9 and _"
        return f"`{name}` is {_show(value)}: it must be written with {form}"
    if kind == "too_short":
        return f"`{name}` is empty"
    if kind == "string_too_short":
        return f"`{name}` is an empty text"
    return f"`{name}`: {item['msg'][0].lower()}{item['msg'][1:]}"


def _unknown_key(place: tuple[str | int, ...]) -> str:
    key = str(place[-1])
    inside = ".".join(str(p) for p in place[:-1] if not isinstance(p, int))
    known = _KEYS.get("probes" if inside.startswith("probes") else inside, ())
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f": did you mean `{close[0]}`?" if close else f" (known: {', '.join(known)})"
    return f"unknown key `{spell(place)}`{hint}"


def spell(place: tuple[str | int, ...]) -> str:
    """`("match", "any", 0)` -> `match.any[0]`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the playbook"


def _show(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return f"`{text[:60]}{'…' if len(text) > 60 else ''}`"


def schema(model: Any) -> dict[str, Any]:
    """Pydantic's schema, with what only we know: cause ids, and each verb's arguments beside `verb`."""
    made: dict[str, Any] = model.model_json_schema()
    made["$defs"]["Probe"] = {"description": "one probe", "oneOf": [_verb_schema(v) for v in VERBS]}
    del made["properties"]["translations"]
    for named in ("probes", "facts"):  # other names are refused, which pydantic leaves out
        made["properties"][named]["additionalProperties"] = False
    step = made["$defs"]["RemedyStep"]
    step["anyOf"] = [{"required": [key]} for key in ("say", "use")]
    del step["required"]
    made["properties"]["cause"]["enum"] = [c for c in CAUSES if c != "unknown"]
    tool = made["properties"]["tool"]
    made["properties"]["tool"] = {"anyOf": [{"type": "string"}, {k: tool[k] for k in ("type", "items")}],
                                  "description": tool["description"]}  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:buildmedic:playbook:1",
        **made,
        "title": "buildmedic playbook",
    }


def _verb_schema(name: str) -> dict[str, Any]:
    arguments = VERBS[name].arguments
    properties = {a: {"type": ["string", "number"], "description": spec.what} for a, spec in arguments.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["verb", *(a for a, spec in arguments.items() if spec.needed)],
        "properties": {
            "verb": {"const": name},
            "at": {"enum": ["build", "control"], "default": "build"},
            **properties,
        },
    }
