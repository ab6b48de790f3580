"""gosumdb takes the way that a real go command takes to the checksum database."""

import json
import subprocess
from urllib.parse import unquote

import pytest

from bot.prober.gosumdb import BadName, database
from tests.prober.servers import hang_up, listening, probe, read_head, reset
from tests.prober.test_goproxy import GOOD, NAME, VERSION, answer, real_go

TREE = b"1\nexample.com/mod v1.2.3 h1:x\n\ngo.sum database tree\n12\nAAAA\n\n-- sum.golang.org x\n"


def serving(supported: bytes, tree: bytes = TREE):
    """A module proxy with our module, and this answer to sumdb/.../supported."""

    def handle(conn):
        path = unquote(read_head(conn).split()[1].decode())
        if path.endswith("/supported"):
            conn.sendall(supported)
        elif path.startswith("/sumdb/"):
            conn.sendall(answer(200, tree))
        else:
            page = GOOD.get(path)
            conn.sendall(answer(200, page) if isinstance(page, bytes) else answer(404, b"no"))

    return handle


YES, NO, GONE, BROKEN, PAGE = (
    answer(200, b""), answer(404, b""), answer(410, b""), answer(503, b""), answer(200, b"<html>", "text/html")
)  # fmt: skip


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


CASES = [
    ([YES], ""), ([NO], ""), ([GONE], ""), ([BROKEN], ""), ([NO, YES], ","), ([BROKEN, YES], ","), ([BROKEN, YES], "|"),
    ([BROKEN, NO], "|"), ([PAGE], ""), ([NO, GONE], ","), ([NO, "direct"], ","), ([BROKEN, "direct"], "|"),
    ([BROKEN, "direct"], ","), ([BROKEN, "off"], "|"), ([NO, "off"], ","), ([YES, NO], "|"),
]  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize(("answers", "separator"), CASES)
def test_the_way_is_that_of_go(answers, separator, tmp_path) -> None:
    entries, servers = [], []
    for one in answers:
        if isinstance(one, str):
            entries.append(one)
            continue
        servers.append(listening(serving(one)))
        entries.append(f"http://127.0.0.1:{servers[-1].__enter__().port}")
    try:
        goproxy = separator.join(entries)
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOPROXY": goproxy, "GOFLAGS": "-modcacherw",
               "GOSUMDB": "sum.golang.org", "GOPATH": str(tmp_path / "go"), "GOTOOLCHAIN": "local", "GOTELEMETRY": "off",
               "https_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}  # fmt: skip
        done = subprocess.run(
            [real_go(), "mod", "download", "-x", f"{NAME}@{VERSION}"],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        told = unquote(done.stderr.decode())
        facts = probe("gosumdb", module=f"{NAME}@{VERSION}", goproxy=goproxy, gosumdb="sum.golang.org", timeout=4)[
            "facts"
        ]
    finally:
        for server in servers:
            server.__exit__(None, None, None)
    used = [
        line.split()[2].split("/lookup/")[0]
        for line in told.splitlines()
        if line.startswith("# get ") and "/lookup/" in line
    ]
    assert facts.get("through") == (used[0] if used else None), (facts, told)
    for row in facts["supported"]:
        assert f"# get {row['entry']}/sumdb/sum.golang.org/supported" in told
    assert told.count("/supported:") >= len(facts["supported"])


def test_it_is_asked_through_the_proxy() -> None:
    with listening(serving(YES)) as server:
        base = f"http://127.0.0.1:{server.port}"
        result = probe("gosumdb", module="example.com/mod@v1.2.3", goproxy=base, gosumdb="sum.golang.org", timeout=3)
    facts = result["facts"]
    assert (result["outcome"], facts["ended"], facts["through"]) == ("ok", "answers", f"{base}/sumdb/sum.golang.org")
    assert (facts["lookup"]["status"], facts["latest"]["status"]) == (200, 200)
    assert facts["direct"] != "ok"  # there is no way out of here, and that is told all the same


def test_a_proxy_that_serves_a_page_for_people() -> None:
    with listening(serving(YES, b"<html>log in</html>")) as server:
        base = f"http://127.0.0.1:{server.port}"
        result = probe("gosumdb", module="example.com/mod@v1.2.3", goproxy=base, gosumdb="sum.golang.org", timeout=3)
    assert (result["outcome"], result["facts"]["ended"]) == ("proxy-error", "database")


def test_a_base_of_its_own_passes_proxies_by() -> None:
    with listening(serving(YES)) as server, listening(reset) as proxy:
        gosumdb = f"db.example+0+key http://127.0.0.1:{server.port}/sumdb"
        result = probe("gosumdb", goproxy=f"http://127.0.0.1:{proxy.port}", gosumdb=gosumdb, timeout=3)
        assert proxy.accepted == 0
    assert (result["outcome"], result["facts"]["name"]) == ("ok", "db.example")


def test_off_private_and_refused(monkeypatch) -> None:
    with listening(hang_up) as server:
        base = f"http://127.0.0.1:{server.port}"
        assert probe("gosumdb", gosumdb="off", goproxy=base)["facts"]["ended"] == "off"
        monkeypatch.setenv("PATH", "/nonexistent")
        monkeypatch.setenv("GOPRIVATE", "corp.example")
        assert probe("gosumdb", module="corp.example/x@v1.0.0", goproxy=base)["facts"]["ended"] == "private"
        result = probe("gosumdb", gosumdb="other.example", goproxy=base)
        assert (result["outcome"], result["facts"]["ended"]) == ("proxy-error", "invalid")
        assert server.accepted == 0
    assert "hunter2" not in json.dumps(probe("gosumdb", gosumdb="off", goproxy="https://u:hunter2@h.example"))


def test_names() -> None:
    assert database("sum.golang.org") == ("sum.golang.org", None)
    assert database("sum.golang.google.cn") == ("sum.golang.org", "https://sum.golang.google.cn")
    for bad in (" ", "a b c", "x.example", "h.example/+1+k", "a b+1+k"):
        with pytest.raises(BadName):
            database(bad)
