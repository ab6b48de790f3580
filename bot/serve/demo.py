"""`buildmedic demo`: the real bot, its real store, workflows, probes and Slack code, against stand-ins on loopback.

A build fails; the log is one that a real `go mod download` printed when the resolver of its network namespace was gone
(playbooks/go-dns-timeout/hit-go-resolver-gone.log). The bot's probes are run for real as well, from this machine.
Then a release is bad, and is rolled back: `demo_release`.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.rule import Rule

from bot.serve import demo_release
from bot.serve.app import Bot
from bot.serve.library import builtin_folder
from bot.serve.settings import Settings
from bot.serve.standins.github import GitHubStandIn, JobPlan, Run
from bot.serve.standins.slack import SlackStandIn
from bot.serve.standins.terminal import message
from bot.workflow.context import Pace

CHANNEL = "C0BUILDS"
_LOG = ("go-dns-timeout", "hit-go-resolver-gone.log")
_LIMIT = 50.0  # seconds: the whole of it, when nobody is asked
_PACE = Pace(run_poll=2, log_first=0.2, watch_poll=0.5, release_poll=0.5, probe_deadline=6)
_AFTER = ("acting", "watching", "recovered", "same-cause", "other-cause", "inconclusive", "worse")
_APPS = {"A01BP7R4KNY": "GitHub", demo_release.APP_ID: "Argo CD"}


class Silent:
    """Swallows the bot's log, unless it is wanted."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_fields: None


class Demo:
    def __init__(self, console: Console, folder: Path, *, yes: bool) -> None:
        self.console, self.folder, self.yes = console, folder, yes
        self.slack = SlackStandIn(on_change=self._changed)
        self.slack.add_user("U0EVE", name="eve")
        self.slack.channels[CHANNEL].members.add("U0EVE")
        self.ci = GitHubStandIn(rerun_seconds=2.0)
        self.argo = demo_release.stand_in()
        self.left = False  # the person chose not to press
        self._shown: dict[str, str] = {}

    # what the person sees

    def _changed(self, kind: str, what: dict[str, Any]) -> None:
        if kind == "ephemeral":
            self.console.print(f"[dim]  (to {self._name(str(what.get('user')))} alone) {what.get('text')}[/dim]")
            return
        by = _APPS.get(str(what.get("app_id")), "buildmedic")
        state = ((what.get("metadata") or {}).get("event_payload") or {}).get("state", "")
        told = f"{state}{what.get('text')}{demo_release.approvals(what)}"
        if by == "buildmedic" and self._shown.get(str(what["ts"])) == told:
            return
        self._shown[str(what["ts"])] = told
        where = "in the thread" if what.get("thread_ts") else "#builds"
        edited = ", edited" if kind == "edit" else ""
        self.console.print(
            Rule(f"{by} · {where}{edited}", align="left", style="green" if by == "buildmedic" else "cyan")
        )
        if state in _AFTER or demo_release.approvals(what):
            what = {**what, "blocks": _head(what.get("blocks") or [])}
        self.console.print(message(what, {u: str(d["name"]) for u, d in self.slack.users.items()}))

    def _name(self, user: str) -> str:
        return str(self.slack.users.get(user, {}).get("name", user))

    def _say(self, text: str) -> None:
        self.console.print(f"\n[bold]» {text}[/bold]")

    # what happens

    async def run(self) -> bool:
        """Whether the loop was closed: a re-run done and verified."""
        bot = None
        try:
            await self.slack.start()
            await self.ci.start()
            await self.argo.start()
            bot = Bot(self._settings(), pace=_PACE, log=Silent())
            await bot.start()
            self.slack.events_url = f"{bot.url}/slack/events"
            self.ci.webhook_url = f"{bot.url}/webhooks/github"
            return await self._story() and await self._release()
        finally:
            if bot is not None:
                await bot.stop()
            await self.ci.stop()
            await self.argo.stop()
            await self.slack.close()

    def _settings(self) -> Settings:
        config = {
            "slack": {
                "bot_token": self.slack.bot_token, "signing_secret": self.slack.signing_secret,
                "api_url": self.slack.api_url, "watch": [CHANNEL],
            },
            "ci": [self.ci.settings(channel=CHANNEL)],
            "deploys": [self.argo.settings(demo_release.ENTRY, "production", ["acme/checkout"])],
            "environments": demo_release.ENVIRONMENTS,
            "vantages": {"runner": {"kind": "local", "serves": [{"ci": "github", "labels": ["self-hosted"]}]}},
            # the log's resolver is 127.0.0.77: nobody is there, here as in the namespace that the log comes from
            "probe_allow": ["127.0.0.77/32"],
            "storage": {"url": "sqlite:///demo.db"},
            "http": {"host": "127.0.0.1", "port": 0},
        }  # fmt: skip
        file = self.folder / "demo.yaml"
        file.write_text(yaml.safe_dump(config))
        return Settings.load(file, {})

    async def _story(self) -> bool:
        self._say("2 a.m. A push to acme/shop starts its workflow; GitHub's app says so in #builds.")
        log = (builtin_folder() / _LOG[0] / _LOG[1]).read_bytes()
        run = self.ci.add_run("acme/shop", [JobPlan(name="build", log=log)], finished=False)
        notice = await self.slack.post_notice(_notice(self.ci.url, run, ":hourglass_flowing_sand: In progress"))
        self._say("The build fails. GitHub's webhook reaches the bot, and the notice is edited.")
        await self.ci.play(run, 0.6)
        await self.slack.post_notice(_edit(_notice(self.ci.url, run, ":x: Failure"), notice))
        reply = await self._reply(notice, ("diagnosed",))
        button = self.slack.button(CHANNEL, reply, "medic.rerun")
        words = "Ada reads it, mends the resolver, and presses re-run. So does Bob, at the same time."
        if not await self._ask("U0ADA", button, words):
            return False
        await self.slack.click("U0ADA", CHANNEL, reply, "medic.rerun")
        await self.slack.click("U0BOB", CHANNEL, reply, "medic.rerun", button=button)
        end = await self._reply(notice, ("recovered", "same-cause", "other-cause", "inconclusive"))
        state = self._state(end)
        asked = self.ci.count("POST", f"/repos/acme/shop/actions/runs/{run.id}/rerun-failed-jobs")
        self._say(f"Done. Re-runs that reached the CI: {asked} (two people pressed). Outcome: {state}.")
        return state == "recovered" and asked == 1

    async def _ask(self, user: str, button: dict[str, Any], words: str) -> bool:
        """The person at the terminal decides for everybody; without one, and with --yes, it is pressed."""
        if not self.yes:
            name = self._name(user).capitalize()
            self.console.print(f"\n[bold]» You are {name}. Press “{button['text']['text']}”? Its dialog asks:[/bold]")
            confirm = button.get("confirm") or {}
            for part in ("title", "text"):
                self.console.print(f"    {(confirm.get(part) or {}).get('text', '')}", markup=False)
            answer = await asyncio.to_thread(input, "    [Y/n] ")
            self.left = answer.strip().lower() not in ("", "y", "yes")
        self._say("Nobody presses." if self.left else words)
        return not self.left

    async def _release(self) -> bool:
        done = await demo_release.story(self.slack, self.argo, CHANNEL, self._say, self._ask, self._reply)
        return bool(done)

    async def _reply(self, notice: str, states: tuple[str, ...], words: str = "") -> str:
        """The ts of the bot's reply once it is in one of these states and says these words."""
        until = time.monotonic() + _LIMIT
        while time.monotonic() < until:
            for shown in self.slack.thread(CHANNEL, notice):
                ts = str(shown["ts"])
                if self._state(ts) in states and words in json.dumps(shown.get("blocks")):
                    return ts
            await asyncio.sleep(0.05)
        raise TimeoutError(f"the bot's reply never became {' or '.join(states)}")

    def _state(self, ts: str) -> str:
        shown = self.slack.channels[CHANNEL].messages[ts]
        return str(((shown.get("metadata") or {}).get("event_payload") or {}).get("state", ""))


