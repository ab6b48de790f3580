"""Bolt's listeners: from a Slack payload to the desk, and the desk's words back to the person who asked."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.model.errors import BuildmedicError, Refused, Unavailable
from bot.model.language import heard, speaking, tr
from bot.ports import Desk, Who
from bot.slack import commands, words
from bot.slack.calls import SERVICE
from bot.slack.chat import SlackChat
from bot.slack.notices import read_notice
from bot.slack.settings import SlackSettings

log = logging.getLogger("buildmedic.slack")


def make_app(settings: SlackSettings, desk: Desk, chat: SlackChat) -> AsyncApp:
    """Bolt's app. Signatures were checked in front of it, when the request was written down; listeners are awaited
    (`process_before_response`), so that whoever dispatches knows whether the work was done."""

    async def authorize() -> AuthorizeResult:
        me = await chat.identity()  # asked once: Slack being down must not make every request fail
        return AuthorizeResult(
            enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot,
            bot_token=settings.bot_token.get_secret_value(),
        )  # fmt: skip

    app = AsyncApp(
        name="buildmedic",
        logger=log,
        authorize=authorize,
        request_verification_enabled=False,
        process_before_response=True,
    )
    _Listeners(settings, desk, chat).register(app)
    return app


class _Listeners:
    def __init__(self, settings: SlackSettings, desk: Desk, chat: SlackChat) -> None:
        self._watch = frozenset(settings.watch)
        self._language = settings.language_of
        self._desk = desk
        self._chat = chat

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self._message)
        app.event(re.compile(".*"))(_unused)
        app.command(re.compile(".*"))(self._command)
        app.action(re.compile(r"medic\..*"))(self._press)
        app.action(re.compile(".*"))(_unused)
        for kind in (app.shortcut, app.view, app.view_closed, app.options):
            kind(re.compile(".*"))(_unused)
        app.error(_remember)

    async def _message(self, event: dict[str, Any], context: Any) -> None:
        if event.get("channel") not in self._watch:
            context["outcome"] = "not a watched channel"
            return
        notice = read_notice(event, (await self._chat.identity()).own)
        if notice is None:
            context["outcome"] = "no app's message"
            return
        done = await self._desk.notice(notice.message, notice.urls, notice.verdict)
        if notice.verdict == "unclear":
            where = f"{notice.message.channel}/{notice.message.ts}"
            log.info("I could not read this notice of %s (%s): %s; %s", notice.app, where, notice.why, done)
        context["outcome"] = f"notice of {notice.app}: {notice.verdict}, {notice.why}; {done}"

    async def _command(self, command: dict[str, Any], ack: Any, context: Any) -> None:
        await ack()
        with speaking(self._language(str(command.get("channel_id") or ""))):
            await self._commanded(command, context)

    async def _commanded(self, command: dict[str, Any], context: Any) -> None:
        typed = commands.read(str(command.get("text") or ""))
        context["outcome"] = f"/medic {typed.verb or 'help'}"
        if typed.verb is None:
            await self._answer(command, typed.answer, mrkdwn=True)
            return
        channel = str(command.get("channel_id") or "")
        who = await self._who(str(command.get("team_id") or ""), str(command["user_id"]), command, False)
        if who is None:
            return

        async def do() -> str:
            if typed.verb == "triage":
                return await self._desk.triage(typed.url, channel, who)
            if typed.verb == "rerun":
                return await self._desk.rerun(typed.url, channel, who)
            if typed.verb == "rollback":
                return await self._desk.rollback(typed.deploy, typed.revision, channel, who)
            return await self._desk.pause(typed.verb == "pause", who)

        if typed.verb == "status":
            await self._answer(command, commands.status_text(await self._desk.status()), mrkdwn=True)
            return
        if typed.verb == "approvals":
            await self._answer(command, commands.approvals_text(await self._desk.approvals()), mrkdwn=True)
            return
        if text := await self._asked(do, command, context):
            await self._answer(command, text)

    async def _press(self, body: dict[str, Any], action: dict[str, Any], ack: Any, context: Any) -> None:
        await ack()
        with speaking(self._language(_place(body)[0])):
            await self._pressed(body, action, context)

    async def _pressed(self, body: dict[str, Any], action: dict[str, Any], context: Any) -> None:
        user, value = body.get("user") or {}, action.get("value")
        context["outcome"] = f"pressed {action.get('action_id')}"
        if not isinstance(value, str) or not value or not user.get("id"):
            context["outcome"] = "a button without a value"
            return
        team = str(user.get("team_id") or (body.get("team") or {}).get("id") or "")
        who = await self._who(team, str(user["id"]), body, bool(user.get("is_bot")))
        if who is None:
            context["outcome"] += ": refused"
            return
        channel, at = _place(body)[0], context.get("received")
        if text := await self._asked(lambda: self._desk.press(value, channel, who, at), body, context):
            await self._answer(body, text)

    async def _who(self, team: str, user: str, body: dict[str, Any], is_bot: bool) -> Who | None:
        """The person, if they may act at all; else None, and they were told why not."""
        home = self._chat.team or (await self._chat.identity()).team
        if team and team != home:
            await self._answer(body, tr(words.STRANGER))
            return None
        try:
            person = await self._chat.person(user)
        except Refused as error:
            log.error("cannot tell whether somebody is a member: %s", error)
            await self._answer(body, tr(words.CANNOT_TELL, why=error))
            return None
        why = ""
        if is_bot or person.is_bot:
            why = tr(words.BOT)
        elif person.is_stranger or (person.team and person.team != home):
            why = tr(words.STRANGER)
        elif person.is_guest:
            why = tr(words.GUEST)
        if why:
            await self._answer(body, why)
            return None
        return Who(team=home, user=user)

    async def _asked(self, do: Callable[[], Awaitable[str | None]], body: dict[str, Any], context: Any) -> str | None:
        """The desk's words. What the person asked for in vain is told as words; an outage is told once and tried on."""
        try:
            return heard(await do() or "")
        except Unavailable as error:
            if error.service != SERVICE and not context.get("tries"):
                await self._answer(body, tr(words.TRYING_ON, why=error))
            raise
        except BuildmedicError as error:
            return heard(str(error))

    async def _answer(self, body: dict[str, Any], text: str, *, mrkdwn: bool = False) -> None:
        """To the person alone. A click is answered beside its message, a command by its response_url; each has the
        other way to fall back on (the bot may be no member of the channel; a response_url lapses after 30 minutes)."""
        url = body.get("response_url")
        is_command = "command" in body
        if is_command and url:
            try:
                await self._chat.respond(str(url), text, mrkdwn=mrkdwn)
            except Refused as error:
                log.info("response_url did not work, trying chat.postEphemeral: %s", error)
            else:
                return
        channel, thread, user = _place(body)
        try:
            await self._chat.tell(user, channel, text, thread=thread)
        except Refused as error:
            if is_command or not url:
                log.warning("%s could not be told %r: %s", user, text[:80], error)
                return
            await self._last_resort(str(url), text, error)

    async def _last_resort(self, url: str, text: str, first: Refused) -> None:
        try:
            await self._chat.respond(url, text)
        except Refused as error:
            log.warning("somebody could not be told %r: %s; %s", text[:80], first, error)


def _place(body: dict[str, Any]) -> tuple[str, str | None, str]:
    """Channel, thread and user of a click or command."""
    container, message = body.get("container") or {}, body.get("message") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id") if "user" in body else None
    thread = container.get("thread_ts") or message.get("thread_ts")
    user = (body.get("user") or {}).get("id") or body.get("user_id")
    return str(channel or body.get("channel_id") or ""), thread, str(user or "")


async def _unused(ack: Any, context: Any) -> None:
    await ack()
    context["outcome"] = "not used"


async def _remember(error: Exception, request: AsyncBoltRequest) -> None:
    """Bolt would swallow it; the door raises it again to whoever asked for the work."""
    request.context["trouble"] = error
