"""Verdict rules: CEL expressions over the log's facts and the probes' results.

The library raises for a missing key, a missing root and a wrong type alike, can panic (not an `Exception`), and holds
the interpreter while it runs. So: no macros (no loops), a capped length, a short list of functions, every root known,
and anything but `True` is "no match".
"""

import importlib.machinery
import importlib.util
import math
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import Any, get_args

from bot.model.diagnosis import ProbeOutcome, ProbeResult

MAX_LENGTH = 500

OUTCOMES: tuple[str, ...] = get_args(ProbeOutcome)
NO_ANSWER = frozenset({"denied", "unsupported", "error"})
"""Outcomes that tell of the probing and not of the world: such a probe counts as one that did not run."""

_MACROS = frozenset(
    {"all", "exists", "existsOne", "exists_one", "map", "filter", "transformList", "transformMap", "bind", "block"}
    | {"transformMapEntry"}
)
_FUNCTIONS = frozenset({"size", "contains", "startsWith", "endsWith", "matches", "string", "int", "double"})
_TOKEN = re.compile(
    r"""(?P<string>[bB]?[rR][bB]?(?:"[^"\n]*"|'[^'\n]*')|[bB]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      |(?P<comment>//)|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<op>==|!=|<=|>=|&&|\|\||[^\s\w])""",
    re.VERBOSE,
)

Roots = Mapping[str, Collection[str] | None]
"""What an expression may name: each root with its known fields, or None where the fields are open."""


def check(source: str, roots: Roots) -> str | None:
    """Why this expression is refused, in words; None if it is sound."""
    if len(source) > MAX_LENGTH:
        return f"the expression has {len(source)} characters, {MAX_LENGTH} are allowed"
    if '"""' in source or "'''" in source:
        return "triple quotes are not allowed"
    tokens = list(_tokens(source))
    if any(kind == "comment" for kind, _ in tokens):
        return "comments are not allowed inside an expression"
    for (_, name), (_, after) in pairwise(tokens):
        if name in _MACROS and after == "(":
            return f"the macro `{name}` is not allowed: verdicts have no loops"
    try:
        program = _compile(source)
    except ValueError as error:
        return f"not a CEL expression: {_first_line(error)}"
    references = program.references()
    for function in references["functions"]:
        if function[0].isalpha() and function not in _FUNCTIONS:
            return f"unknown function `{function}`{nearest(function, _FUNCTIONS)}"
    for root in references["variables"]:
        if root not in roots:
            known = ", ".join(f"`{r}`" for r in sorted(roots))
            return f"`{root}` is neither a probe of this playbook nor `log`{nearest(root, roots)} (known: {known})"
    return _check_fields(tokens, roots)


def constant(source: str) -> bool | None:
    """True or False where the expression names nothing and so always says the same; else None."""
    try:
        program = _compile(source)
        if program.references()["variables"]:
            return None
        return program.execute({}) is True
    except Exception:
        return None


def names(source: str) -> frozenset[str]:
    """The roots that an expression names. A broken one names none."""
    try:
        return _references(source)
    except ValueError:
        return frozenset()


def holds(source: str, environment: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the expression is true here. False when it names a root that is not there (a probe that did not run),
    a fact that is missing, or comes to anything but true."""
    try:
        if not _references(source) <= environment.keys():
            return False
        return _compile(source).execute({k: dict(v) for k, v in environment.items()}) is True
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # the library's panics are no `Exception`; a fact that is not there is a plain "no"
        return False


def answered(result: ProbeResult) -> bool:
    """Whether a probe told anything about the world."""
    return result.ran and result.outcome not in NO_ANSWER


def as_fields(result: ProbeResult) -> dict[str, Any]:
    """A probe's result as an expression sees it. Facts cannot overwrite the result's own fields."""
    own = {"outcome": result.outcome, "ok": result.ok, "ran": result.ran, "vantage": result.vantage}
    ms = {} if result.ms is None else {"ms": result.ms}
    # a fact that is null is a fact that is not there
    return {k: _plain(v) for k, v in result.facts.items() if v is not None} | own | ms


def _plain(value: Any, depth: int = 0) -> Any:
    """A fact from the far side, cut down to what CEL can take: 64-bit numbers, clean text, shallow lists and maps."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth < 3 and isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in value[:100]]
    if depth < 3 and isinstance(value, dict):
        return {str(k): _plain(v, depth + 1) for k, v in list(value.items())[:100]}
    return str(value)[:2000].encode("utf-8", "replace").decode("utf-8")


def _check_fields(tokens: list[tuple[str, str]], roots: Roots) -> str | None:
    for i, (kind, root) in enumerate(tokens):
        inner = i > 0 and tokens[i - 1][1] == "."
        if kind != "name" or inner or root not in roots or i + 2 >= len(tokens) or tokens[i + 1][1] != ".":
            continue
        field, fields = tokens[i + 2][1], roots[root]
        if fields is not None and field not in fields:
            what = "no named group gives the fact" if root == "log" else f"probe `{root}` has no fact"
            return f"{what} `{field}`{nearest(field, fields)}"
        rest = tokens[i + 3 : i + 5]
        if len(rest) == 2 and (reason := _check_comparison(root, field, rest)):
            return reason
    return None


def _check_comparison(root: str, field: str, rest: list[tuple[str, str]]) -> str | None:
    (_, operator), (kind, value) = rest
    if operator not in {"==", "!="}:
        return None
    if root == "log" and kind == "number":
        return f'facts of the log are text: compare `log.{field}` with "{value}"'
    if root != "log" and field == "outcome" and kind == "string":
        outcome = value.strip("\"'")
        if outcome not in OUTCOMES:
            return f'no probe has the outcome "{outcome}"{nearest(outcome, OUTCOMES)}'
        if operator == "==" and outcome in NO_ANSWER:
            return f'a probe with the outcome "{outcome}" counts as not run, so this never holds'
    return None


def words(source: str) -> Iterator[str]:
    """The expression word by word, for those who look at its form."""
    return (text for _, text in _tokens(source))


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(source):
        yield str(match.lastgroup), match.group()


@lru_cache(maxsize=1)
def _engine() -> Any:
    """The library's native module alone. Its package imports a command line of its own (prompt_toolkit, half a second),
    which nobody here needs."""
    name = "cel.cel"
    package = importlib.util.find_spec("cel")
    spec = importlib.machinery.PathFinder.find_spec(name, package.submodule_search_locations) if package else None
    if name not in sys.modules and spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # a plain `import cel` elsewhere then finds this one
        spec.loader.exec_module(module)
    return importlib.import_module(name)


@lru_cache(maxsize=4096)
def _compile(source: str) -> Any:
    """Raises ValueError, also where the library panics."""
    try:
        return _engine().compile(source)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=4096)
def _references(source: str) -> frozenset[str]:
    return frozenset(_compile(source).references()["variables"])


def _first_line(error: Exception) -> str:
    text = str(error)
    _, _, tail = text.partition("ERROR: <input>:")
    return (tail or text).splitlines()[0][:160]


def nearest(word: str, known: Collection[str]) -> str:
    """` (did you mean `x`?)`, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""