def _head(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of an edit that changed only how things stand, the part that tells it: what follows was shown before."""
    for number, block in enumerate(blocks):
        if str((block.get("text") or {}).get("text", "")).startswith(("*Why*", "*What change", "*What failed")):
            return blocks[:number]
    return blocks


def _notice(site: str, run: Run, status: str) -> dict[str, Any]:
    """What GitHub's Slack app posts at the trigger and edits when the run ends."""
    page = f"{site}/{run.repository}"
    fields = [
        {"type": "mrkdwn", "text": f"*Status*\n{status}"},
        {"type": "mrkdwn", "text": f"*Commit*\n<{page}/commit/{run.sha}|`{run.sha[:7]} (main)`>"},
    ]
    title = {"type": "mrkdwn", "text": f"*<{page}/actions/runs/{run.id}|{run.workflow} #{run.number}>*"}
    return {
        "type": "message", "user": "U0GITHUB01", "bot_id": "B0GITHUB01", "app_id": "A01BP7R4KNY", "ts": "1.000001",
        "text": f"Workflow was triggered via push by <https://github.com/{run.actor}|{run.actor}>", "channel": CHANNEL,
        "attachments": [{"color": "dbab09", "blocks": [{"type": "section", "text": title, "fields": fields}]}],
    }  # fmt: skip


def _edit(event: dict[str, Any], ts: str) -> dict[str, Any]:
    changed = {k: v for k, v in event.items() if k != "channel"} | {"ts": "1.000001"}
    return {
        "type": "message", "subtype": "message_changed", "channel": event["channel"], "ts": ts,
        "message": changed, "previous_message": {"ts": "1.000001"},
    }  # fmt: skip


def demo(yes: bool) -> int:
    """Run it; 0 if the loop was closed (or the person chose not to press), 1 if something did not work."""
    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 100)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="buildmedic-demo-") as folder:
        story = Demo(console, Path(folder), yes=yes)
        try:
            done = asyncio.run(asyncio.wait_for(story.run(), _LIMIT if yes else None))
        except (TimeoutError, OSError) as error:
            console.print(f"\nThe demo did not finish: {error}")
            return 1
    done = done or story.left
    console.print(
        f"[dim]({time.monotonic() - began:.0f} s; everything ran on this machine, nothing is left of it)[/dim]"
    )
    return 0 if done else 1
