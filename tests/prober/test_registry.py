"""registry against a real Distribution registry, and against servers that answer as Docker Hub, Harbor and ECR do."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.prober.ociname import image
from tests.prober.servers import Listener, listening, probe, read_head
from tests.prober.test_goproxy import answer

SECRET = "eyJhbGciOi.hunter2hunter2.sig"


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Hub:
    """A registry whose token server is a part of it; each answer can be replaced."""

    def __init__(self, **pages: bytes) -> None:
        self.pages, self.seen = pages, []  # type: ignore[var-annotated]
        self.server = Listener(self.handle)
        self.at = f"127.0.0.1:{self.server.port}"

    def handle(self, conn: Any) -> None:
        head = read_head(conn).decode("latin-1")
        self.seen.append(head)
        path = [*head.split(), "/", "/"][1]
        known = (
            "/v2/"
            if path == "/v2/"
            else "token"
            if path.startswith("/token")
            else "manifest"
            if "manifests" in path
            else path
        )
        usual = {
            "/v2/": answer(401, b"{}", "application/json", f'Www-Authenticate: Bearer realm="http://{self.at}/token",service="reg"\r\n'),
            "token": answer(200, json.dumps({"token": SECRET}).encode(), "application/json"),
            "manifest": answer(200, b"", "application/vnd.oci.image.index.v1+json", "Docker-Content-Digest: sha256:1\r\n"
                               "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 7;w=21600\r\ndocker-ratelimit-source: 1.2.3.4\r\n"),
        }  # fmt: skip
        conn.sendall(self.pages.get(known) or usual.get(known) or answer(404, b"{}"))


@contextlib.contextmanager
def hub(**pages: bytes) -> Iterator[Hub]:
    made = Hub(**pages)
    try:
        yield made
    finally:
        made.server.close()


def ask(made: Hub, name: str = "acme/app:1", **args: Any) -> dict[str, Any]:
    return probe("registry", image=f"{made.at}/{name}", timeout=3, **{"scheme": "http", **args})


def test_the_token_dance() -> None:
    with hub() as made:
        result = ask(made)
    facts = result["facts"]
    assert (result["outcome"], facts["phase"], facts["auth"], facts["digest"]) == (
        "ok",
        "manifest",
        "bearer",
        "sha256:1",
    )
    assert (facts["ratelimit_remaining"], facts["ratelimit_source"]) == ("7;w=21600", "1.2.3.4")
    assert "/token?service=reg&scope=repository%3Aacme%2Fapp%3Apull" in made.seen[1]
    assert made.seen[2].startswith("HEAD /v2/acme/app/manifests/1 ")
    assert f"Authorization: Bearer {SECRET}" in made.seen[2]
    assert "Authorization" not in made.seen[0] + made.seen[1]
    assert "hunter2" not in json.dumps(result)


def test_a_registry_that_knows_no_head() -> None:
    def handle(conn: Any) -> None:
        head = read_head(conn).decode("latin-1")
        conn.sendall(
            answer(405, b"")
            if head.startswith("HEAD")
            else answer(200, b"{}", "application/json", "Docker-Content-Digest: sha256:2\r\n")
        )

    with listening(handle) as server:
        result = probe("registry", image=f"127.0.0.1:{server.port}/a/b", scheme="http", timeout=3)
    assert (result["outcome"], result["facts"]["digest"]) == ("ok", "sha256:2")


LIMITED = answer(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}',
                 "application/json", "Retry-After: 60\r\n")  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "outcome", "facts"),
    [
        ({"manifest": answer(404, b"")}, "http-status", {"phase": "manifest", "status": 404}),
        ({"manifest": answer(401, b"")}, "http-status", {"phase": "manifest", "status": 401}),
        ({"manifest": LIMITED}, "http-status", {"status": 429, "retry_after": "60"}),
        ({"/v2/": LIMITED}, "http-status", {"phase": "ping", "code": "TOOMANYREQUESTS"}),
        ({"/v2/": answer(503, b"")}, "http-status", {"phase": "ping", "status": 503}),
        ({"token": answer(500, b"")}, "http-status", {"phase": "token", "status": 500}),
        ({"token": answer(200, b"{}")}, "http-status", {"phase": "token"}),
        ({"token": answer(200, b'{"token": "a\\r\\nX: y"}')}, "http-status", {"phase": "token"}),
        ({"/v2/": answer(200, b"<html>log in", "text/html")}, "proxy-error", {"phase": "ping"}),
        ({"/v2/": answer(200, b"{}", "application/json")}, "ok", {"auth": "none"}),
        ({"/v2/": answer(401, b"", more='WWW-Authenticate: Basic realm="x"\r\n')}, "http-status", {"auth": "basic", "status": 401}),
        ({"/v2/": answer(401, b"", more='WWW-Authenticate: Bearer realm="file:///etc/passwd"\r\n')}, "error", {"phase": "token"}),
        ({"/v2/": answer(401, b"", more='WWW-Authenticate: Bearer realm="http://169.254.169.254/"\r\n')}, "denied", {"phase": "token"}),
    ],
)  # fmt: skip
def test_what_each_step_may_say(pages: dict[str, bytes], outcome: str, facts: dict[str, Any]) -> None:
    with hub(**pages) as made:
        result = ask(made)
    assert result["outcome"] == outcome, result
    assert {k: result["facts"].get(k) for k in facts} == facts


def test_harbor_tells_how_its_parts_are() -> None:
    health = json.dumps(
        {
            "status": "unhealthy",
            "components": [{"name": "core", "status": "healthy"}, {"name": "redis", "status": "unhealthy"}],
        }
    )
    with hub(
        **{"/api/v2.0/health": answer(200, health.encode(), "application/json"), "manifest": answer(502, b"")}
    ) as made:
        wanted = f'Www-Authenticate: Bearer realm="http://{made.at}/token",service="harbor-registry"\r\n'
        made.pages["/v2/"] = answer(401, b"{}", "application/json", wanted)
        result = ask(made)
    facts = result["facts"]
    assert (facts["kind"], facts["health"], facts["unhealthy"]) == ("harbor", "unhealthy", ["redis"])
    assert "unhealthy: redis" in facts["error"]


def test_a_token_goes_to_its_registry_alone() -> None:
    seen: list[bytes] = []

    def other(conn: Any) -> None:
        seen.append(read_head(conn))
        conn.sendall(answer(200, b""))

    with listening(other) as elsewhere, hub() as made:
        made.pages["manifest"] = answer(307, b"", more=f"Location: http://127.0.0.1:{elsewhere.port}/x\r\n")
        assert ask(made)["outcome"] == "ok"
    assert seen
    assert b"Authorization" not in seen[0]


def test_loopback_is_asked_over_plain_http_as_docker_does() -> None:
    with hub() as made:
        assert ask(made, scheme="auto")["facts"]["scheme"] == "http"
        assert probe("registry", image=f"{made.at}/", timeout=3)["outcome"] == "ok"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ubuntu", ("registry-1.docker.io", 0, "library/ubuntu", "latest")), ("a/b:1", ("registry-1.docker.io", 0, "a/b", "1")),
        ("docker.io/a/b", ("registry-1.docker.io", 0, "a/b", "latest")), ("ghcr.io/a/b:v1", ("ghcr.io", 0, "a/b", "v1")),
        ("localhost:5000/x", ("localhost", 5000, "x", "latest")), ("h.example:5000/", ("h.example", 5000, "", "")),
        ("docker://h.example/a@sha256:" + "a" * 64, ("h.example", 0, "a", "sha256:" + "a" * 64)),
        ("h.example/a:1@sha256:" + "b" * 64, ("h.example", 0, "a", "sha256:" + "b" * 64)), ("[::1]:5000/x", ("::1", 5000, "x", "latest")),
    ],
)  # fmt: skip
def test_names(text: str, wanted: tuple[object, ...]) -> None:
    assert tuple(image(text)) == wanted


def test_kinds_and_refusals() -> None:
    assert image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/x").kind == "ecr"
    assert image("europe-docker.pkg.dev/p/r/i").kind == "gar"
    for bad in (
        "",
        "A/b",
        "a b",
        "h.example/../x",
        "a:",
        "a@sha256:x",
        "h.example/a?b",
        "x" * 700,
        "h.example:99999/x",
        "a\nb",
    ):
        with pytest.raises(ValueError, match=r".+"):
            image(bad)


@pytest.mark.lab
def test_a_real_registry(tmp_path: Path) -> None:
    tool = shutil.which("docker-registry")
    if tool is None:
        pytest.skip("needs Debian's docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/data\nhttp:\n  addr: 127.0.0.1:{port}\n"
    )
    with subprocess.Popen([tool, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            for _ in range(100):
                if probe("tcp", host="127.0.0.1", port=port)["outcome"] == "ok":
                    break
                time.sleep(0.1)
            assert probe("registry", image=f"127.0.0.1:{port}/")["facts"]["api_version"] == "registry/2.0"
            gone = probe("registry", image=f"127.0.0.1:{port}/a/b:1")
            assert (gone["outcome"], gone["facts"]["status"], gone["facts"]["phase"]) == (
                "http-status",
                404,
                "manifest",
            )
            skopeo = shutil.which("skopeo")
            if skopeo:
                layout = tmp_path / "image"
                _oci_layout(layout)
                subprocess.run([skopeo, "copy", "--insecure-policy", "--dest-tls-verify=false", f"oci:{layout}", f"docker://127.0.0.1:{port}/a/b:1"],
                               check=True, capture_output=True)  # fmt: skip
                there = probe("registry", image=f"127.0.0.1:{port}/a/b:1")
                assert there["outcome"] == "ok", there
                assert there["facts"]["digest"].startswith("sha256:")
        finally:
            child.kill()


def _oci_layout(folder: Path) -> None:
    """An image without layers."""
    import hashlib

    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(value: object, kind: str) -> dict[str, object]:
        data = json.dumps(value).encode()
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(data)}

    config = put(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}},
        "application/vnd.oci.image.config.v1+json",
    )
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = put({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}, kind)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
