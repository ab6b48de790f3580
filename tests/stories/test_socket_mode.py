"""The loop over Socket Mode: no address of the bot is known to Slack; everything comes through a WebSocket."""

from pathlib import Path

from bot.serve.standins.github import JobPlan
from tests.harness import CHANNEL, END, Town, about
from tests.stories.test_serve import DNS


class Socket(Town):
    def _write(self) -> Path:
        self.slack.events_url = None
        self.config = {
            "slack": {
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "api_url": self.slack.api_url,
                "watch": [CHANNEL],
            }
        }
        return super()._write()


async def test_the_loop_over_a_websocket(tmp_path: Path) -> None:
    async with Socket(tmp_path) as town:
        await town.until(lambda: town.slack.sockets, "the connection")
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
        await town.ci.announce(run)
        reply = await town.reply(run, "diagnosed")
        await town.slack.drop_sockets()
        await town.until(lambda: town.slack.sockets, "the connection again")
        assert await town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun") == 200
        assert about(await town.reply(run, *END))["state"] == "recovered"
        await town.slack.command("U0ADA", CHANNEL, "status")
        await town.until(town.slack.ephemerals, "the status")
        print(town.slack.ephemerals()[-1]["text"])
