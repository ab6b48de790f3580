"""A second process that hunts in the blocks to come, for logs so full that threads would wait for each other: every
report of hyperscan needs the interpreter's lock.

It is forked, so it has the compiled rules already, and has no state of its own: it may die at any time, and whoever
asked hunts by himself. It ends when its parent does, whatever the parent's end: it reads end-of-file then.
"""

import contextlib
import marshal
import mmap
import os
import signal
import struct
import sys
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING

from bot.triage.scan_hunt import Ends, Hunter
from bot.triage.scan_rules import RuleSet

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SLOTS = 2
"""Blocks that it is given at once: one under way, one that waits."""
_ASK = struct.Struct("<II")


class Ahead:
    """Give blocks with `submit` while there is `room`; the answers come in the same order."""

    def __init__(self, ruleset: RuleSet, largest: int) -> None:
        """`largest`: bytes of a block. Raises OSError where no process can be had."""
        from multiprocessing.connection import Pipe

        self._largest = largest
        self._memory = mmap.mmap(-1, SLOTS * largest)
        self._pipe, theirs = Pipe()
        self._free = list(range(SLOTS))
        self._given: deque[Ticket] = deque()
        self._alive = True
        pid = os.fork()
        if not pid:
            self._pipe.close()
            _work(theirs, ruleset, self._memory, largest)
        theirs.close()
        self.pid = pid
        self.close = weakref.finalize(self, _end, pid, self._pipe)

    @classmethod
    def start(cls, ruleset: RuleSet, largest: int) -> "Ahead | None":
        """None where it would not be safe (other threads may hold locks that the child never sees let go), or where
        there is no process to be had."""
        if sys.platform != "linux" or threading.active_count() > 1:
            return None
        try:
            return cls(ruleset, largest)
        except OSError:
            return None

    @property
    def room(self) -> bool:
        return self._alive and bool(self._free)

    def submit(self, text: bytes) -> "Ticket | None":
        """None: hunt by yourself."""
        if not self.room or len(text) > self._largest:
            return None
        slot = self._free.pop()
        at = slot * self._largest
        self._memory[at : at + len(text)] = text
        ticket = Ticket(self, slot)
        try:
            self._pipe.send_bytes(_ASK.pack(slot, len(text)))
        except OSError:
            self._lost()
            return None
        self._given.append(ticket)
        return ticket

    def wait(self, seconds: float | None) -> bool:
        """Take one answer, if one comes in time. True also when none can come any more."""
        try:
            if not self._pipe.poll(seconds):
                return False
            answer = marshal.loads(self._pipe.recv_bytes())  # noqa: S302 (our own child wrote it)
        except (OSError, EOFError, ValueError, TypeError):
            self._lost()
            return True
        ticket = self._given.popleft()
        self._free.append(ticket.slot)
        ticket.answer(answer)
        return True

    def _lost(self) -> None:
        self._alive = False
        for ticket in self._given:
            ticket.done = True
        self._given.clear()


class Ticket:
    """A block that was given away."""

    def __init__(self, ahead: Ahead, slot: int) -> None:
        self._ahead, self.slot = ahead, slot
        self.done = False
        self.ends: Ends | None = None  # None when it is done: the process was lost
        self.busy = True

    def answer(self, answer: tuple[bool, Ends]) -> None:
        self.done = True
        self.busy, self.ends = answer

    def ready(self) -> bool:
        while not self.done and self._ahead.wait(0):
            pass
        return self.done

    def result(self) -> Ends | None:
        while not self.done:
            self._ahead.wait(None)
        return self.ends


def _work(pipe: "Connection", ruleset: RuleSet, memory: mmap.mmap, largest: int) -> None:
    """The child's whole life. Nothing of the parent's may run in it: no handler, no exit function, no buffer."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        hunter = Hunter(ruleset)
        while True:
            slot, length = _ASK.unpack(pipe.recv_bytes())
            at = slot * largest
            ends = hunter.hunt(memory[at : at + length])
            pipe.send_bytes(marshal.dumps((hunter.busy, ends)))
    finally:
        os._exit(0)


def _end(pid: int, pipe: "Connection") -> None:
    pipe.close()
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)  # it may be in the midst of a block that nobody waits for
    with contextlib.suppress(OSError):
        os.waitpid(pid, 0)
