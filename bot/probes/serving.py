"""Settings that every vantage has: whose builds run there."""

from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

from bot.model.build import Job


class Serves(BaseModel):
    """One kind of build. What is left out fits any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ci: str = Field(description="the name of a ci entry")
    repository: str | None = Field(None, description="a glob, such as acme/*")
    labels: tuple[str, ...] = Field((), description="all of them must be among the labels that the job asks for")
    runner: str | None = Field(None, description="a glob on the runner's name")

    def fits(self, ci: str, repository: str, job: Job) -> bool:
        """Letters' case does not count, except in the ci's name: CIs treat it so."""
        asked = {label.lower() for label in job.labels}
        return (
            self.ci == ci
            and (self.repository is None or fnmatchcase(repository.lower(), self.repository.lower()))
            and all(label.lower() in asked for label in self.labels)
            and (self.runner is None or fnmatchcase((job.runner or "").lower(), self.runner.lower()))
        )


class Settings(BaseModel):
    """Base of every vantage's settings. A subclass is one kind: it says `kind: Literal["..."]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    serves: tuple[Serves, ...] = ()
    capture: bool = Field(False, description="whether the capture probe may watch one connection's packet headers")

    def fits(self, ci: str, repository: str, job: Job) -> bool:
        return any(one.fits(ci, repository, job) for one in self.serves)
