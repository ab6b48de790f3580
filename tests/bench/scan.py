"""`buildmedic triage` beside ripgrep, as whole processes in one run on the same files: `python tests/bench/scan.py`.

Makes a quiet log and a noisy one (30 % near misses, 10 % real error lines) in GitHub's style, rules with alternations
and wildcards as one playbook each in a folder that a configuration file names, and the same rules for
`rg --no-unicode -c -f`. The two take turns; the best wall time of each counts. Prints one table of ratios beside their
bars. `--quiet 64 --noisy 10 --huge 0` is a short run. Needs ripgrep for the ratios that name it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import material  # noqa: E402

MB = 1 << 20


@dataclass
class Took:
    """Best wall and CPU seconds of several runs, and the most memory that any of them held (MB)."""

    wall: float = float("inf")
    cpu: float = float("inf")
    memory: float = 0.0

    def add(self, wall: float, cpu: float, memory: float) -> None:
        self.wall, self.cpu, self.memory = min(self.wall, wall), min(self.cpu, cpu), max(self.memory, memory)


@dataclass
class Bench:
    folder: Path
    repeat: int
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    failed: bool = False

    def row(self, what: str, figures: str, value: float, bar: float | None, unit: str = "x") -> None:
        held = "" if bar is None else "yes" if value <= bar else "NO"
        self.failed = self.failed or held == "NO"
        self.rows.append((what, figures, f"{value:.2f}{unit}", "" if bar is None else f"<= {bar:g}{unit} {held}"))
        print(f"  {what}: {figures}: {self.rows[-1][2]} {self.rows[-1][3]}", flush=True)

    def table(self) -> str:
        rows = [("what", "measured", "result", "bar"), *self.rows]
        wide = [max(len(r[i]) for r in rows) for i in range(4)]
        return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(r, wide, strict=True)) + " |" for r in rows)


def measure(argv: list[str], env: dict[str, str] | None = None) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak resident memory (MB) of a process and its children."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        trouble = said.read(200).decode()
    if process.returncode > (argv[0] == "rg") or trouble:  # ripgrep: 1 means that nothing matched
        raise SystemExit(f"{argv[0]} ended with {process.returncode}: {trouble}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def turns(repeat: int, *runs: Callable[[], tuple[float, float, float]]) -> list[Took]:
    took = [Took() for _ in runs]
    for _ in range(repeat):
        for one, run in zip(took, runs, strict=True):
            one.add(*run())
    return took


def buildmedic(log: Path, config: Path | None, cache: Path) -> Callable[[], tuple[float, float, float]]:
    script = Path(sys.executable).with_name("buildmedic")
    start = [str(script)] if script.exists() else [sys.executable, "-c", "from bot.serve.cli import main; main()"]
    argv = [*start, "triage", str(log), "--json", *(["--config", str(config)] if config else [])]
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    env = os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": path}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
    return lambda: measure(argv, env)


def ripgrep(log: Path, patterns: Path) -> Callable[[], tuple[float, float, float]]:
    return lambda: measure(["rg", "--no-unicode", "-c", "-f", str(patterns), str(log)])


def _compare(bench: Bench, name: str, size: int, counts: list[int], *, noisy: bool, bar: float) -> dict[int, Took]:
    """Ours beside ripgrep's; returns ours by number of rules."""
    log = material.make_log(bench.folder / f"{name}.log", size, noisy=noisy)
    mine: dict[int, Took] = {}
    for count in counts:
        place = bench.folder / str(count)
        patterns = place / "rules.txt"
        runs = [buildmedic(log, place / "buildmedic.yaml", place / "cache")]
        if shutil.which("rg"):
            runs.append(ripgrep(log, patterns))
        took = turns(bench.repeat if count == counts[0] else 1, *runs)
        if count != counts[0] and bench.repeat > 1:  # ripgrep with thousands of rules is timed once: it is slow
            took[0].add(*runs[0]())
        mine[count] = took[0]
        if len(took) > 1:
            ours, theirs = took
            figures = f"{ours.wall:.2f} s beside {theirs.wall:.2f} s (CPU {ours.cpu:.2f} s, {theirs.cpu:.2f} s)"
            bench.row(f"{name} {size // MB} MB, {count} rules, beside ripgrep", figures, ours.wall / theirs.wall,
                      bar if count == counts[0] else None)  # fmt: skip
    log.unlink()
    return mine


