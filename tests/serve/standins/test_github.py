"""The stand-in: that it behaves as GitHub does, and, by GitHub's published descriptions, speaks as GitHub does."""

import asyncio
import copy
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from aiohttp import web

from bot.ci.github_hook import read
from bot.model.errors import Refused
from bot.serve.standins.github import Fault, GitHubStandIn, JobPlan, Run
from tests.ci.bench import adapter, ref, text
from tests.ci.published import Published, gather

LOST = "The self-hosted runner lost communication with the server."
BROKEN = JobPlan("build", log=b"i/o timeout\n", annotations=(LOST,))
FINE = JobPlan("lint", "success")


class Listener:
    """Where a bot would listen."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 202

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    def told(self) -> list[tuple[str, str, str | None]]:
        """Event, action and conclusion of all that came."""
        found = []
        for headers, body in self.got:
            event, payload = headers["X-GitHub-Event"], json.loads(body)
            found.append((event, payload["action"], payload[event]["conclusion"]))
        return found


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    app = web.Application()
    app.add_routes([web.post("/webhooks/github", made.take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/github"  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()


@pytest.fixture
async def stand(listener: Listener) -> AsyncIterator[GitHubStandIn]:
    url = listener.url  # type: ignore[attr-defined]
    async with GitHubStandIn(webhook_url=url, rerun_seconds=0.02) as made:
        yield made


@pytest.fixture
async def web_client(stand: GitHubStandIn) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stand.token}"}
    async with httpx.AsyncClient(base_url=stand.url, headers=headers) as client:
        yield client


async def finished(run: Run) -> None:
    while run.last.status != "completed":
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # its last webhook is still under way


async def test_it_wants_the_token(stand: GitHubStandIn) -> None:
    run = stand.add_run("acme/shop", [BROKEN])
    async with httpx.AsyncClient(base_url=stand.url) as client:
        path = f"/repos/acme/shop/actions/runs/{run.id}"
        assert (await client.get(path)).status_code == 401
        answer = await client.get(path, headers={"Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
        page = await client.get(f"/acme/shop/actions/runs/{run.id}/attempts/1")
        assert f"CI #{run.number} of acme/shop: failure" in page.text


async def test_the_log_store_refuses_the_apis_credentials(stand: GitHubStandIn, web_client: httpx.AsyncClient) -> None:
    job = stand.add_run("acme/shop", [BROKEN]).last.jobs[0]
    answer = await web_client.get(f"/repos/acme/shop/actions/jobs/{job.id}/logs")
    place = answer.headers["location"]
    assert answer.status_code == 302
    assert httpx.URL(place).port != httpx.URL(stand.url).port
    assert (await web_client.get(place)).status_code == 400
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(place)).content == BROKEN.log
        assert (await stranger.get(place.partition("?")[0])).status_code == 403
        stand.link_seconds = -1
        late = await web_client.get(f"/repos/acme/shop/actions/jobs/{job.id}/logs")
        assert (await stranger.get(late.headers["location"])).status_code == 403


async def test_a_log_comes_a_while_after_its_job(stand: GitHubStandIn, web_client: httpx.AsyncClient) -> None:
    job = stand.add_run("acme/shop", [JobPlan("build", log=b"x", log_delay=0.1)]).last.jobs[0]
    assert (await web_client.get(f"/repos/acme/shop/actions/jobs/{job.id}/logs")).status_code == 404
    await asyncio.sleep(0.15)
    assert (await web_client.get(f"/repos/acme/shop/actions/jobs/{job.id}/logs")).status_code == 302


async def test_a_rerun_goes_from_queued_to_its_end(
    stand: GitHubStandIn, listener: Listener, web_client: httpx.AsyncClient
) -> None:
    run = stand.add_run("acme/shop", [BROKEN, FINE])
    path = f"/repos/acme/shop/actions/runs/{run.id}"
    assert (await web_client.post(f"{path}/rerun-failed-jobs")).status_code == 201
    again = await web_client.post(f"{path}/rerun-failed-jobs")
    assert (again.status_code, again.json()["message"]) == (403, "This workflow is already running")
    await finished(run)
    told = (await web_client.get(path)).json()
    assert (told["run_attempt"], told["status"], told["conclusion"]) == (2, "completed", "success")
    assert told["previous_attempt_url"].endswith("/attempts/1")
    assert (await web_client.get(f"{path}/attempts/1")).json()["conclusion"] == "failure"
    assert listener.told() == [
        ("workflow_run", "requested", None),
        ("workflow_job", "queued", None),
        ("workflow_run", "in_progress", None),
        ("workflow_job", "in_progress", None),
        ("workflow_job", "completed", "success"),
        ("workflow_run", "completed", "success"),
    ]
    assert (await web_client.post(f"{path}/rerun-failed-jobs")).status_code == 403  # nothing failed
    assert stand.count("POST", ".*/rerun-failed-jobs") == 3


async def test_a_rerun_ends_as_it_was_told_to(stand: GitHubStandIn) -> None:
    run = stand.add_run("acme/shop", [BROKEN, JobPlan("slow", "timed_out")])
    stand.rerun_conclusion = "failure"
    stand.rerun_plans = {"slow": JobPlan("slow", "cancelled", log=b"other")}
    stand.rerun(run)
    await finished(run)
    assert [(j.plan.name, j.conclusion, j.plan.log) for j in run.last.jobs] == [
        ("build", "failure", BROKEN.log),
        ("slow", "cancelled", b"other"),
    ]
    assert run.last.conclusion == "failure"


async def test_an_old_run_is_not_rerun(stand: GitHubStandIn, web_client: httpx.AsyncClient) -> None:
    run = stand.add_run("acme/shop", [BROKEN], age=31 * 86400)
    answer = await web_client.post(f"/repos/acme/shop/actions/runs/{run.id}/rerun-failed-jobs")
    assert (answer.status_code, "month ago" in answer.json()["message"]) == (403, True)


async def test_webhooks_are_signed_and_sent_once(stand: GitHubStandIn, listener: Listener) -> None:
    listener.status = 500
    run = stand.add_run("acme/shop", [BROKEN, FINE])
    await stand.announce(run)
    assert [s.status for s in stand.sent] == [500, 500, 500]
    assert len(listener.got) == 3
    headers, body = listener.got[-1]
    right = hmac.new(stand.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={right}"
    await stand.resend(stand.sent[-1])
    assert listener.got[-1] == listener.got[-2]
    stand.webhook_url = "http://127.0.0.1:1/"
    await stand.announce(run, jobs=False)
    assert stand.sent[-1].status == 0


async def test_a_live_run(stand: GitHubStandIn, listener: Listener, web_client: httpx.AsyncClient) -> None:
    run = stand.add_run("acme/shop", [BROKEN], finished=False)
    assert (await web_client.get(f"/repos/acme/shop/actions/runs/{run.id}")).json()["status"] == "queued"
    await stand.play(run)
    assert listener.told()[-1] == ("workflow_run", "completed", "failure")


async def test_faults(stand: GitHubStandIn, web_client: httpx.AsyncClient) -> None:
    path = f"/repos/acme/shop/actions/runs/{stand.add_run('acme/shop', [BROKEN]).id}"
    stand.faults = [
        Fault("GET /repos", 429, headers={"Retry-After": "3"}),
        Fault("GET", hang=0.05),
        Fault("GET", drop=True),
    ]
    first = await web_client.get(path)
    assert (first.status_code, first.headers["retry-after"]) == (429, "3")
    assert (await web_client.get(path)).status_code == 200
    with pytest.raises(httpx.TransportError):
        await web_client.get(path)
    assert (await web_client.get(path)).status_code == 200
    await stand.shut()
    with pytest.raises(httpx.ConnectError):
        await web_client.get(path)
    await stand.reopen()
    assert (await web_client.get(path)).status_code == 200


async def test_pages(stand: GitHubStandIn, web_client: httpx.AsyncClient) -> None:
    run = stand.add_run("acme/shop", [JobPlan(f"job {n}", "success") for n in range(35)])
    path = f"/repos/acme/shop/actions/runs/{run.id}/jobs"
    assert len((await web_client.get(path)).json()["jobs"]) == 30
    last = (await web_client.get(path, params={"per_page": 10, "page": 4})).json()
    assert (len(last["jobs"]), last["total_count"]) == (5, 35)


# by GitHub's own published descriptions


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    yield from gather(tmp_path_factory)


@pytest.mark.npm
async def test_what_we_ask_and_what_it_answers_are_as_published(
    stand: GitHubStandIn, web_client: httpx.AsyncClient, published: Published
) -> None:
    ci = adapter(stand)
    run = stand.add_run("acme/shop", [BROKEN, FINE, JobPlan("slow", "cancelled")])
    for link in (f"runs/{run.last.jobs[0].id}", f"actions/runs/{run.id}/attempts/1"):
        found = ci.recognise(f"{stand.url}/acme/shop/{link}")
        assert found is not None
        build = await ci.build(found)
    await text(ci, build, build.failed_jobs[0])
    await ci.check()
    with pytest.raises(Refused):
        await ci.build(ref(run, attempt=9))
    stand.faults = [Fault(r"/attempts/1/jobs", 404)]
    await ci.build(ref(run))
    await ci.rerun(build)
    live = await ci.build(ref(run))
    assert live.outcome == "running"
    await finished(run)
    await ci.did_rerun(build)
    await ci.close()
    seen = [s for s in stand.seen if s.door == "api"]
    assert len({(s.method, s.path) for s in seen}) >= 12
    with pytest.raises(AssertionError, match="takes no pages"):  # so the checks do check
        published.check_request("GET", seen[-1].path + "/jobs", {"pages": "1"})
    with pytest.raises(jsonschema.ValidationError):
        published.check_answer("GET", seen[-1].path, 200, {"id": run.id})
    for one in seen:
        published.check_request(one.method, one.path, one.query)
        if one.method == "GET" and one.status == 200:
            again = await web_client.get(one.path, params=dict(one.query))
            published.check_answer("GET", one.path, again.status_code, again.json())
        elif one.status < 400:
            published.check_answer(one.method, one.path, one.status, {})


@pytest.mark.npm
async def test_running_jobs_are_as_published(
    stand: GitHubStandIn, web_client: httpx.AsyncClient, published: Published
) -> None:
    run = stand.add_run("acme/shop", [BROKEN], finished=False)
    playing = asyncio.create_task(stand.play(run, 0.2))
    states = set()
    while not playing.done():
        answer = await web_client.get(f"/repos/acme/shop/actions/runs/{run.id}/jobs")
        published.check_answer("GET", str(answer.url.path), 200, answer.json())
        states.add(answer.json()["jobs"][0]["status"])
        await asyncio.sleep(0.02)
    assert states == {"queued", "in_progress", "completed"} or states == {"queued", "in_progress"}


@pytest.mark.npm
async def test_webhooks_are_as_published(stand: GitHubStandIn, published: Published) -> None:
    run = stand.add_run("acme/shop", [BROKEN, FINE, JobPlan("slow", "cancelled")])
    await stand.announce(run)
    stand.rerun(run)
    await finished(run)
    assert len(stand.sent) == 4 + 3 + 6
    for sent in stand.sent:
        published.check_hook(sent.event, sent.payload)
    broken = copy.deepcopy(stand.sent[0].payload)
    del broken["workflow_job"]["run_id"]
    with pytest.raises(jsonschema.ValidationError):  # so the check does check
        published.check_hook("workflow_job", broken)


@pytest.mark.npm
def test_the_published_examples_are_read(published: Published) -> None:
    secret, kinds = "s", {}
    for name, examples in published.examples.items():
        for number, example in enumerate(examples):
            event = _read(secret, name, example)
            kinds[name, number] = event.kind
            assert (event.kind == "ignored") is (name not in ("workflow_run", "workflow_job"))
            if event.build is None:
                continue
            assert event.build.key.repository == example["repository"]["full_name"]
            told = example[name]
            assert event.build.key.run == str(told["id"] if name == "workflow_run" else told["run_id"])
            assert event.build.commit == told["head_sha"]
            if told["conclusion"] == "failure":
                assert event.kind == "failed"
                assert event.build.jobs[0].failed_step == "Run yarn run format-check"
    assert len([k for k in kinds if k[0].startswith("workflow_")]) > 10
    assert list(kinds.values()).count("failed") == 1


def _read(secret: str, event: str, payload: Any) -> Any:
    body = json.dumps(payload).encode()
    sign = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return read("github", secret, {"x-github-event": event, "x-hub-signature-256": f"sha256={sign}"}, body)
