"""The durable engine: DBOS, set up once, behind four calls.

Facts about it that shape this file (seen in trials, and in its source): it must be launched inside the running event
loop, or recovered workflows run in another thread's loop; it recovers only workflows of the same
`application_version`, so that is the version of our workflow *schema*, raised only when a change of the order of steps
makes old checkpoints useless; two processes with one executor id run a step twice, so a lock file holds the id; on an
SQLite older than 3.42 `unixepoch('subsec')` does not exist and has to be registered.
"""

import asyncio
import contextvars
import fcntl
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import IO, Any

from bot.model.errors import ConfigError

WORKFLOW_SCHEMA = "buildmedic-2"
_POLL_SECONDS = 0.1  # how often waiting workflows look for messages; the default of 1 s would show


def _sqlite_engine(path: Path) -> Any:
    import sqlalchemy as sa
    from sqlalchemy import event

    engine = sa.create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("unixepoch", -1, _unixepoch)

    return engine


def _unixepoch(*args: object) -> float:
    """Stands in for SQLite 3.42's unixepoch('subsec'); only "now" is ever asked."""
    return time.time() if "subsec" in args else int(time.time())


class Engine:
    """One process's hold on the durable workflows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Take the executor's identity. Raises ConfigError if another process has it. A killed process lets go."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise ConfigError(f"storage: another buildmedic is already serving on {self._path.parent}") from error
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def launch(self) -> None:
        """Start, inside the running loop; workflows that a crash cut short go on from their last step."""
        from dbos import DBOS

        DBOS(
            config={
                "name": "buildmedic",
                "system_database_url": f"sqlite:///{self._path}",
                "system_database_engine": _sqlite_engine(self._path),
                "application_version": WORKFLOW_SCHEMA,
                "executor_id": "replica-1",
                "log_level": "WARNING",
                "notification_listener_polling_interval_sec": _POLL_SECONDS,
            }
        )
        DBOS.launch()

    async def start(self, workflow: Callable[..., Any], workflow_id: str, *args: Any) -> None:
        """Start, or do nothing where a workflow of this id exists already. May be called from within a step."""
        from dbos import DBOS, SetWorkflowID

        async def begin() -> None:
            with SetWorkflowID(workflow_id):
                await DBOS.start_workflow_async(workflow, *args)

        await _apart(begin())

    async def wake(self, workflow_id: str, message: str = "") -> None:
        """Tell a waiting workflow to look again. One that does not exist or has ended is no error."""
        from dbos import DBOS

        async def send() -> None:
            status = await DBOS.get_workflow_status_async(workflow_id)
            if status is not None and status.status in ("PENDING", "ENQUEUED"):
                await DBOS.send_async(workflow_id, message, "wake")

        await _apart(send())

    def stop(self) -> None:
        """Stop running workflows; the next launch goes on with them."""
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=0)

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


async def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Outside of any workflow that we may be called from: what is begun here is nobody's child, and is no part of the
    caller's own recorded order of steps."""
    await asyncio.get_running_loop().create_task(work, context=contextvars.Context())


async def step(name: str, do: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Run and checkpoint: after a crash a finished step gives its kept (JSON) result and does not run again."""
    from dbos import DBOS

    return await DBOS.run_step_async({"name": name}, do, *args)


async def wait(seconds: float) -> bool:
    """Durable wait; True if woken before the time was over."""
    from dbos import DBOS

    return await DBOS.recv_async("wake", timeout_seconds=seconds) is not None
