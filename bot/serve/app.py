"""The running bot: the only place that assembles the concrete parts.

Start order matters: the lock (one process a database), then the store, then the parts that talk, then the durable
engine inside the running loop, then what a crash left behind, and last the door.
"""

import asyncio
import contextlib
import importlib
import socket
from collections.abc import Coroutine, Sequence
from typing import Any

from bot.ci import make as make_ci
from bot.deploy import make as make_deploy
from bot.model.errors import BuildmedicError, ConfigError, Unavailable
from bot.ports import CI, Check, Delivery, Deploy, Vantage
from bot.probes import make as make_vantage
from bot.serve import log as logs
from bot.serve.library import LivePlaybooks
from bot.serve.settings import Settings
from bot.serve.web import Front, Meters, application
from bot.slack.app import SlackDoor
from bot.slack.chat import SlackChat
from bot.store import open_store
from bot.workflow.context import Context, Pace, unix, use
from bot.workflow.desk import ClinicDesk, recover, say_away
from bot.workflow.engine import Engine
from bot.workflow.inbox import Inbox

_HEALTH_SECONDS = 30
_RELOAD_SECONDS = 5
_EXPIRY_SECONDS = 5
_PULSE_SECONDS = 5  # how often it is written down that we are alive
_AWAY_SECONDS = 30.0  # a gap longer than this is told to those who wait for approvals


