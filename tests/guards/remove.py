"""Takes away one guard after the other, and sees a test fail each time.

    python tests/guards/remove.py [--only WORDS] [--jobs N]

Each removal is made in a copy of the tree; the test that is named for it is run there and has to fail by an assertion
of its own, not because the file cannot be imported. Exit status 0: every guard has its test; 1: the removal of some
guard stays green (or the tests are red without any removal); 2: the table is stale.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.guards.addresses import ADDRESSES  # noqa: E402 the table stands beside this file
from tests.guards.approval import APPROVAL  # noqa: E402
from tests.guards.doors import DOORS  # noqa: E402
from tests.guards.guard import Guard  # noqa: E402
from tests.guards.redaction import REDACTION  # noqa: E402

GUARDS = (*APPROVAL, *DOORS, *REDACTION, *ADDRESSES)
_SECONDS = 180  # for one test
_KEPT = ("bot", "tests", "playbooks", "deploy", "pyproject.toml", "README.md")
_BROKEN = re.compile(r"(?:Import|ModuleNotFound|Syntax|Indentation|Name|UnboundLocal)Error")


def stale(guards: Iterable[Guard], root: Path = ROOT) -> list[str]:
    """What no longer fits the tree, in words; nothing where all of it does."""
    said = []
    for guard in guards:
        count = (root / guard.file).read_text().count(guard.text)
        if count != 1:
            said.append(f"{guard.name}: its text stands {count} times in {guard.file}, not once: the table is stale")
        path, _, test = guard.test.partition("::")
        name = test.partition("[")[0]
        if not (root / path).exists() or f"def {name}(" not in (root / path).read_text():
            said.append(f"{guard.name}: there is no test {guard.test}: the table is stale")
    return said


def copy_tree(folder: Path) -> Path:
    """The tree without what is not needed, its bytecode checked by content: a removal must never meet an old one."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for name in _KEPT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "bot", "tests"]
    subprocess.run(compiling, cwd=tree, check=True, stdout=subprocess.DEVNULL)
    return tree


def run_tests(tree: Path, ids: Iterable[str]) -> tuple[int | None, str]:
    """Exit status of pytest (None: it hung) and what it said."""
    command = [
        sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", "-q", "-rfEs",
        "--strict-markers", "--import-mode=importlib", *ids,
    ]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "300"}
    env |= {"BUILDMEDIC_NO_SHRINK": "1", "BUILDMEDIC_MACHINE": "1000"}  # enough that no luck is needed
    env.pop("PYTEST_ADDOPTS", None)
    try:
        done = subprocess.run(
            command, check=False, cwd=tree, env=env, capture_output=True, text=True, timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"not done after {_SECONDS} s"
    return done.returncode, done.stdout + done.stderr


def without(guard: Guard, tree: Path) -> str | None:
    """Take it away, run its test, put it back. None where the test failed as it should; else what happened."""
    path = tree / guard.file
    whole = path.read_text()
    path.write_text(whole.replace(guard.text, guard.instead))
    try:
        compile(path.read_text(), guard.file, "exec")
        status, said = run_tests(tree, [guard.test])
    except SyntaxError as error:
        return f"what is left is no Python: {error}"
    finally:
        path.write_text(whole)
    failed = [line for line in said.splitlines() if line.startswith("FAILED ")]
    named = [line for line in failed if line.removeprefix("FAILED ").startswith(guard.test)]
    if status == 0:
        return "STAYS GREEN"
    if status != 1 or not named:
        return f"the test did not fail by itself (status {status}): {said[-400:]}"
    if _BROKEN.search(named[0].partition(" - ")[2]):
        return f"it fails for another reason: {named[0]}"
    return None


def place(guard: Guard) -> str:
    text = (ROOT / guard.file).read_text()
    return f"{guard.file}:{text[: text.index(guard.text)].count(chr(10)) + 1}"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", default="", metavar="WORDS", help="guards whose name, file or test holds these words")
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at once")
    given = asked.parse_args()
    guards = [g for g in GUARDS if given.only.lower() in " ".join((g.name, g.file, g.test)).lower()]
    if faults := stale(guards):
        print("\n".join(faults), file=sys.stderr)
        return 2
    if not guards:
        print(f"no guard is called {given.only!r}", file=sys.stderr)
        return 2
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(max(1, given.jobs)):
            trees.put(copy_tree(Path(folder) / str(number)))
        tree = trees.get()
        status, said = run_tests(tree, dict.fromkeys(g.test for g in guards))
        trees.put(tree)
        if status != 0:
            print(f"the tests are red without any removal:\n{said[-4000:]}", file=sys.stderr)
            return 1

        def one(guard: Guard) -> str | None:
            tree = trees.get()
            try:
                return without(guard, tree)
            finally:
                trees.put(tree)

        bad = 0
        print("| guard | where | test that fails without it |\n|---|---|---|", flush=True)
        with ThreadPoolExecutor(max(1, given.jobs)) as pool:
            for guard, fault in zip(guards, pool.map(one, guards), strict=True):
                bad += fault is not None
                told = f"**{fault}**: {guard.test}" if fault else guard.test
                print(f"| {guard.name} | {place(guard)} | {told} |", flush=True)
    print(
        f"\n{len(guards) - bad} of {len(guards)} guards fail their test when removed, {time.monotonic() - begun:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
