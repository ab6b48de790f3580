"""How fast the scanner is beside ripgrep, in one run on the same files: `python tests/bench/scan.py [MB] [--rules N...]`.

Makes a quiet log (ordinary build output) and a noisy one (30 % near-misses, 10 % real error lines), and rules in the
manner of playbooks; times `rg --no-unicode -c -f` and ours in a process of its own; prints ratios and peak memory.
Everything is made from a fixed seed.
"""

import argparse
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPES = [
    r"lookup (?P<host>[^\s:]+) on (?P<resolver>\S+:53): .*{w} i/o timeout",
    r'Get "https?://(?P<host>[^/"]+){w}[^"]*": dial tcp (?P<ip>[\d.]+):443: connect: connection refused',
    r"{w}: (?:x509: )?certificate (?:has expired|signed by unknown authority)",
    r"^E: (?:Failed to fetch|Unable to locate) {w}\b",
    r"{w}.*exit code (?P<code>\d+)",
    r"npm (?:ERR!|error) code E{w}",
    r"error: failed to {w} (?P<what>\S+): (?:timeout|EOF|reset)",
    r"(?i){w} rate limit (?:exceeded|reached)",
    r"\[ERROR\] {w}: Could not (?:resolve|transfer) (?P<artifact>\S+)",
    r"fatal: unable to access '(?P<url>[^']+)': {w}",
]
HITS = [
    "go: x: lookup proxy.example on 10.0.0.2:53: dial udp {w} i/o timeout",
    'Get "https://registry.example{w}/v2/": dial tcp 10.1.2.3:443: connect: connection refused',
    "{w}: x509: certificate signed by unknown authority",
    "E: Failed to fetch {w} and more",
    "task {w} ended with exit code 3",
    "npm error code E{w}",
    "error: failed to {w} thing: EOF",
    "{w} rate limit exceeded for 10.0.0.1",
    "[ERROR] {w}: Could not resolve org.example:lib:1.0",
    "fatal: unable to access 'https://git.example/x/': {w}",
]
NEAR = [
    "go: x: lookup proxy.example on 10.0.0.2:53: dial udp {w} ok",
    'Get "https://registry.example{w}/v2/": dial tcp 10.1.2.3:443: connect: fine',
    "{w}: x509: certificate is fine",
    "N: Fetched {w} and more",
    "task {w} ended with exit status",
    "npm warn code W{w}",
    "error: failed to think {w}: later",
    "{w} rate limit remaining: 4999",
    "[INFO] {w}: Could resolve org.example:lib:1.0",
    "fatal: able to access 'https://git.example/x/' {w}",
]
QUIET = [
    "go: downloading github.com/{w}/{v} v1.{n}.0",
    "=== RUN   Test{w}{n}",
    "--- PASS: Test{w}{n} (0.0{n}s)",
    "ok  \tgithub.com/{w}/{v}\t0.{n}s",
    "  CC      src/{w}/{v}.o",
    "[{n}/9000] Building CXX object {w}/{v}.cc.o",
    "Downloading https://files.example/{w}/{v}-{n}.tar.gz ({n} kB)",
    " ---> Using cache {w}{v}",
    "{w}: Pull complete {v}",
    "INFO {w} finished {v} in {n} ms",
]


def words(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=chance.randint(5, 11))) for _ in range(count)]


def patterns(count: int) -> list[str]:
    return [SHAPES[i % len(SHAPES)].replace("{w}", w) for i, w in enumerate(words(count, 7))]


def line(chance: random.Random, shapes: list[str], known: list[str], loose: list[str]) -> str:
    i = chance.randrange(len(known))
    shape = shapes[i % len(shapes)]
    text = shape.format(w=known[i], v=chance.choice(loose), n=chance.randrange(1000))
    return f"2026-07-29T10:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(10**7):07}Z {text}\n"


def make(path: Path, megabytes: int, noisy: bool) -> None:
    """A few MB of lines, repeated to size."""
    chance = random.Random(11 + noisy)
    known, loose = words(300, 7), words(2000, 5)
    piece = []
    for _ in range(60_000):
        dice = chance.random()
        shapes = HITS if noisy and dice < 0.1 else NEAR if noisy and dice < 0.4 else QUIET
        piece.append(line(chance, shapes, known if shapes is not QUIET else loose, loose))
    data = "".join(piece).encode()
    with path.open("wb") as out:
        left = megabytes << 20
        while left > 0:
            out.write(data[:left] if left < len(data) else data)
            left -= len(data)


