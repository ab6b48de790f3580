"""Under which failed runs a rollback is offered."""

import pytest

from bot.model.build import Build, CaseKey, Job
from bot.workflow.release import _releases
from tests.fakes import FakeDeploy


def build(repository: str = "acme/checkout", title: str = "CI", job: str = "test", **more: object) -> Build:
    failed = Job(id="1", name=job, outcome="failure")
    key = CaseKey(ci="github", repository=repository, run="1", attempt=1)
    return Build.model_validate({"key": key, "outcome": "failure", "title": title, "jobs": (failed,), **more})


@pytest.mark.parametrize(
    ("failed", "offered"),
    [
        (build(), False),
        (build(title="Deploy"), True),
        (build(job="release / publish"), True),
        (build(job="production"), True),
        (build(job="Production (eu-west)"), True),
        (build(job="reproductions"), False),
        (build(repository="ACME/Checkout", title="Deploy"), True),
        (build(repository="acme/other", title="Deploy"), False),
        (build(title="CI", environment="production"), True),
        (build(title="Deploy", environment="staging"), False),
        (build(event="deployment_status"), True),
    ],
)
def test_a_rollback_is_offered_where_the_run_was_a_release_to_that_environment(failed: Build, offered: bool) -> None:
    deploy = FakeDeploy()
    deploy.repositories, deploy.environment = ("acme/checkout",), "production"
    assert _releases(failed, deploy) is offered
