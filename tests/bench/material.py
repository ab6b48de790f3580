"""What the benchmarks read: rules in the manner of playbooks, and logs that are quiet or full of near misses.

Everything is made from fixed seeds. Rules hold alternations and wildcards, as authors write them, and a word of their
own each, so that 3,000 of them are 3,000 different ones.
"""

import random
from collections.abc import Callable
from pathlib import Path

# of one row: the rule, a line that it fits, and a line that misses it by a word
ROWS = [
    (r"(?:dial|read|write) (?:tcp|udp) [^ ]+: .*{w}.*(?:i/o timeout|connection refused|no route to host)",
     "go: {v}: dial tcp 10.{n}.0.9:443: proxy {w} said: i/o timeout",
     "go: {v}: dial tcp 10.{n}.0.9:443: proxy {w} said: welcome"),
    (r"(?:ERROR|FATAL|error|fatal):? .*{w}.*(?:timed? ?out|refused|reset by peer)",
     "ERROR: job {w} for {v} timed out after {n}s",
     "ERROR: job {w} for {v} was started again after {n}s"),
    (r"(?i)(?:failed|unable|could not) to (?:fetch|pull|resolve|download) .*{w}",
     "E: Failed to fetch http://{v}.example/pool/{w}_{n}.deb",
     "N: Managed to fetch http://{v}.example/pool/{w}_{n}.deb"),
    (r"lookup [^ ]+{w}[^ ]* on [^ ]+: (?:no such host|server misbehaving|.*timeout)",
     "dial: lookup cdn-{w}.example on 10.0.0.{n}:53: no such host",
     "dial: lookup cdn-{w}.example on 10.0.0.{n}:53: answered"),
    (r"{w}[^ ]*: .*(?:x509|tls): (?:certificate|handshake) .*(?:expired|unknown|failure)",
     "{w}.example: remote said: x509: certificate {v} has expired",
     "{w}.example: remote said: x509: certificate {v} is good for {n} days"),
    (r"^.*\b(?:HTTP|status)[ :/=]+(?:429|50[0-4])\b.*{w}",
     "GET /{v} HTTP 503 from {w} in {n} ms",
     "GET /{v} HTTP 200 from {w} in {n} ms"),
    (r'Get "?https?://[^/" ]*{w}[^" ]*"?: (?:EOF|unexpected EOF|.*(?:timeout|refused))',
     'Get "https://mirror.{w}.example/v2/{v}": unexpected EOF',
     'Get "https://mirror.{w}.example/v2/{v}": 200 OK'),
    (r"(?:npm|yarn|pnpm) (?:ERR!|error) .*{w}.*(?:network|registry)",
     "npm error {w} is not reachable, {v}: network trouble",
     "npm error {w} was not asked for by {v}"),
    (r"\[(?:ERROR|WARN)\].*{w}.*(?:Could not|Cannot|Failed to) (?:resolve|transfer|find)",
     "[ERROR] {w}:{v}:{n}: Could not transfer artifact",
     "[ERROR] {w}:{v}:{n}: skipped, as it says in the settings"),
    (r"(?:fatal|remote|error): .*{w}.*(?:unable to access|RPC failed|early EOF)",
     "remote: {w}/{v}.git: RPC failed; curl 56",
     "remote: {w}/{v}.git: Counting objects: {n}, done"),
]  # fmt: skip
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
FAILURE = "go: example.com/mod@v1.0.0: dial tcp: lookup proxy.golang.org on 10.0.0.2:53: read udp 10.0.0.9:42->10.0.0.2:53: i/o timeout"

_PIECE = 60_000  # lines that are made and then repeated


def words(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=chance.randint(5, 11))) for _ in range(count)]


def patterns(count: int) -> list[str]:
    return [ROWS[i % len(ROWS)][0].replace("{w}", w) for i, w in enumerate(words(count, 7))]


def _stamp(chance: random.Random) -> str:
    return f"2026-07-29T10:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(10**7):07}Z "


def _lines(noisy: bool) -> bytes:
    chance = random.Random(11 + noisy)
    known, loose = words(300, 7), words(2000, 5)
    made = []
    for _ in range(_PIECE):
        dice = chance.random()
        rule = chance.randrange(300)
        if noisy and dice < 0.4:  # 10 in 100 are real errors, 30 in 100 near misses
            shape, word = ROWS[rule % len(ROWS)][1 if dice < 0.1 else 2], known[rule]
        else:
            shape, word = chance.choice(QUIET), chance.choice(loose)
        made.append(_stamp(chance) + shape.format(w=word, v=chance.choice(loose), n=chance.randrange(250)) + "\n")
    return "".join(made).encode()


def make_log(path: Path, size: int, *, noisy: bool) -> Path:
    """A log of about `size` bytes in GitHub's style, with one real failure at its end."""
    data = _lines(noisy)
    with path.open("wb") as out:
        left = size
        while left > 0:
            out.write(data if left >= len(data) else data[: data.rfind(b"\n", 0, left) + 1])
            left -= len(data)
        out.write(f"{_stamp(random.Random(1))}{FAILURE}\n".encode())
        out.write(f"{_stamp(random.Random(2))}##[error]Process completed with exit code 1.\n".encode())
    return path


def write_playbooks(folder: Path, count: int, per_playbook: int = 1, extra: Callable[[int], str] | None = None) -> Path:
    """So many rules as playbooks; the folder's configuration file is returned."""
    found = patterns(count)
    for number, at in enumerate(range(0, count, per_playbook)):
        place = folder / "rules" / f"bench-{number}"
        place.mkdir(parents=True)
        rules = "".join(f"    - '{p.replace(chr(39), chr(39) * 2)}'\n" for p in found[at : at + per_playbook])
        place.joinpath("playbook.yaml").write_text(
            f"id: bench-{number}\ntitle: Rule {number} of the benchmark\ncause: dns-timeout\nstatus: experimental\n"
            f"match:\n  any:\n{rules}remedy:\n  summary: Nothing\n" + (extra(number) if extra else "")
        )
    config = folder / "buildmedic.yaml"
    config.write_text("playbooks: [./rules]\n")
    return config


def write_patterns(path: Path, count: int) -> Path:
    """The same rules for `rg -f`."""
    path.write_text("\n".join(patterns(count)) + "\n")
    return path