def ours(rules_file: str, log: str) -> None:
    """In a process of its own: seconds of the scan alone, hits, peak memory."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from bot.triage.scanner import Rule, RuleSet

    rules = [
        Rule(playbook=f"p{i // 5}", index=i % 5, pattern=p)
        for i, p in enumerate(Path(rules_file).read_text().splitlines())
    ]
    blob = Path(rules_file + ".hs")
    began = time.perf_counter()
    if not blob.exists():
        blob.write_bytes(RuleSet.compile(rules).dump())
    compiled = time.perf_counter() - began
    ruleset = RuleSet.load(rules, blob.read_bytes())
    began, cpu = time.perf_counter(), time.process_time()
    scanner = ruleset.scanner()
    with Path(log).open("rb") as stream:
        while block := stream.read(1 << 20):
            scanner.feed(block)
    found = scanner.finish()
    spent, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "s": spent,
                "cpu": cpu,
                "compile": compiled,
                "hits": sum(found.counts.values()),
                "lines": found.log.lines,
                "mb": peak,
            }
        )
    )


def run(rules_file: Path, log: Path, repeat: int) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(repeat):
        out = subprocess.run(
            [sys.executable, __file__, "--ours", str(rules_file), str(log)], check=True, capture_output=True, text=True
        ).stdout
        one = json.loads(out)
        if not best or one["s"] < best["s"]:
            best = {**one, "compile": max(one["compile"], best.get("compile", 0))}
    return best


def ripgrep(rules_file: Path, log: Path, repeat: int) -> tuple[float, float, int]:
    """Wall and CPU seconds, lines that match."""
    best, cpu, count = float("inf"), float("inf"), 0
    for _ in range(repeat):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        out = subprocess.run(
            ["rg", "--no-unicode", "-c", "-f", str(rules_file), str(log)], check=False, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if out.returncode > 1:
            raise SystemExit(out.stderr)
        best = min(best, time.perf_counter() - began)
        cpu = min(cpu, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        count = int(out.stdout or 0)
    return best, cpu, count


def main() -> None:
    if sys.argv[1:2] == ["--ours"]:
        return ours(*sys.argv[2:4])
    asked = argparse.ArgumentParser()
    asked.add_argument("megabytes", nargs="?", type=int, default=200)
    asked.add_argument("--noisy", type=int, default=40, help="size of the noisy log, MB")
    asked.add_argument("--rules", type=int, nargs="*", default=[300, 3000])
    asked.add_argument("--repeat", type=int, default=2)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (("quiet", given.megabytes), ("noisy", given.noisy)):
            log = Path(folder) / f"{name}.log"
            make(log, size, name == "noisy")
            first = None
            for count in given.rules:
                rules_file = Path(folder) / f"{count}.txt"
                rules_file.write_text("\n".join(patterns(count)) + "\n")
                mine = run(rules_file, log, given.repeat)
                first = first or mine["cpu"]
                print(f"{name} {size} MB, {count} rules: ours {mine['s']:.2f} s (CPU {mine['cpu']:.2f} s, "
                      f"{size / mine['cpu']:.0f} MB/s), "
                      f"{mine['hits']:.0f} hits in {mine['lines']:.0f} lines, peak {mine['mb']:.0f} MB, "
                      f"compile {mine['compile']:.1f} s, {mine['cpu'] / first:.2f} x the first")  # fmt: skip
                if shutil.which("rg"):
                    plain = Path(folder) / f"{count}.rg"  # ripgrep joins them: names of groups may not repeat
                    plain.write_text(re.sub(r"\(\?P<\w+>", "(?:", rules_file.read_text()))
                    wall, cpu, lines = ripgrep(plain, log, given.repeat)
                    print(f"    ripgrep {wall:.2f} s (CPU {cpu:.2f} s, {lines} lines): "
                          f"ours takes {mine['s'] / wall:.2f} of its time, {mine['cpu'] / cpu:.2f} of its CPU")  # fmt: skip
            log.unlink()


if __name__ == "__main__":
    main()
