"""What the CI tests share: an adapter with quick manners, in front of the stand-in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bot.ci.github import GitHub, GitHubSettings
from bot.model.build import Build, Job, RunRef
from bot.outbound import Outbound
from bot.serve.standins.github import GitHubStandIn, Run


async def no_sleep(_seconds: float) -> None:
    return None


def adapter(
    stand: GitHubStandIn, *, now: Callable[[], datetime] | None = None, read: float = 5.0, **other: Any
) -> GitHub:
    """As `bot.ci.make` builds it, but without pauses between its tries."""
    settings = GitHubSettings.model_validate({**stand.settings(), **other})
    http = Outbound(
        settings.name,
        settings.api_url,
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        private={"Authorization": f"Bearer {settings.token.get_secret_value()}"},
        read=read,
        sleep=no_sleep,
    )
    return GitHub(settings, http, now or (lambda: datetime.now(UTC)))


def ref(run: Run, **more: Any) -> RunRef:
    return RunRef(ci="github", repository=run.repository, run=str(run.id), **more)


async def text(ci: GitHub, build: Build, job: Job) -> bytes:
    return b"".join([block async for block in ci.log(build, job)])