class Bot:
    """One bot in this process. `await start()`, then `await wait()` until it is told to stop, then `await stop()`."""

    def __init__(self, settings: Settings, *, pace: Pace | None = None, log: Any = None) -> None:
        self.settings = settings
        self.log = log or logs.configure()
        self.meters = Meters()
        self._pace = pace or Pace()
        self.address: tuple[str, int] = ("", 0)

    async def start(self) -> None:
        """Raises ConfigError when the configuration cannot work; a service that is down is no reason not to start."""
        self._exit = contextlib.AsyncExitStack()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let go of everything that was taken, last first. Safe to call twice."""
        await self._exit.aclose()

    async def _start(self) -> None:
        settings, leave = self.settings, self._exit
        database = settings.database
        self.engine = Engine(database.with_name(f"{database.stem}-workflows.db"))
        self.engine.lock()
        leave.callback(self.engine.close)
        self._socket = self._listen()
        leave.callback(self._socket.close)
        self.store = open_store(f"sqlite:///{database}")
        leave.callback(self.store.close)
        self.playbooks = LivePlaybooks(settings.playbooks)
        self.cis: dict[str, CI] = {name: make_ci(entry) for name, entry in settings.ci.items()}
        self.deploys: dict[str, Deploy] = {name: make_deploy(entry) for name, entry in settings.deploys.items()}
        self.vantages = self._vantages()
        self.chat = SlackChat(settings.slack)
        leave.push_async_callback(self._close_parts)
        self.context = Context(
            store=self.store,
            chat=self.chat,
            engine=self.engine,
            cis=self.cis,
            vantages=self.vantages,
            deploys=self.deploys,
            people=settings.people,
            library=lambda: self.playbooks.current,
            environments=settings.environments,
            rerun_policy=settings.rerun,
            home_team=lambda: self.chat.team,
            language=settings.slack.language_of,
            pace=self._pace,
            log=self.log,
        )
        use(self.context)
        leave.callback(use, None)
        self.desk = ClinicDesk(self.context)
        self.door = SlackDoor(settings.slack, store=self.store, desk=self.desk, chat=self.chat)
        self.services = self.context.services
        handlers = {name: self._ci_handler(name) for name in self.cis}
        handlers |= {name: self._deploy_handler(name) for name in self.deploys}
        self.inbox = Inbox(self.store, {**handlers, "slack": self._slack}, self.log, self.services)
        self.door.on_kept = self.inbox.ring
        self.engine.launch()
        leave.callback(self.engine.stop)
        looked = await recover(self.context)
        if looked:
            self.log.info("went on with what a stop had cut short", cases=looked)
        await self._were_we_away()
        leave.push_async_callback(self.inbox.close)
        self._background(self.inbox.run())
        await self._clockwork()
        leave.push_async_callback(self.door.close)
        await asyncio.to_thread(importlib.import_module, "httpx")  # else the first request after a start pays for it
        await self.door.start()
        leave.push_async_callback(self._close_web)
        await self._web()
        self._background(self._health())

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._exit.push_async_callback(end)

    async def _close_web(self) -> None:
        self.server.should_exit = True
        with contextlib.suppress(Exception):
            await asyncio.wait_for(asyncio.shield(self._server_task), 5)

    async def _close_parts(self) -> None:
        parts: list[CI | Deploy | Vantage] = [*self.cis.values(), *self.deploys.values(), *self.vantages.values()]
        closing = [part.close() for part in parts]
        await asyncio.gather(*closing, self.chat.close(), return_exceptions=True)

    def _vantages(self) -> dict[str, Vantage]:
        allow = self.settings.probe_allow
        made = {name: make_vantage(name, entry, allow) for name, entry in self.settings.vantages.items()}
        if "local" not in made:
            made["local"] = make_vantage("local", None, allow)
        return made

    # the door

    def _listen(self) -> socket.socket:
        http = self.settings.http
        family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((http.host, http.port))
        except OSError as error:
            listener.close()
            raise ConfigError(f"http: {http.host}:{http.port} cannot be listened on: {error.strerror}") from error
        self.address = listener.getsockname()[:2]
        return listener

    async def _web(self) -> None:
        import uvicorn

        front = Front(
            hooks={**self.cis, **self.deploys},
            keep=self.inbox.keep,
            slack=self.door.receive,
            ready=self.ready,
            meters=self.meters,
            refresh=self._refresh,
            log=self.log,
            services=self.services,
            later=self.settings.other_names,
        )
        config = uvicorn.Config(application(front), log_config=None, access_log=False, lifespan="off")
        self.server = uvicorn.Server(config)
        self._server_task = asyncio.create_task(self.server.serve(sockets=[self._socket]))
        while not self.server.started and not self._server_task.done():  # noqa: ASYNC110 a flag is all that uvicorn has
            await asyncio.sleep(0.01)
        self.log.info("listening", url=self.url)

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    # deliveries

    def _ci_handler(self, name: str) -> Any:
        async def work(delivery: Delivery) -> str:
            event = self.cis[name].read_webhook(delivery.headers, delivery.body)
            return await self.desk.ci_event(name, event)

        return work

    def _deploy_handler(self, name: str) -> Any:
        async def work(delivery: Delivery) -> str:
            event = self.deploys[name].read_webhook(delivery.headers, delivery.body)
            return await self.desk.deploy_event(name, event)

        return work

    async def _slack(self, delivery: Delivery) -> str:
        return await self.door.work(delivery)

    # health and ticks

    async def _clockwork(self) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._clock = AsyncIOScheduler(timezone="UTC")
        self._clock.add_job(self._reload, "interval", seconds=_RELOAD_SECONDS, max_instances=1, coalesce=True)
        self._clock.add_job(self._health, "interval", seconds=_HEALTH_SECONDS, max_instances=1, coalesce=True)
        self._clock.add_job(self._expire, "interval", seconds=_EXPIRY_SECONDS, max_instances=1, coalesce=True)
        self._clock.add_job(self._pulse, "interval", seconds=_PULSE_SECONDS, max_instances=1, coalesce=True)
        self._clock.start()
        self._exit.callback(self._clock.shutdown, wait=False)

    async def _reload(self) -> None:
        news = await asyncio.to_thread(self.playbooks.refresh)
        for problem in news.problems:
            self.log.error("playbook refused, the last good set stays", why=str(problem))
        if news.changed:
            self.log.info("playbooks reloaded", count=len(self.playbooks.current.playbooks))

    async def _expire(self) -> None:
        try:
            if lapsed := await self.desk.requests.expire():
                self.log.info("requests expired", count=lapsed)
        except Unavailable as error:
            self.services.down(error)

    async def _pulse(self) -> None:
        try:
            self.store.set_flag("alive", f"{unix():.0f}")
            self.services.up("store")
        except Unavailable as error:
            self.services.down(error)

    async def _were_we_away(self) -> None:
        """Clicks and commands made while nobody was here are lost: Slack tells so to whoever pressed, and we to those
        who wait for approvals."""
        since, now = self.store.get_flag("alive"), unix()
        if since is not None and now - float(since) > _AWAY_SECONDS:
            told = await say_away(self.context, float(since), now)
            self.log.warning("was away", seconds=round(now - float(since)), told=told)
        await self._pulse()

    async def ready(self) -> Sequence[Check]:
        """What `/readyz` tells: the store now, the others as of the last call or look."""
        try:
            self.store.ping()
            self.services.up("store")
        except Unavailable as error:
            self.services.down(error)
        if self.services.of("slack") is None:
            self.services.note(Check(what="slack", ok=False, detail="not reached yet"))
        return self.services.all()

    async def _health(self) -> None:
        """Services that are down, or that nobody has called yet, are looked at now and then."""
        try:
            who = await self.chat.ping()
            self.services.up("slack", f"{who.team_name} as {who.name}")
        except BuildmedicError as error:
            self.services.note(Check(what="slack", ok=False, detail=str(error)))
        parts: dict[str, CI | Deploy] = {**self.cis, **self.deploys}
        for name, part in parts.items():
            known = self.services.of(name)
            if known is None or not known.ok:
                bad = [c.detail for c in await part.check() if not c.ok]
                self.services.note(Check(what=name, ok=not bad, detail=bad[0] if bad else "ok"))

    def _refresh(self) -> None:
        self.meters.settled.set(self.inbox.settled)
        self.meters.notices.labels("yes").set(self.desk.notices_read)
        self.meters.notices.labels("no").set(self.desk.notices_unread)
        for check in self.services.all():
            self.meters.up.labels(check.what).set(1 if check.ok else 0)

    async def wait(self) -> None:
        """Until SIGINT or SIGTERM (uvicorn takes the signals)."""
        await self._server_task


async def serve(settings: Settings) -> None:
    """Run until a signal. Prints the address it listens on to standard output, for whoever started it with port 0."""
    bot = Bot(settings)
    await bot.start()
    print(f"buildmedic listens on {bot.url}", flush=True)  # noqa: T201 the command's output
    try:
        await bot.wait()
    finally:
        await bot.stop()
