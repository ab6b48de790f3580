"""The adapter against the stand-in, over real HTTP: what it reads, what it does, and how it fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.ci.github import GitHub, GitHubSettings
from bot.model.build import Build, Job, RunRef
from bot.model.errors import NotYet, Refused, Unavailable
from bot.serve.standins.github import Fault, GitHubStandIn, JobPlan
from tests.ci.bench import adapter, ref, text

BROKEN = JobPlan("build", log=b"2025-01-16T14:24:55.2376056Z go: dial tcp: i/o timeout\n" * 3)
FINE = JobPlan("lint", "success", log=b"ok\n", steps=("Set up job", "Run lint"))
LIMIT = "The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 360 minutes."


@pytest.fixture
async def stand() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn(rerun_seconds=0.05) as made:
        yield made


@pytest.fixture
async def ci(stand: GitHubStandIn) -> AsyncIterator[GitHub]:
    made = adapter(stand)
    yield made
    await made.close()


# build


async def test_a_failed_run(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN, FINE])
    build = await ci.build(ref(run))
    assert build.key.id == f"github:acme/shop:{run.id}:1"
    assert (build.outcome, build.title, build.number, build.branch) == ("failure", "CI", str(run.number), "main")
    assert (build.commit, build.author, build.actor) == (run.sha, "ada", "ada")
    assert [j.outcome for j in build.jobs] == ["failure", "success"]
    job = build.failed_jobs[0]
    assert (job.failed_step, job.runner, job.labels) == ("Run go mod download", "runner-7", ("self-hosted", "linux"))
    assert job.started is not None
    assert job.finished is not None
    assert all(s.headers["authorization"] == f"Bearer {stand.token}" for s in stand.seen)
    assert all(s.headers["x-github-api-version"] == "2022-11-28" for s in stand.seen)
    assert all(s.headers["user-agent"].startswith("buildmedic/") for s in stand.seen)


async def test_the_repository_is_spelled_as_github_spells_it(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/Shop", [BROKEN])
    build = await ci.build(RunRef(ci="github", repository="ACME/shop", run=str(run.id)))
    assert build.key.repository == "acme/Shop"


async def test_each_attempt_is_its_own_build(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN, FINE])
    await ci.rerun(await ci.build(ref(run)))
    while run.last.status != "completed":
        await asyncio.sleep(0.01)
    first, second, latest = (
        await ci.build(ref(run, attempt=1)),
        await ci.build(ref(run, attempt=2)),
        await ci.build(ref(run)),
    )
    assert (first.outcome, second.outcome) == ("failure", "success")
    assert latest == second
    assert {j.id for j in first.failed_jobs}.isdisjoint(j.id for j in second.jobs if j.name == "build")
    with pytest.raises(Refused, match="attempt 3 of run") as caught:
        await ci.build(ref(run, attempt=3))
    assert caught.value.status == 404


async def test_a_link_to_a_job_means_the_attempt_of_that_job(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    old = run.last.jobs[0].id
    stand.rerun(run)
    for link in (
        f"/acme/shop/actions/runs/{run.id}/job/{old}?pr=1#step:3:4",
        f"/acme/shop/runs/{old}?check_suite_focus=true",
    ):
        found = ci.recognise(stand.url + link)
        assert found is not None
        build = await ci.build(found)
        assert (build.key.run, build.key.attempt, build.jobs[0].id) == (str(run.id), 1, str(old))
    other = stand.add_run("acme/shop", [BROKEN])
    with pytest.raises(Refused, match="belongs to run"):
        await ci.build(ref(other, job=str(old)))
    with pytest.raises(Refused, match="job 1 of acme/shop"):
        await ci.build(ref(run, job="1"))


async def test_many_jobs_come_in_pages(stand: GitHubStandIn, ci: GitHub) -> None:
    plans = [JobPlan(f"job {n}", "failure" if n == 249 else "success") for n in range(250)]
    build = await ci.build(ref(stand.add_run("acme/shop", plans)))
    assert len(build.jobs) == 250
    assert [j.name for j in build.failed_jobs] == ["job 249"]
    assert stand.count("GET", r".*/attempts/1/jobs") == 3


async def test_a_run_without_jobs(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [])
    run.last.conclusion = "startup_failure"
    build = await ci.build(ref(run))
    assert (build.outcome, build.jobs) == ("failure", ())


async def test_a_server_that_knows_no_attempts(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN, FINE])
    stand.faults = [Fault(r"/attempts/", 404, times=99)]
    build = await ci.build(ref(run, attempt=1))
    assert (build.key.attempt, len(build.jobs)) == (1, 2)
    with pytest.raises(Refused):
        await ci.build(ref(run, attempt=2))


async def test_annotations_stand_beside_the_log(stand: GitHubStandIn, ci: GitHub) -> None:
    lost = "The self-hosted runner lost communication with the server."
    run = stand.add_run("acme/shop", [JobPlan("build", annotations=(lost, "x" * 5000, lost, *map(str, range(50))))])
    job = (await ci.build(ref(run))).jobs[0]
    assert job.notes[0] == lost
    assert len(job.notes) == 20
    assert max(map(len, job.notes)) == 1000
    await ci.build(ref(run))
    assert stand.count("GET", r".*/annotations") == 1  # those of a finished job do not change


async def test_annotations_that_cannot_be_had_do_not_matter_for_a_failed_job(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    for status in (403, 404, 500):
        stand.faults = [Fault("/annotations", status, times=9)]
        assert (await ci.build(ref(run))).failed_jobs[0].notes == ()


async def test_a_cancelled_job_that_hit_its_limit_has_timed_out(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run(
        "acme/shop", [JobPlan("slow", "cancelled", annotations=(LIMIT, "The operation was canceled.")), FINE]
    )
    build = await ci.build(ref(run))
    assert (build.outcome, [j.name for j in build.failed_jobs]) == ("timed-out", ["slow"])
    assert build.failed_jobs[0].outcome == "timed-out"
    assert build.failed_jobs[0].failed_step == "Run go mod download"


@pytest.mark.parametrize(
    ("minutes", "said", "outcome"),
    [
        (5, ("The run was canceled by @ada.",), "cancelled"),
        (5, (), "cancelled"),
        (360, (), "timed-out"),  # GitHub's own limit
        (360, ("The run was canceled by @ada.",), "cancelled"),
        (400, (), "cancelled"),
    ],
)
async def test_a_cancelled_job(
    stand: GitHubStandIn, ci: GitHub, minutes: int, said: tuple[str, ...], outcome: str
) -> None:
    run = stand.add_run("acme/shop", [JobPlan("slow", "cancelled", annotations=said)], age=minutes * 60 + 10)
    build = await ci.build(ref(run))
    assert (build.jobs[0].outcome, build.outcome) == (outcome, outcome)


async def test_whether_a_cancelled_job_timed_out_is_not_guessed_while_github_is_down(
    stand: GitHubStandIn, ci: GitHub
) -> None:
    run = stand.add_run("acme/shop", [JobPlan("slow", "cancelled", annotations=(LIMIT,))])
    stand.faults = [Fault("/annotations", 503, times=3)]
    with pytest.raises(Unavailable):
        await ci.build(ref(run))
    assert (await ci.build(ref(run))).outcome == "timed-out"


# how it fails


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (Fault("/runs/", 401, body={"message": "Bad credentials"}), Refused, "token is refused"),
        (Fault("/runs/", 403, headers={"x-accepted-github-permissions": "actions=read"}), Refused, "`actions: read`"),
        (Fault("/runs/", 403, headers={"x-github-sso": "required; url=https://x"}), Refused, "single sign-on"),
        (Fault("/runs/", 404), Refused, "not found, or the token may not see it"),
        (Fault("/runs/", 451), Refused, "legal"),
        (Fault("/runs/", 418), Refused, "418"),
        (Fault("/runs/", 429, times=9, headers={"Retry-After": "31"}), Unavailable, "rate limit"),
        (Fault("/runs/", 403, times=9, headers={"X-RateLimit-Remaining": "0"}), Unavailable, "rate limit"),
        (
            Fault("/runs/", 403, times=9, body={"message": "You have exceeded a secondary rate limit."}),
            Unavailable,
            "secondary",
        ),
        (Fault("/runs/", 500, times=9), Unavailable, "500"),
        (Fault("/runs/", 502, times=9), Unavailable, "502"),
        (Fault("/runs/", drop=True, times=9), Unavailable, "connection broke"),
        (Fault("/runs/", hang=30, times=9), Unavailable, "nothing came"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else "",
)
async def test_github_says_no(stand: GitHubStandIn, fault: Fault, kind: type[Exception], says: str) -> None:
    ci = adapter(stand, read=0.3)
    run = stand.add_run("acme/shop", [BROKEN])
    stand.faults = [fault]
    with pytest.raises(kind, match=says) as caught:
        await ci.build(ref(run))
    assert str(caught.value).startswith("github: ")
    assert stand.token not in str(caught.value)
    if isinstance(caught.value, Unavailable) and fault.status in (403, 429):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after >= 31
    await ci.close()


async def test_a_refused_connection(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    await stand.shut()
    with pytest.raises(Unavailable, match="cannot connect"):
        await ci.build(ref(run))
    await stand.reopen()
    assert (await ci.build(ref(run))).outcome == "failure"


async def test_a_passing_fault_is_not_seen(stand: GitHubStandIn, ci: GitHub) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    stand.faults = [Fault("/runs/", 502), Fault("/runs/", drop=True), Fault("/jobs", 503)]
    assert (await ci.build(ref(run))).outcome == "failure"


@pytest.mark.parametrize(
    "body", [{}, {"id": 5, "status": []}, {"id": "x"}, {"id": 5, "repository": {"full_name": "../x"}}]
)
async def test_an_answer_of_another_shape(stand: GitHubStandIn, ci: GitHub, body: Any) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    stand.faults = [Fault("/runs/", 200, body=body)]
    with pytest.raises(Refused, match="not what GitHub documents"):
        await ci.build(ref(run))


@pytest.mark.parametrize("name", ["acme", "acme/shop/x", "../x", "acme/..", "acme/shop?x", "acme/sh op", ""])
async def test_a_repository_that_is_none(stand: GitHubStandIn, ci: GitHub, name: str) -> None:
    with pytest.raises(Refused, match="not owner/name"):
        await ci.build(RunRef(ci="github", repository=name, run="1"))
    assert not stand.seen


# log


async def test_a_log_comes_through_the_redirect_without_our_token(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    assert await text(ci, build, build.failed_jobs[0]) == BROKEN.log
    blob = next(s for s in stand.seen if s.door == "logs")
    assert "authorization" not in blob.headers
    assert "x-github-api-version" not in blob.headers


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_large_log_comes_in_blocks(stand: GitHubStandIn, ci: GitHub, zipped: bool) -> None:
    log = b"".join(b"2025-01-16T14:24:55.2376056Z line %d\n" % n for n in range(400_000))
    stand.gzip_logs = zipped
    build = await ci.build(ref(stand.add_run("acme/shop", [JobPlan("build", log=log)])))
    blocks = [block async for block in ci.log(build, build.jobs[0])]
    assert b"".join(blocks) == log
    assert max(map(len, blocks)) <= 1 << 18


async def test_a_log_that_is_not_written_yet(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [JobPlan("build", log=b"x", log_delay=None)])))
    with pytest.raises(NotYet, match="log of build is not written yet"):
        await text(ci, build, build.jobs[0])


async def test_a_log_that_will_not_come(stand: GitHubStandIn) -> None:
    ci = adapter(stand, now=lambda: datetime.now(UTC) + timedelta(minutes=11))
    build = await ci.build(ref(stand.add_run("acme/shop", [JobPlan("build", log=b"x", log_delay=None)])))
    with pytest.raises(Refused, match="is gone"):
        await text(ci, build, build.jobs[0])
    going_on = build.model_copy(update={"outcome": "running"})
    with pytest.raises(NotYet):
        await text(ci, going_on, build.jobs[0])
    await ci.close()


async def test_an_expired_log(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/logs", 410, body={"message": "Server Error"})]
    with pytest.raises(Refused, match="expired and was deleted"):
        await text(ci, build, build.jobs[0])


async def test_a_log_that_the_token_may_not_read(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/logs", 403, body={"message": "Must have admin rights to Repository."})]
    with pytest.raises(Refused, match=r"admin rights.*`actions: read`"):
        await text(ci, build, build.jobs[0])
    stand.faults = [Fault("/logs", 429, headers={"Retry-After": "61"})]
    with pytest.raises(Unavailable) as caught:
        await text(ci, build, build.jobs[0])
    assert caught.value.retry_after == 61


async def test_a_link_that_ran_out_is_asked_for_again(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/job.txt", 403)]
    assert await text(ci, build, build.jobs[0]) == BROKEN.log
    assert stand.count("GET", ".*/logs") == 2
    stand.link_seconds = -1
    with pytest.raises(Unavailable, match="log store refuses"):
        await text(ci, build, build.jobs[0])
    assert stand.count("GET", ".*/logs") == 4


async def test_a_log_store_that_has_not_got_it_yet(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/job.txt", 404)]
    with pytest.raises(NotYet):
        await text(ci, build, build.jobs[0])
    stand.faults = [Fault("/job.txt", 503, times=9)]
    with pytest.raises(Unavailable):
        await text(ci, build, build.jobs[0])


async def test_a_log_that_breaks_in_the_middle(stand: GitHubStandIn, ci: GitHub) -> None:
    log = b"line\n" * 200_000
    stand.cut_log_after = 400_000
    build = await ci.build(ref(stand.add_run("acme/shop", [JobPlan("build", log=log)])))
    came = bytearray()

    async def read() -> None:
        async for block in ci.log(build, build.jobs[0]):
            came.extend(block)

    with pytest.raises(Unavailable, match="connection broke") as caught:
        await read()
    assert 0 < len(came) <= 400_000
    assert log.startswith(bytes(came))
    assert "sig=" not in str(caught.value)
    assert "job.txt" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://2852039166/latest/", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("http://100.100.100.200/", "metadata"),
        ("file:///etc/passwd", "file"),
        ("ftp://x/y", "ftp"),
        ("http://", "more than 3 times"),  # that is: to itself
        ("http://[", "unreadable"),
        ("http://x:99999/", "unreadable"),
    ],
)
async def test_where_a_log_is_not_fetched_from(stand: GitHubStandIn, ci: GitHub, target: str, says: str) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/logs", 302, headers={"Location": target}, times=9)]
    with pytest.raises(Refused, match=says):
        await text(ci, build, build.jobs[0])
    assert stand.count("GET", ".*/job.txt") == 0


async def test_a_redirect_in_a_circle(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    stand.faults = [Fault("/logs", 302, headers={"Location": f"{stand.url}/repos/a/b/logs"}, times=99)]
    with pytest.raises(Refused, match="more than 3 times"):
        await text(ci, build, build.jobs[0])
    stand.faults = [Fault("/logs", 302)]
    with pytest.raises(Refused, match="leads nowhere"):
        await text(ci, build, build.jobs[0])


async def test_a_job_without_an_id_of_githubs_has_no_log(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [BROKEN])))
    with pytest.raises(Refused, match="no job with a log"):
        await text(ci, build, Job(id="../../x", name="x", outcome="failure"))


async def test_an_empty_log_is_a_log(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await ci.build(ref(stand.add_run("acme/shop", [JobPlan("build", log=b"")])))
    assert await text(ci, build, build.jobs[0]) == b""


# re-run


async def failed(stand: GitHubStandIn, ci: GitHub) -> Build:
    return await ci.build(ref(stand.add_run("acme/shop", [BROKEN, FINE])))


async def test_a_rerun_is_one_request(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await failed(stand, ci)
    assert await ci.did_rerun(build) is False
    await ci.rerun(build)
    assert await ci.did_rerun(build) is True
    assert stand.count("POST", ".*/rerun-failed-jobs") == 1


async def test_what_was_rerun_already_is_left_alone(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await failed(stand, ci)
    await ci.rerun(build)
    with pytest.raises(Refused, match="attempt 2 exists"):
        await ci.rerun(build)
    assert stand.count("POST", ".*") == 1


@pytest.mark.parametrize(
    "fault", [Fault("^POST", 502), Fault("^POST", 429), Fault("^POST", drop=True), Fault("^POST", hang=9)]
)
@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_that_is_lost_is_not_asked_for_again(stand: GitHubStandIn, fault: Fault, after: bool) -> None:
    ci = adapter(stand, read=0.3)
    build = await failed(stand, ci)
    fault = Fault(fault.where, fault.status, headers=fault.headers, hang=fault.hang, drop=fault.drop, after=after)
    stand.faults = [fault]
    with pytest.raises(Unavailable):
        await ci.rerun(build)
    assert stand.count("POST", ".*") <= 1  # one that hangs is noted when it ends
    if not fault.hang:
        assert await ci.did_rerun(build) is after
    await ci.close()


@pytest.mark.parametrize(
    ("status", "message", "says"),
    [
        (403, "This workflow is already running", "wait until it has finished"),
        (403, "Unable to retry this workflow run because it was created over a month ago", "30 days"),
        (403, "Resource not accessible by personal access token", "`actions: write`"),
        (404, "Not Found", "not found"),
        (409, "Conflict", "Conflict"),
        (422, "Validation Failed", "Validation Failed"),
        (307, "Moved", "redirect"),
    ],
)
async def test_github_refuses_the_rerun(stand: GitHubStandIn, ci: GitHub, status: int, message: str, says: str) -> None:
    build = await failed(stand, ci)
    location = {"Location": "http://127.0.0.1:9/"} if status == 307 else {}
    stand.faults = [Fault("^POST", status, body={"message": message}, headers=location)]
    with pytest.raises(Refused, match=says):
        await ci.rerun(build)
    assert stand.count("POST", ".*") == 1


async def test_a_run_that_moves_without_a_new_attempt_cannot_be_told(stand: GitHubStandIn, ci: GitHub) -> None:
    build = await failed(stand, ci)
    stand.runs[int(build.key.run)].last.status = "queued"
    assert await ci.did_rerun(build) is None
    assert await ci.did_rerun(build.model_copy(update={"outcome": "running"})) is False
    stand.faults = [Fault("/runs/", 404)]
    assert await ci.did_rerun(build) is None
    stand.faults = [Fault("/runs/", 500, times=9)]
    with pytest.raises(Unavailable):
        await ci.did_rerun(build)


# settings


def settings(**more: Any) -> GitHubSettings:
    return GitHubSettings.model_validate({"name": "github", "token": "t", **more})


def test_settings() -> None:
    plain = settings()
    assert (plain.api_url, plain.web_url) == ("https://api.github.com", "https://github.com")
    assert settings(api_url="https://ghe.example/api/v3/").api_url == "https://ghe.example/api/v3"
    assert "t0p" not in repr(settings(token="t0p", webhook_secret="t0p"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""},
        {"token": " "},
        {"token": "a\nb"},
        {"token": "é"},
        {"webhook_secret": ""},
        {"api_url": "api.github.com"},
        {"api_url": "https://user:pw@api.github.com"},
        {"web_url": "https://github.com?x"},
        {"kind": "gitlab"},
        {"channel": "#builds"},
        {"surprise": 1},
    ],
)
def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)
