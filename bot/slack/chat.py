"""`ports.Chat` on Slack's Web API, and what else we ask Slack: who we are, who somebody is, whether all is set up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.model.case import Case, MessageRef
from bot.model.errors import BuildmedicError, Refused, Unavailable
from bot.model.language import speaking
from bot.ports import Check
from bot.slack.calls import SERVICE, Pace, TooLong, call, handlers, proxy_for
from bot.slack.messages import EVENT_TYPE, SHORTEST, render
from bot.slack.mrkdwn import said
from bot.slack.settings import SlackSettings

SCOPES = {
    "chat:write": "post and update its message",
    "channels:history": "see CI notices in public channels, and find its own message again after a crash",
    "commands": "offer /medic",
    "users:read": "tell guests from members before it acts",
}
"""What the bot needs; `groups:history` for private channels, `usergroups:read` for approver groups and
`users:read.email` (to know a commit's author, who may not approve) come on top."""

_TIMEOUT = 15  # seconds for one call
_PERSON_FOR = 600.0  # seconds that an answer about a person is believed
_LOOK_BACK = 5  # pages of 200 messages that `find` reads


@dataclass(frozen=True)
class Identity:
    """Who the bot is, from auth.test."""

    team: str
    user: str
    bot: str
    name: str
    team_name: str

    @property
    def own(self) -> frozenset[str]:
        return frozenset(i for i in (self.user, self.bot) if i)


@dataclass(frozen=True)
class Person:
    """From users.info. `team` is the person's home workspace."""

    team: str
    is_bot: bool
    is_guest: bool
    is_stranger: bool


class SlackChat:
    """One bot in one workspace. Make it inside the running loop's process; `close()` it at the end."""

    def __init__(self, settings: SlackSettings, *, gap: float = 1.0, now: Callable[[], datetime] | None = None) -> None:
        """`gap`: seconds between two posts into one channel, once Slack has said that there were too many."""
        self._settings = settings
        self._now = now or (lambda: datetime.now(UTC))
        self._pace = Pace(gap)
        self._identity: Identity | None = None
        self._people: dict[str, tuple[float, Person]] = {}
        self._unsure: set[str] = set()  # cases whose post may have arrived although the answer was lost
        self._session: Any = None
        self._web: AsyncWebClient | None = None

    @property
    def client(self) -> AsyncWebClient:
        """Connections are kept and shared; made on first use, since that needs the running loop."""
        import aiohttp

        if self._web is None or self._session.closed:
            url = self._settings.api_url
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
            token = self._settings.bot_token.get_secret_value()
            self._web = AsyncWebClient(
                token,
                base_url=url,
                timeout=_TIMEOUT,
                session=self._session,
                retry_handlers=handlers(self._pace.limited),
            )
            self._web.proxy = proxy_for(url)
        return self._web

    @property
    def team(self) -> str | None:
        """The home workspace: configured, else as auth.test told; None until one of them is known."""
        return self._settings.team_id or (self._identity.team if self._identity else None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # ports.Chat

    async def show(self, case: Case, *, channel: str, thread: str | None, broadcast: bool = False) -> MessageRef:
        """Post the case's message. Where it is unclear whether an earlier try arrived, it is looked for first."""
        if case.id in self._unsure and (found := await self._find_if_allowed(case.id, channel, thread)):
            self._unsure.discard(case.id)
            return found
        await self._pace.wait(channel)
        try:
            posted = await self._send(
                case,
                lambda payload: self.client.chat_postMessage(
                    channel=channel, thread_ts=thread, reply_broadcast=broadcast if thread else None,
                    unfurl_links=False, unfurl_media=False, parse="none", link_names=False, **payload,
                ),
                "chat.postMessage", channel,
            )  # fmt: skip
        except Unavailable:
            self._unsure.add(case.id)
            raise
        self._unsure.discard(case.id)
        return MessageRef(channel=str(posted.get("channel") or channel), ts=str(posted["ts"]))

    async def update(self, case: Case, message: MessageRef) -> None:
        """Render the whole message anew. Raises MessageGone (a Refused) when it was deleted."""
        await self._send(
            case,
            lambda payload: self.client.chat_update(
                channel=message.channel, ts=message.ts, parse="none", link_names=False, **payload
            ),
            "chat.update", message.channel,
        )  # fmt: skip

    async def _send(self, case: Case, do: Callable[[dict[str, Any]], Any], what: str, channel: str) -> Any:
        """Send the fullest rendering that Slack takes; the last resort is text without blocks."""
        name = self._identity.name if self._identity else "buildmedic"
        for least in (0, SHORTEST):
            with speaking(self._settings.language_of(channel)):
                payload = render(case, self._now(), least=least)
            try:
                return await call(lambda p=payload: do(p), what, place=channel, bot=name)  # type: ignore[misc]  # bound now
            except TooLong:
                continue
        plain = {"text": payload["text"][:2000], "blocks": [], "metadata": payload["metadata"]}
        return await call(lambda: do(plain), what, place=channel, bot=name)

    async def find(self, case_id: str, *, channel: str, thread: str | None) -> MessageRef | None:
        """Our own message with this case in its metadata; somebody else's copy of it does not count."""
        own = (await self.identity()).own
        cursor: str | None = None
        for _ in range(_LOOK_BACK):
            page = await self._page(channel, thread, cursor)
            for message in page.get("messages") or ():
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                ours = message.get("bot_id") in own or message.get("user") in own
                if ours and message["metadata"].get("event_type") == EVENT_TYPE and payload.get("case") == case_id:
                    return MessageRef(channel=channel, ts=str(message["ts"]))
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return None
        return None

    async def _page(self, channel: str, thread: str | None, cursor: str | None) -> Any:
        client, limit = self.client, 200
        if thread is None:
            return await call(
                lambda: client.conversations_history(
                    channel=channel, include_all_metadata=True, limit=limit, cursor=cursor
                ),
                "conversations.history", place=channel,
            )  # fmt: skip
        return await call(
            lambda: client.conversations_replies(
                channel=channel, ts=thread, include_all_metadata=True, limit=limit, cursor=cursor
            ),
            "conversations.replies", place=channel,
        )  # fmt: skip

    async def _find_if_allowed(self, case_id: str, channel: str, thread: str | None) -> MessageRef | None:
        """A bot that may not read the channel cannot know; a second message is then the lesser evil to none."""
        try:
            return await self.find(case_id, channel=channel, thread=thread)
        except Refused:
            return None

    async def link(self, message: MessageRef) -> str | None:
        """Permalink of a message; None where it is gone."""
        try:
            answer = await call(
                lambda: self.client.chat_getPermalink(channel=message.channel, message_ts=message.ts),
                "chat.getPermalink", place=message.channel,
            )  # fmt: skip
        except Refused:
            return None
        return str(answer.get("permalink") or "") or None

    async def members(self, group: str) -> Sequence[str]:
        """The user ids of a user group (S...)."""
        answer = await call(lambda: self.client.usergroups_users_list(usergroup=group), "usergroups.users.list")
        return tuple(str(user) for user in answer.get("users") or ())

    async def person_by_email(self, email: str) -> str | None:
        """See `ports.Chat`. Needs the scope `users:read.email`; without it nobody is known by e-mail."""
        try:
            answer = await call(lambda: self.client.users_lookupByEmail(email=email), "users.lookupByEmail")
        except Refused:
            return None
        return str((answer.get("user") or {}).get("id") or "") or None

    async def tell(self, user: str, channel: str, text: str, *, thread: str | None = None) -> None:
        """Words for one person alone; escaped here, only mentions of people stay alive."""
        await call(
            lambda: self.client.chat_postEphemeral(
                channel=channel, user=user, text=said(text), thread_ts=thread, parse="none", link_names=False
            ),
            "chat.postEphemeral", place=channel,
        )  # fmt: skip

    # beyond the port

    async def respond(self, response_url: str, text: str, *, mrkdwn: bool = False) -> None:
        """Answer by a `response_url`; works where the bot is no member. `mrkdwn`: the text is ours, sent as it is."""
        hook = AsyncWebhookClient(
            response_url, timeout=_TIMEOUT, session=self.client.session, retry_handlers=handlers()
        )
        hook.proxy = proxy_for(response_url)
        words = text if mrkdwn else said(text)
        answer = await call(
            lambda: hook.send(text=words, response_type="ephemeral", replace_original=False), "response_url"
        )
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(SERVICE, f"response_url: HTTP {answer.status_code}")
        if answer.status_code >= 400:
            raise Refused(SERVICE, f"response_url: {str(answer.body)[:100]}", answer.status_code)

    async def identity(self) -> Identity:
        """From auth.test, asked once."""
        return self._identity or await self.ping()

    async def ping(self) -> Identity:
        """Ask Slack anew. Raises Unavailable, Refused."""
        self._identity = _identity(await call(self.client.auth_test, "auth.test"))
        return self._identity

    async def person(self, user: str) -> Person:
        """Who somebody is, believed for ten minutes. Raises Refused (missing scope), Unavailable."""
        known = self._people.get(user)
        if known and time.monotonic() - known[0] < _PERSON_FOR:
            return known[1]
        try:
            answer: Any = await call(lambda: self.client.users_info(user=user), "users.info")
        except Refused as error:
            if "unknown_method" not in str(error):
                raise
            # a server that speaks only a part of Slack's API; Slack itself always knows this method. What the signed
            # payload says of the person (workspace, bot or not) was checked already
            answer = {"user": {"team_id": self.team}}
        info = answer.get("user") or {}
        enterprise = info.get("enterprise_user") or {}
        teams = enterprise.get("teams") or ()
        team = self.team if self.team in teams else info.get("team_id")
        found = Person(
            team=str(team or ""),
            is_bot=bool(info.get("is_bot") or info.get("is_workflow_bot") or info.get("deleted")),
            is_guest=bool(info.get("is_restricted") or info.get("is_ultra_restricted")),
            is_stranger=bool(info.get("is_stranger")),
        )
        if len(self._people) > 5000:
            self._people.clear()
        self._people[user] = (time.monotonic(), found)
        return found

    async def check(self) -> Sequence[Check]:
        """For `config check` and `readyz`: the token, its scopes, its workspace, the watched channels."""
        try:
            answer = await call(self.client.auth_test, "auth.test")
        except BuildmedicError as error:
            return [Check(what="slack", ok=False, detail=str(error))]
        self._identity = me = _identity(answer)
        checks = [Check(what="slack", ok=True, detail=f"@{me.name} in {me.team_name} ({me.team})")]
        wanted = self._settings.team_id
        if wanted and wanted != me.team:
            detail = f"the token belongs to {me.team}, but slack.team_id says {wanted}: nobody could act"
            checks.append(Check(what="slack.team_id", ok=False, detail=detail))
        checks += _scopes(answer.headers)
        return [*checks, *[await self._channel(channel, me.name) for channel in self._settings.watch]]

    async def _channel(self, channel: str, name: str) -> Check:
        what = f"slack.watch {channel}"
        try:
            answer = await call(
                lambda: self.client.conversations_info(channel=channel), "conversations.info", place=channel, bot=name
            )
        except BuildmedicError as error:
            if "unknown_method" in str(error):  # see `person`
                return Check(what=what, ok=True, detail=f"this server does not tell whether the bot is in {channel}")
            return Check(what=what, ok=False, detail=str(error))
        info = answer.get("channel") or {}
        shown = f"#{info.get('name') or channel}"
        if info.get("is_archived"):
            return Check(what=what, ok=False, detail=f"{shown} is archived")
        if not info.get("is_member"):
            return Check(what=what, ok=False, detail=f"the bot is not in {shown}: type /invite @{name} there")
        return Check(what=what, ok=True, detail=f"{shown}, and the bot is in it")


def _identity(answer: Any) -> Identity:
    return Identity(
        team=str(answer.get("team_id") or ""),
        user=str(answer.get("user_id") or ""),
        bot=str(answer.get("bot_id") or ""),
        name=str(answer.get("user") or "buildmedic"),
        team_name=str(answer.get("team") or ""),
    )


def _scopes(headers: Any) -> list[Check]:
    """Slack tells the token's scopes in a header of every answer; without it nothing is claimed."""
    given = next((v for k, v in dict(headers or {}).items() if str(k).lower() == "x-oauth-scopes"), None)
    if given is None:
        return []
    granted = {s.strip() for s in str(given).split(",")}
    missing = [f"{scope} (to {why})" for scope, why in SCOPES.items() if scope not in granted]
    detail = "missing: " + "; ".join(missing) + ". Add them to the Slack app and install it again" if missing else ""
    return [Check(what="slack scopes", ok=not missing, detail=detail or ", ".join(sorted(granted)))]
