"""The process that hunts ahead changes nothing, may die at any time, and outlives nobody."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot.triage.scan_ahead import SLOTS, Ahead
from bot.triage.scan_hunt import Hunter
from bot.triage.scanner import Scanner
from tests.triage.test_scanner import MIXED

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it is forked on Linux alone"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # a test runner may have threads
]
LINES = [b"E: no luck", b"dial: connection refused", b"\x1b[31mKilled\x1b[0m", b"##[group]Run x", b"x exit code 1\r"]


def noisy(seed: int, lines: int = 20_000, share: float = 0.6) -> bytes:
    chance = random.Random(seed)
    return b"".join(
        (chance.choice(LINES) if chance.random() < share else b"all is well %d" % i) + b"\n" for i in range(lines)
    )


@pytest.fixture
def ahead() -> Iterator[Ahead]:
    made = Ahead(MIXED, 1 << 16)
    with closing(made):
        yield made


def test_it_finds_what_we_find(ahead: Ahead) -> None:
    texts = [noisy(i, 500) for i in range(6)]
    hunter = Hunter(MIXED)
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        tickets = [ahead.submit(first), ahead.submit(second)]
        assert not ahead.room
        assert ahead.submit(b"one too many") is None
        assert [t and t.result() for t in tickets] == [hunter.hunt(first), hunter.hunt(second)]
        assert ahead.room
    assert ahead.submit(b"x" * ((1 << 16) + 1)) is None


def test_a_lost_process_is_no_answer(ahead: Ahead) -> None:
    os.kill(ahead.pid, signal.SIGSTOP)
    tickets = [ahead.submit(b"E: one\n") for _ in range(SLOTS)]
    os.kill(ahead.pid, signal.SIGKILL)
    assert [t and t.result() for t in tickets] == [None] * SLOTS
    assert all(t and t.ready() for t in tickets)
    assert ahead.submit(b"E: two\n") is None


@pytest.mark.parametrize("fate", ["lives", "dies at once", "dies midway", "stands still for a while"])
def test_a_scan_is_the_same_with_it(fate: str) -> None:
    log = noisy(7) + b"well, well, well\n" * 9000 + noisy(8)
    one, two = Scanner(MIXED, block=4096), Scanner(MIXED, block=4096, threads=2)
    two._ahead = Ahead(MIXED, 1 << 16)
    pid = two._ahead.pid
    for i, at in enumerate(range(0, len(log), 3000)):
        one.feed(log[at : at + 3000])
        two.feed(log[at : at + 3000])
        if (fate, i) in (("dies at once", 0), ("dies midway", 40)):
            os.kill(pid, signal.SIGKILL)
        if fate == "stands still for a while" and i == 40:
            os.kill(pid, signal.SIGSTOP)
            threading.Timer(0.2, os.kill, (pid, signal.SIGCONT)).start()
    assert two.finish() == one.finish()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)  # not even a zombie


def test_an_abandoned_scan_leaves_no_process() -> None:
    scanner = Scanner(MIXED, block=4096, threads=1)
    scanner._ahead = Ahead(MIXED, 1 << 16)
    pid = scanner._ahead.pid
    scanner.feed(noisy(3, 2000))
    if scanner._pool is not None:
        scanner._pool.shutdown()
    del scanner
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_other_threads_forbid_it() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert Ahead.start(MIXED, 4096) is None
    finally:
        done.set()
        other.join()


def test_it_ends_with_its_parent() -> None:
    program = (
        "import os, signal; from tests.triage.test_scanner import MIXED; from bot.triage.scan_ahead import Ahead\n"
        "ahead = Ahead.start(MIXED, 4096); print(ahead.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-c", program]
    asked = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == -signal.SIGKILL
    pid, until = int(asked.stdout), time.monotonic() + 30
    while time.monotonic() < until and _runs(pid):
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie (of whoever adopts the orphans here)."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
