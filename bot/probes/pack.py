"""The prober as bytes: one zip and the text that starts it on the far side. The same for every vantage.

Wire: `COMMAND` runs there with stdin = frames of (10 decimal digits of length, bytes): boot.py, the zip, the request.
stdout = one line of JSON. The command is a constant; what varies goes through stdin alone.
"""

import io
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
def archive() -> bytes:
    """The zip; `python prober.pyz < request.json` runs it as well."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, source in sorted({**_sources(), "__main__.py": _MAIN.encode()}.items()):
            pack.writestr(zipfile.ZipInfo(name, _EPOCH), source, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sources() -> dict[str, bytes]:
    folder = resources.files("bot.prober")
    return {
        f"{PACKAGE}/{file.name}": file.read_bytes()
        for file in folder.iterdir()
        if file.name.endswith(".py") and file.name != "boot.py"
    }


@cache
def _boot() -> bytes:
    return resources.files("bot.prober").joinpath("boot.py").read_bytes()


def stdin(request: bytes) -> bytes:
    """All that goes into stdin for one request."""
    return b"".join(b"%010d%b" % (len(part), part) for part in (_boot(), archive(), request))
