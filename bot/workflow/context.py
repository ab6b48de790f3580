"""What the durable workflows hold on to. Set once at start; workflows take only plain JSON as arguments."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.model.build import Job
from bot.model.case import Case
from bot.model.errors import Unavailable
from bot.model.language import Language
from bot.ports import CI, CaseStore, Chat, Deploy, Vantage
from bot.triage.approve import Policy
from bot.triage.diagnose import Library
from bot.workflow.engine import Engine, step
from bot.workflow.services import Services


@dataclass(frozen=True)
class Pace:
    """How long to wait for what, in seconds. The demo and the tests go faster than real life."""

    run_poll: float = 30  # between looks at a run that is not finished, if no webhook wakes us
    run_limit: float = 6 * 3600  # after which a run that never finishes is taken as it is
    log_first: float = 2  # before asking again for a log that is not written yet; doubles up to log_poll
    log_poll: float = 30
    log_limit: float = 600  # after which a log that is not there is reported as missing
    watch_poll: float = 10  # between looks at the attempt that a re-run made
    watch_limit: float = 2 * 3600  # after which a re-run without a result is inconclusive
    send_limit: float = 600  # for which an action that was decided is tried while the other side is away
    doubt: float = 2  # before a "no, it did not arrive" is believed: a request may be on its way still
    release_poll: float = 3  # between looks at what a rollback brought back
    release_limit: float = 900  # after which a rollback that never settles is inconclusive
    click_limit: float = 900  # a click that comes through later than this (an outage) does nothing, and is told so
    probe_deadline: float = 20  # for all probes of one job together
    outage_cap: float = 60  # the longest pause between tries while a service is down


@dataclass
class Context:
    store: CaseStore
    chat: Chat
    engine: Engine
    cis: Mapping[str, CI]
    vantages: Mapping[str, Vantage]  # `local` among them
    library: Callable[[], Library]  # the last good set of playbooks
    deploys: Mapping[str, Deploy] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)  # CI login or e-mail, in lower case -> Slack user id
    environments: Mapping[str, Policy] = field(default_factory=dict)
    rerun_policy: Policy = field(default_factory=Policy)
    home_team: Callable[[], str | None] = lambda: None
    language: Callable[[str | None], Language] = lambda _channel: "en"  # that of a channel
    pace: Pace = field(default_factory=Pace)
    log: Any = None  # structlog logger
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(self.log)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def vantage_for(self, case: Case, job: Job) -> Vantage | None:
        """The configured place that serves this job; never the bot's own host by default."""
        for name, vantage in self.vantages.items():
            if name != "local" and vantage.serves(case.key.ci, case.key.repository, job):
                return vantage
        return None

    def controls_for(self, vantage: Vantage | None) -> list[Vantage]:
        local = self.vantages.get("local")
        return [local] if local is not None and local is not vantage else []


_current: Context | None = None


def use(context: Context | None) -> None:
    global _current  # noqa: PLW0603 workflows are recovered by name, before anybody could hand them anything
    _current = context


def current() -> Context:
    if _current is None:
        raise RuntimeError("the workflows have no context: bot.workflow.context.use() comes first")
    return _current


async def insist(name: str, do: Callable[..., Any], *args: Any) -> Any:
    """A step that is repeated, with jittered back-off and durable pauses, while a service is down.

    `do` returns JSON. `Unavailable` from it means "later"; its `retry_after` is obeyed. What is down, and up again, is
    told to `Services`: one line of log a change of state, however many cases wait for it.
    """
    from dbos import DBOS

    tries, waited_for = 0, None
    while True:
        result = await step(name, _attempt, do, args)
        if "retry" not in result:
            if waited_for is not None:
                current().services.up(waited_for)
            return result["value"]
        waited_for = result["service"]
        cap = current().pace.outage_cap
        pause = max(result["retry"] or 0, random.uniform(0.5, 1) * min(cap, 2**tries))  # noqa: S311 jitter
        tries += 1
        await DBOS.sleep_async(pause)


async def _attempt(do: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return {"value": await do(*args)}
    except Unavailable as error:
        current().services.down(error)
        return {"retry": error.retry_after or 0, "service": error.service}


def unix() -> float:
    return time.time()
