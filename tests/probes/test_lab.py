"""Real faults on a real link: what each looks like from the runner, over SSH, and from the control beside it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.ports import Vantage
from bot.probes import kinds, make

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from netlab import RESOLVER, SERVICES, Lab, missing

pytestmark = pytest.mark.lab
HOST = "goproxy.lab.example"


@pytest.fixture(scope="module")
def _lab() -> Iterator[Lab]:
    if why := missing():
        pytest.skip(f"no network laboratory here: {why}")
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(_lab: Lab) -> Iterator[Lab]:
    _lab.heal()
    yield _lab
    _lab.heal()


def there(ssh: Any) -> Vantage:
    settings = {"kind": "ssh", "host": ssh.host, "port": ssh.port, "user": ssh.user}
    return make("runner", kinds()["ssh"].model_validate(
        {**settings, "key_file": ssh.key_file, "known_hosts": ssh.known_hosts}))  # fmt: skip


async def look(vantage: Vantage, verb: str, **args: Any) -> ProbeResult:
    (result,) = await vantage.run([ProbeRequest(id="p", verb=verb, args=args)], 15)
    return result


@pytest.mark.parametrize(
    ("how", "outcome"),
    [("drop", "timeout"), ("reset", "refused"), ("prohibited", "prohibited"), ("unreachable", "unreachable")],
)
async def test_a_filter_on_the_way(lab: Lab, how: Any, outcome: str) -> None:
    lab.block("goproxy", how=how)
    result = await look(there(lab.ssh), "tcp", host=HOST, port=443, timeout=3)
    assert result.outcome == outcome, result
    assert result.facts["address"] == SERVICES["goproxy"].ip
    if how in {"prohibited", "unreachable"}:
        assert "ICMP type 3" in result.facts["error"]
    assert (await look(there(lab.control_ssh), "tcp", host=HOST, port=443)).outcome == "ok"
    web = await look(there(lab.ssh), "http", url=f"https://{HOST}/", timeout=3)
    assert (web.outcome, web.facts["phase"]) == (outcome, "connect")


async def test_no_route(lab: Lab) -> None:
    lab.no_route()
    assert (await look(there(lab.ssh), "tcp", host=HOST)).outcome == "unreachable"


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [("servfail", "servfail"), ("refused", "dns-refused"), ("nxdomain", "nxdomain")],
)
async def test_what_the_resolver_says(lab: Lab, mode: Any, outcome: str) -> None:
    lab.dns(goproxy=mode)
    runner = there(lab.ssh)
    for result in (
        await look(runner, "dns", host=HOST),
        await look(runner, "dns", host=HOST, server=f"{RESOLVER}:53", tries=2),
        await look(runner, "tcp", host=HOST),
        await look(runner, "http", url=f"https://{HOST}/"),
    ):
        assert result.outcome == outcome, result
        assert RESOLVER in result.facts["resolver"]


async def test_a_name_without_an_ipv4_address(lab: Lab) -> None:
    lab.dns(goproxy="nodata")
    runner = there(lab.ssh)
    assert (await look(runner, "dns", host=HOST, type="A")).outcome == "nodata"
    both = await look(runner, "dns", host=HOST)
    assert both.facts["types"]["A"] == "nodata"


async def test_a_silent_resolver(lab: Lab) -> None:
    lab.silence_dns()
    runner, control = there(lab.ssh), there(lab.control_ssh)
    asked = await look(runner, "dns", host=HOST, tries=3)
    assert (asked.outcome, asked.facts["answered"], asked.facts["tcp"]) == ("timeout", 0, "timeout")
    assert (await look(runner, "tls", host=HOST)).outcome == "timeout"
    found = await look(control, "dns", host=HOST, server="control")
    assert (found.outcome, found.facts["addresses"]) == ("ok", [SERVICES["goproxy"].ip])


async def test_a_stopped_resolver_and_one_that_is_not_there(lab: Lab) -> None:
    lab.stop_dns()
    assert (await look(there(lab.ssh), "dns", host=HOST)).outcome == "refused"
    assert (await look(there(lab.ssh), "tcp", host=HOST)).outcome == "refused"
    lab.dns()
    lab.resolver("10.77.0.77", RESOLVER)
    result = await look(there(lab.ssh), "dns", host=HOST)
    assert result.outcome == "ok"  # the second resolver knows it, after a while
    assert [r["outcome"] for r in result.facts["resolvers"]][1] == "ok"
    assert result.facts["resolvers"][0]["outcome"] in {"timeout", "unreachable"}


async def test_tls_faults(lab: Lab) -> None:
    runner = there(lab.ssh)
    healthy = await look(runner, "tls", host=HOST)
    assert healthy.outcome == "ok", healthy
    lab.serve("goproxy", tls="hang")
    hung = await look(runner, "tls", host=HOST, timeout=2)
    assert (hung.outcome, hung.facts["phase"]) == ("timeout", "tls")
    lab.serve("goproxy", tls="reset")
    assert (await look(runner, "tls", host=HOST)).outcome == "reset"
    lab.serve("goproxy", tls="plain")
    assert (await look(runner, "tls", host=HOST)).outcome == "tls-error"


async def test_an_mtu_black_hole(lab: Lab) -> None:
    lab.mtu_black_hole()
    result = await look(there(lab.ssh), "tls", host=HOST, timeout=3)
    assert (result.outcome, result.facts["phase"]) == ("timeout", "tls")


async def test_http_faults(lab: Lab) -> None:
    runner, url = there(lab.ssh), f"https://{HOST}/golang.org/x/text/@v/list"
    lab.serve("goproxy", status=429, headers={"Retry-After": "7"})
    result = await look(runner, "http", url=url)
    assert (result.outcome, result.facts["status"], result.facts["retry_after"]) == ("http-status", 429, "7")
    lab.serve("goproxy", status=200, body="x" * 5000, cut=100)
    assert (await look(runner, "http", url=url)).outcome == "short"
    lab.serve("goproxy", status=200, body="x" * 50000, drip=500)
    slow = await look(runner, "http", url=url, timeout=3)
    assert slow.outcome == "slow", slow
    assert slow.facts["bytes_per_second"] < 5000


async def test_ipv6_that_does_not_work_does_not_hide_what_does(lab: Lab) -> None:
    result = await look(there(lab.ssh), "tcp", host="fd77:0::1", port=53)
    assert result.outcome in {"ok", "refused"}
