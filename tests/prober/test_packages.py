"""npm, pypi, maven and apt: where the tools of a machine fetch from, and what is there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot.prober import sources
from tests.prober.servers import listening, probe, read_head
from tests.prober.test_goproxy import answer


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that has nothing set and no tools."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.lower().startswith(("npm_config", "pip_", "uv_", "maven", "m2_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(folder / "xdg"))
    monkeypatch.setenv("PATH", "/nonexistent")
    return folder


def serving(pages: dict[str, bytes], seen: list[str] | None = None):
    def handle(conn: Any) -> None:
        head = read_head(conn).decode()
        if not head:
            return
        if seen is not None:
            seen.append(head)
        conn.sendall(pages.get(head.split()[1].split("?")[0], answer(404, b"{}", "application/json")))

    return handle


def page(data: object) -> bytes:
    return answer(200, json.dumps(data).encode(), "application/json")


def test_npm_takes_what_the_users_file_names_and_no_token_of_it(home: Path) -> None:
    seen: list[str] = []
    pages = {
        "/x/1.0.0": page({"version": "1.0.0", "dist": {"tarball": "http://127.0.0.1:1/x.tgz"}}),
        "/-/ping": page({}),
    }
    with listening(serving(pages, seen)) as server:
        base = f"http://127.0.0.1:{server.port}"
        (home / ".npmrc").write_text(f"; c\nregistry = {base}/\n//127.0.0.1/:_authToken=hunter2hunter2\n")
        result = probe("npm", package="x@1.0.0")
        facts = result["facts"]
        assert (result["outcome"], facts["registry"], facts["version"]) == ("ok", base, "1.0.0")
        assert facts["registry_from"].endswith(".npmrc")
        # the index is there, and the file is not: another host
        assert (facts["tarball"], facts["tarball_host"]) == ("refused", "127.0.0.1")
        assert probe("npm")["outcome"] == "ok"
        assert probe("npm", package="@a/b@2")["facts"]["status"] == 404
    assert "GET /@a%2Fb/2 " in seen[-1]
    assert "hunter2" not in "".join(seen) + json.dumps(result)


def test_npm_scopes_and_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".npmrc").write_text("@acme:registry=https://u:hunter2@npm.acme.example/\nregistry=https://a.example\n")
    assert sources.npm("@acme", 0) == ("https://npm.acme.example", "~/.npmrc", True)
    assert sources.npm("@other", 0) == ("https://a.example", "~/.npmrc", False)
    monkeypatch.setenv("npm_config_registry", "https://b.example/r/")
    assert sources.npm("", 0) == ("https://b.example/r", "npm_config_registry", False)


@pytest.mark.parametrize("verb", ["npm", "pypi"])
def test_nobody_says_where(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent")
    result = probe(verb)
    assert (result["outcome"], result["ran"]) == ("unsupported", False), result
    assert "nothing on this machine says where" in result["facts"]["error"]


def test_npm_pages_for_people() -> None:
    with listening(serving({"/-/ping": answer(200, b"<html><title>Log in", "text/html")})) as server:
        result = probe("npm", registry=f"http://127.0.0.1:{server.port}")
    assert (result["outcome"], result["facts"]["captive_portal"]) == ("proxy-error", True)


INDEX = b'<!DOCTYPE html><html><head><title>Links for x</title></head><a href="../f/x-1.0.tar.gz#sha256=1">x-1.0.tar.gz</a>\n' \
        b'<a href="../f/x-2.0-py3-none-any.whl" data-x="&gt;">x-2.0-py3-none-any.whl</a></html>'  # fmt: skip


def test_pypi(home: Path) -> None:
    pages = {"/simple/x-y/": answer(200, INDEX, "text/html"), "/f/x-2.0-py3-none-any.whl": answer(200, b"")}
    pages["/simple/f/x-2.0-py3-none-any.whl"] = answer(200, b"")
    with listening(serving(pages)) as server:
        base = f"http://127.0.0.1:{server.port}/simple"
        (home / ".config/pip").mkdir(parents=True)
        (home / ".config/pip/pip.conf").write_text(f"[global]\nindex-url = {base}\n")
        result = probe("pypi", package="X_y")
        facts = result["facts"]
        assert (result["outcome"], facts["index"], facts["files"], facts["file"]) == ("ok", base, 2, "ok"), result
        assert "captive_portal" not in facts
        assert probe("pypi", package="x-y==2.0")["facts"]["version"] is True
        gone = probe("pypi", package="x-y==3.0")
        assert (gone["outcome"], gone["facts"]["version"]) == ("nodata", False)
        assert probe("pypi", package="nope")["facts"]["status"] == 404
        pages["/simple/x-y/"] = answer(200, b"<html><title>Please log in</title></html>", "text/html")
        assert probe("pypi", package="x-y")["outcome"] == "proxy-error"


def test_pip_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sources.pip(20)
    assert found is None or found.said_by == "pip's own default"
    monkeypatch.setenv("PIP_INDEX_URL", "https://u:hunter2@pip.example/simple/")
    assert sources.pip(0) == ("https://pip.example/simple", "PIP_INDEX_URL", True)


SETTINGS = """<settings><!-- <mirror><url>https://no.example</url></mirror> -->
<servers><server><password>hunter2</password></server></servers>
<mirrors><mirror><mirrorOf>external:http:*</mirrorOf><url>http://0.0.0.0/</url><blocked>true</blocked></mirror>
<mirror><mirrorOf>other</mirrorOf><url>https://other.example</url></mirror>
<mirror><id>m</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors></settings>"""


def test_maven(home: Path) -> None:
    pages = {"/m2/org/acme/lib/1.0/lib-1.0.pom": answer(200, b"<project/>", "text/xml")}
    with listening(serving(pages)) as server:
        (home / ".m2").mkdir()
        (home / ".m2/settings.xml").write_text(SETTINGS.format(url=f"http://127.0.0.1:{server.port}/m2"))
        result = probe("maven", artifact="org.acme:lib:jar:1.0")
        assert (result["outcome"], result["facts"]["repository"]) == ("ok", f"http://127.0.0.1:{server.port}/m2"), (
            result
        )
        assert result["facts"]["checksum"] is False
        assert probe("maven", artifact="org.acme:lib:2.0")["facts"]["status"] == 404


def test_sources_lists(tmp_path: Path) -> None:
    root = tmp_path / "apt"
    (root / "sources.list.d").mkdir(parents=True)
    (root / "sources.list").write_text("# deb http://no.example x main\ndeb [arch=amd64 signed-by=/a b] http://a.example/debian stable main\n"
                                       "deb-src http://a.example/debian stable main\ndeb cdrom:[x]/ y main\n")  # fmt: skip
    (root / "sources.list.d/b.sources").write_text(
        "Types: deb deb-src\nURIs: https://u:hunter2@b.example/d/\n http://c.example\nSuites: one two/\nComponents: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: x\n"
    )
    found = [(s.release, s.said_by.rsplit("/", 1)[1]) for s in sources.apt(str(root))]
    assert found == [
        ("http://a.example/debian/dists/stable/InRelease", "sources.list"), ("https://b.example/d/dists/one/InRelease", "b.sources"),
        ("https://b.example/d/two/InRelease", "b.sources"), ("http://c.example/dists/one/InRelease", "b.sources"),
        ("http://c.example/two/InRelease", "b.sources"),
    ]  # fmt: skip


def test_apt() -> None:
    signed = b"-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: x\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nValid-Until: Sat, 08 Jan 2022 00:00:00 UTC\n"
    with listening(
        serving({"/dists/stable/InRelease": answer(200, signed), "/dists/odd/InRelease": answer(200, b"<html>")})
    ) as server:
        base = f"http://127.0.0.1:{server.port}"
        result = probe("apt", uri=base)
        assert (result["outcome"], result["facts"]["expired"]) == ("ok", ["stable"])
        assert probe("apt", uri=base, suite="odd")["outcome"] == "proxy-error"
        assert probe("apt", uri=base, suite="gone")["facts"]["status"] == 404