def run(given: argparse.Namespace, folder: Path) -> Bench:
    bench = Bench(folder, given.repeat)
    few, many = given.rules[0], given.rules[-1]
    empty = material.make_log(folder / "small.log", 100_000, noisy=False)
    for count in given.rules:
        place = folder / str(count)
        place.mkdir()
        config = material.write_playbooks(place, count)
        material.write_patterns(place / "rules.txt", count)
        first = Took()
        first.add(*buildmedic(empty, config, place / "cache")())
        bench.row(
            f"first run with {count} rules of one's own, 100 KB", f"CPU {first.cpu:.2f} s", first.wall, None, " s"
        )
    warm = turns(max(3, given.repeat), buildmedic(empty, None, folder / "cache"),
                 *(buildmedic(empty, folder / str(c) / "buildmedic.yaml", folder / str(c) / "cache")
                   for c in given.rules))  # fmt: skip
    bench.row("100 KB, built-in playbooks", f"CPU {warm[0].cpu:.2f} s", warm[0].wall, 0.6, " s")
    for count, took in zip(given.rules, warm[1:], strict=True):
        bench.row(f"100 KB, {count} rules", f"CPU {took.cpu:.2f} s", took.wall, 0.6 if count == few else None, " s")
    quiet = _compare(bench, "quiet", given.quiet * MB, given.rules, noisy=False, bar=1.0)
    if few != many:
        bench.row(f"quiet {given.quiet} MB, {many} rules beside {few}",
                  f"{quiet[many].wall:.2f} s beside {quiet[few].wall:.2f} s (CPU {quiet[many].cpu:.2f} s, "
                  f"{quiet[few].cpu:.2f} s)", quiet[many].wall / quiet[few].wall, 1.7)  # fmt: skip
    noisy = _compare(bench, "noisy", given.noisy * MB, given.rules, noisy=True, bar=0.2)
    still = material.make_log(folder / "still.log", given.noisy * MB, noisy=False)
    for count in given.rules:
        (same,) = turns(given.repeat, buildmedic(still, folder / str(count) / "buildmedic.yaml",
                                                 folder / str(count) / "cache"))  # fmt: skip
        bench.row(f"noisy beside quiet, {given.noisy} MB, {count} rules",
                  f"{noisy[count].wall:.2f} s beside {same.wall:.2f} s", noisy[count].wall / same.wall, 3.0)  # fmt: skip
    if given.huge:
        log = material.make_log(folder / "huge.log", given.huge * MB, noisy=False)
        (huge,) = turns(1, buildmedic(log, folder / str(many) / "buildmedic.yaml", folder / str(many) / "cache"))
        bench.row(f"memory, quiet {given.huge} MB, {many} rules", f"{huge.wall:.2f} s", huge.memory, 200, " MB")
    return bench


def main() -> None:
    asked = argparse.ArgumentParser(description="Whole-process benchmark of `buildmedic triage`.")
    asked.add_argument("--quiet", type=int, default=1024, metavar="MB", help="size of the quiet log")
    asked.add_argument("--noisy", type=int, default=40, metavar="MB", help="size of the noisy log")
    asked.add_argument("--huge", type=int, default=2048, metavar="MB", help="log for the memory; 0: none")
    asked.add_argument("--rules", type=int, nargs="+", default=[300, 3000])
    asked.add_argument("--repeat", type=int, default=3)
    asked.add_argument("--folder", help="where the files are made (a temporary folder; 3 GB)")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="medic-bench-", dir=given.folder) as folder:
        bench = run(given, Path(folder))
    print(bench.table())
    if not shutil.which("rg"):
        print("ripgrep is not installed: what is measured beside it was left out")
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
