"""Tools that samples need and no Debian package gives: fetched once by their own clients, copied into a lab's home.

`yarn`, `pnpm` come from npm, an older `pip` and `uv` from the Python index, `cargo` and `docker` from this machine.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from netlab import HOME, Lab

FOLDER = Path(tempfile.gettempdir()) / "buildmedic-samples-tools"
NODE = {"yarn": "1.22.22", "pnpm": "9.15.9"}
PIP, UV = "22.3.1", "0.13.9"
VERSIONS = {**NODE, "pip22": PIP, "uv": UV}
PATH = f"{HOME}/tools:/usr/local/go/bin:/usr/local/python/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def fetch() -> str | None:
    """Bring them here; why that failed, in words."""
    FOLDER.mkdir(exist_ok=True)
    try:
        if not (FOLDER / "node_modules/pnpm").exists():
            names = [f"{name}@{version}" for name, version in NODE.items()]
            subprocess.run(
                ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, *names], check=True
            )
        if not list(FOLDER.glob("uv-*.whl")):
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(FOLDER)]
            subprocess.run([*pip, f"pip=={PIP}", f"uv=={UV}"], check=True)
        uv = next(iter(FOLDER.glob("uv-*.whl")))
        with zipfile.ZipFile(uv) as wheel:
            member = next(n for n in wheel.namelist() if n.endswith("/scripts/uv"))
            (FOLDER / "uv").write_bytes(wheel.read(member))
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        return f"the tools cannot be fetched: {error}"
    return None


def install(lab: Lab, *names: str) -> None:
    """Put these tools on the lab's path: those of VERSIONS, `cargo`, `docker`."""
    tools = lab.home / "tools"
    tools.mkdir(exist_ok=True)
    for name in names:
        if name in NODE:
            shutil.copytree(FOLDER / "node_modules" / name, tools / f"{name}-package", dirs_exist_ok=True)
            entry = "yarn.js" if name == "yarn" else "pnpm.cjs"
            _script(tools / name, f'exec node {HOME}/tools/{name}-package/bin/{entry} "$@"')
        elif name == "pip22":
            wheel = next(iter(FOLDER.glob(f"pip-{PIP}-*.whl")))
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(tools / "pip22-package")
            _script(tools / "pip22", f'PYTHONPATH={HOME}/tools/pip22-package exec python3 -m pip "$@"')
        elif name == "uv":
            _copy(FOLDER / "uv", tools / "uv")
        elif found := shutil.which(name):
            _copy(Path(found), tools / name)


def rust() -> str | None:
    """The folder of a real cargo, not rustup's switch."""
    homes = (Path(os.environ.get("RUSTUP_HOME", "")), Path.home() / ".rustup")
    found = [c for home in homes for c in sorted(home.glob("toolchains/*/bin/cargo"))]
    return str(found[-1].parent) if found else None


def _script(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def _copy(source: Path, to: Path) -> None:
    shutil.copy(source, to)
    to.chmod(0o755)
