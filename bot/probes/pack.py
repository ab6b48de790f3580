"""The prober as bytes: one zip and the text that starts it on the far side. The same for every vantage.

Wire: `COMMAND` runs there with stdin = frames of (10 decimal digits of length, bytes): boot.py, the zip, the request.
stdout = one line of JSON. The command is a constant; what varies goes through stdin alone.
"""

import ast
import io
import json
import tokenize
import zipfile
from functools import cache
from importlib import resources

PACKAGE = "buildmedic_prober"
BOOT = "import sys;r=sys.stdin.buffer.read;exec(r(int(r(10))))"
COMMAND = f'python3 -I -c "{BOOT}"'
"""Read by a login shell: sh, bash, csh, fish and zsh all take it as it stands (no $, `, !, \\ or ' in it)."""

_MAIN = f"from {PACKAGE}.__main__ import main\n\nmain()\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever they are packed


@cache
def archive(verbs: frozenset[str] | None = None) -> bytes:
    """The zip; `python prober.pyz < request.json` runs it as well. `verbs`: with these alone, and what they need."""
    sources = _sources()
    kept = sources.keys() if verbs is None else _needed(sources, verbs)
    files = {f"{PACKAGE}/{name}.py": sources[name] for name in kept}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, source in sorted({**files, "__main__.py": _MAIN.encode()}.items()):
            pack.writestr(zipfile.ZipInfo(name, _EPOCH), source, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


@cache
def _sources() -> dict[str, bytes]:
    folder = resources.files("bot.prober")
    found = {file.name[:-3]: _bare(file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".py")}
    found.pop("boot")
    return found


def _bare(source: bytes) -> bytes:
    """The same program without its docstrings and comments, which are a third of it."""
    lines: list[str | None] = list(source.decode().splitlines())
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) and body:
            first, last = body[0].lineno - 1, body[0].end_lineno
            lines[first:last] = [" " * body[0].col_offset + '""', *[None] * (last - first - 1)]
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        at, line = token.start[1], lines[token.start[0] - 1] if token.type == tokenize.COMMENT else None
        if line is not None:
            lines[token.start[0] - 1] = line[:at].rstrip() or None
    return "\n".join(line for line in lines if line is not None).encode() + b"\n"


def _needed(sources: dict[str, bytes], verbs: frozenset[str]) -> set[str]:
    """The machinery, these verbs, and all that they import."""
    kept: set[str] = set()
    waiting = ["__init__", "__main__", *(verb for verb in verbs if verb in sources)]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += [found for found in _imports(sources[name]) if found in sources]
    return kept


def _imports(source: bytes) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def _verbs(request: bytes) -> frozenset[str] | None:
    """The verbs that a request asks for; None where it cannot be read."""
    try:
        return frozenset(probe["verb"] for probe in json.loads(request)["probes"])
    except (ValueError, KeyError, TypeError):
        return None


@cache
def _boot() -> bytes:
    return resources.files("bot.prober").joinpath("boot.py").read_bytes()


def stdin(request: bytes) -> bytes:
    """All that goes into stdin for one request: of the prober, the parts that it needs."""
    return b"".join(b"%010d%b" % (len(part), part) for part in (_boot(), archive(_verbs(request)), request))
