"""The one HTTP client, against a server of a few lines that says what each test needs, byte for byte."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.model.errors import Refused, ServiceError, Unavailable
from bot.outbound import Answer, Outbound, origin, read_json, refuse_metadata, retry_after

SECRET = "sesame-open-now"
Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http(status: int = 200, body: bytes = b"{}", length: int | None = None, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Server:
    """Answers the n-th request with the n-th of `answers`, the last one for ever. b"" closes without an answer."""

    answers: list[bytes | float] = field(default_factory=lambda: [http()])
    requests: list[bytes] = field(default_factory=list)
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, float):
                await asyncio.sleep(answer)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield made
    listening.close()


@dataclass
class Clock:
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Callable[..., Outbound]]:
    made: list[Outbound] = []

    def one(**options: Any) -> Outbound:
        given = {"private": {"Authorization": f"Bearer {SECRET}"}, "read": 0.3, "sleep": Clock().sleep, **options}
        made.append(Outbound("svc", given.pop("base", server.url), **given))
        return made[-1]

    yield one
    for client in made:
        await client.close()


Make = Callable[..., Outbound]


async def test_an_answer(server: Server, make: Make) -> None:
    server.answers = [http(body=b'{"a": 1}', X_Thing="yes")]
    answer = await make().request("GET", "/x", params={"q": "1"})
    assert (answer.status, answer.json(), answer.headers["x-thing"]) == (200, {"a": 1}, "yes")
    assert server.requests[0].startswith(b"GET /x?q=1 HTTP/1.1")
    assert f"Authorization: Bearer {SECRET}".encode() in server.requests[0]
    assert b"User-Agent: buildmedic/" in server.requests[0]


@pytest.mark.parametrize(
    "first", [http(500), http(502), http(503), http(429, Retry_After="1"), b"", b"nonsense\r\n\r\n", 9.0]
)
async def test_a_get_is_tried_again(server: Server, make: Make, first: bytes | float) -> None:
    server.answers = [first, first, http()]
    clock = Clock()
    assert (await make(sleep=clock.sleep).request("GET", "/")).status == 200
    assert len(server.requests) == 3
    assert len(clock.slept) == 2
    assert all(0.4 < pause <= 5 for pause in clock.slept)


@pytest.mark.parametrize("first", [http(500), http(503), http(429, Retry_After="1"), b"", 9.0])
async def test_a_post_is_sent_once(server: Server, make: Make, first: bytes | float) -> None:
    server.answers = [first, http()]
    with pytest.raises(Unavailable):
        await make().request("POST", "/", json={"a": 1})
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 451])
async def test_a_definite_no_is_not_asked_twice(server: Server, make: Make, status: int) -> None:
    server.answers = [http(status, b'{"message": "not for\\n you"}')]
    with pytest.raises(Refused, match=f"svc: GET /x answered {status}: not for you") as caught:
        await make().request("GET", "/x?token=abc")
    assert caught.value.status == status
    assert len(server.requests) == 1
    assert "abc" not in str(caught.value)


async def test_a_long_wait_is_the_callers(server: Server, make: Make) -> None:
    clock = Clock()
    for answer, wait in (
        (http(429, Retry_After="3600"), 3600),
        (http(503, Retry_After="99999999"), 86400),
        (http(403, X_RateLimit_Remaining="0"), 60),
        (http(429), 60),
    ):
        server.answers = [answer]
        with pytest.raises(Unavailable) as caught:
            await make(sleep=clock.sleep).request("GET", "/")
        assert caught.value.retry_after == wait
    assert clock.slept == []


async def test_nothing_listens(make: Make) -> None:
    with pytest.raises(Unavailable, match=r"svc: GET /x: cannot connect: .*(refused|111|failed)"):
        await make(base="http://127.0.0.1:1").request("GET", "/x")


async def test_a_server_that_drips_is_given_up(server: Server, make: Make) -> None:
    server.answers = [http(body=b"{", length=1000), 9.0]
    with pytest.raises(Unavailable):
        await make(tries=1).request("GET", "/x")
    with pytest.raises(Unavailable, match="not answered in full within 0 s"):
        await make(tries=1, read=9.0, total=0.1).request("GET", "/x")


async def test_a_body_beyond_its_bound(server: Server, make: Make) -> None:
    server.answers = [http(body=b"x" * 5000)]
    with pytest.raises(Refused, match="more than 4999 bytes"):
        await make().request("GET", "/", limit=4999)
    assert (await make().request("GET", "/", limit=5000)).status == 200
    bomb = gzip.compress(b"\0" * 50_000_000)
    server.answers = [http(body=bomb, Content_Encoding="gzip")]
    with pytest.raises(Refused, match="more than"):
        await make().request("GET", "/", limit=100_000)


async def test_a_huge_error_page_is_cut(server: Server, make: Make) -> None:
    server.answers = [http(404, b"<html>" + b"x" * 3_000_000)]
    with pytest.raises(Refused, match=r"answered 404$"):
        await make().request("GET", "/")


async def test_broken_compression(server: Server, make: Make) -> None:
    server.answers = [http(body=b"no gzip at all", Content_Encoding="gzip")]
    with pytest.raises(Unavailable, match="compression"):
        await make(tries=1).request("GET", "/")


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[" * 100_000, b"\xff"])
async def test_what_is_not_json(server: Server, make: Make, body: bytes) -> None:
    server.answers = [http(body=body, Content_Type="text/html")]
    with pytest.raises(Refused, match=r"text/html, not JSON: is the URL right\?"):
        (await make().request("GET", "/")).json()


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert read_json(rb'{"a": "\ud800x", "b": "\ud83d\ude05", "c": "\uD83D\uDE05"}') == {
        "a": "?x",
        "b": "😅",
        "c": "😅",
    }


async def test_no_redirect_is_followed_unless_asked_for(server: Server, make: Make) -> None:
    server.answers = [http(302, Location="/other"), http(body=b'"there"')]
    assert (await make().request("GET", "/")).status == 302
    server.answers = [http(301, Location="/other"), http(body=b'"there"')]
    assert (await make().request("GET", "/", redirects=1)).json() == "there"
    server.answers = [http(301, Location="/other")]
    with pytest.raises(Refused, match="in a circle"):
        await make().request("GET", "/", redirects=3)


@pytest.mark.parametrize(
    "target", ["http://other.example/x?sig=abc", "//other.example/x", "https://127.0.0.1/", "http://["]
)
async def test_a_redirect_to_another_origin_is_refused(server: Server, make: Make, target: str) -> None:
    server.answers = [http(302, Location=target)]
    with pytest.raises(Refused, match="redirect to") as caught:
        await make().request("GET", "/", redirects=3)
    assert "sig" not in str(caught.value)


async def test_a_post_is_redirected_only_as_a_post(server: Server, make: Make) -> None:
    server.answers = [http(307, Location="/other"), http(201)]
    assert (await make().request("POST", "/", redirects=1)).status == 201
    assert [r.split()[0] for r in server.requests] == [b"POST", b"POST"]
    server.answers = [http(302, Location="/other"), http(201)]
    with pytest.raises(Refused):
        await make().request("POST", "/", redirects=1)


async def test_credentials_stay_at_home(server: Server, make: Make) -> None:
    client = make(base="http://127.0.0.1:1", headers={"Accept": "application/x"})
    await client.request("GET", server.url + "/abroad")
    async with client.stream(server.url + "/abroad") as stream:
        assert [block async for block in stream.blocks()] == [b"{}"]
    for request in server.requests:
        assert b"Authorization" not in request
        assert b"application/x" not in request


@pytest.mark.parametrize("bad", ["line\nbreak-sesame", "non-ascii-é-sesame"])
async def test_a_credential_that_cannot_be_sent_is_not_shown(make: Make, bad: str) -> None:
    with pytest.raises(Refused, match="cannot be sent") as caught:
        await make(private={"Authorization": bad}).request("GET", "/")
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_repeats_the_credential(server: Server, make: Make) -> None:
    server.answers = [http(400, b'{"message": "bad token sesame-open-now!"}')]
    with pytest.raises(Refused, match=r"bad token \*\*\*!"):
        await make().request("GET", "/")


@pytest.mark.parametrize("url", ["http://[", "http://x:99999/", "gopher://x/", "http:///x"])
async def test_an_impossible_url(make: Make, url: str) -> None:
    with pytest.raises(ServiceError):
        await make(base=url, tries=1).request("GET", "/x")


async def test_own_words(server: Server, make: Make) -> None:
    def explain(answer: Answer) -> ServiceError | None:
        return Unavailable("svc", f"come back ({answer.status})") if answer.status == 404 else None

    server.answers = [http(404)]
    with pytest.raises(Unavailable, match=r"come back \(404\)"):
        await make(tries=1).request("GET", "/", explain=explain)
    server.answers = [http(403)]
    with pytest.raises(Refused, match="403"):
        await make(explain=explain).request("GET", "/")


async def test_writes_keep_their_distance(server: Server, make: Make) -> None:
    clock = Clock()
    client = make(write_gap=30.0, sleep=clock.sleep)
    await asyncio.gather(*(client.request("POST", "/") for _ in range(3)))
    assert clock.slept[0] == 0
    assert all(29 < pause <= 30 for pause in clock.slept[1:])


async def test_a_stream(server: Server, make: Make) -> None:
    body = b"0123456789" * 100_000
    server.answers = [http(503), http(body=body)]
    async with make().stream("/log") as stream:
        blocks = [block async for block in stream.blocks()]
    assert b"".join(blocks) == body
    assert max(map(len, blocks)) <= 256 << 10


async def test_a_stream_that_breaks(server: Server, make: Make) -> None:
    server.answers = [http(body=b"x" * 1000, length=2000)]
    came = bytearray()

    async def read() -> None:
        async with make().stream("/log") as stream:
            async for block in stream.blocks():
                came.extend(block)

    with pytest.raises(Unavailable, match="connection broke"):
        await read()
    assert bytes(came) in (b"", b"x" * 1000)
    assert len(server.requests) == 1


async def test_a_stream_that_stalls(make: Make) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(body=b"x", length=10))
        await writer.drain()
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(stall, "127.0.0.1", 0)
    client = make(base=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    with pytest.raises(Unavailable, match="nothing came for 0 s"):
        async with client.stream("/log") as stream:
            assert [block async for block in stream.blocks()] == []
    await client.close()
    listening.close()


async def test_a_stream_that_is_refused(server: Server, make: Make) -> None:
    server.answers = [http(404, b'{"message": "gone"}')]
    with pytest.raises(Refused, match="gone"):
        async with make().stream("/log"):
            pytest.fail("opened")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 50}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry-after": "Thu, 99 Foo 99999 00:00:00 GMT"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1100"}, 101),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "10"}, 1),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1100"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "x"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999999"}, 86400),
        ({"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1100"}, 7),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, None, now=1000) == seconds


def test_origins() -> None:
    assert origin("HTTPS://GitHub.com/x") == origin("https://github.com:443/y")
    assert origin("http://github.com") != origin("https://github.com")
    assert origin("https://github.com") != origin("https://github.com:444")
    assert origin("http://[") != origin("http://[[")
    assert origin("https://a@github.com") == origin("https://github.com")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "https://10.0.0.7/", f"http://{'x' * 70}.example/"])
async def test_private_places_may_be_a_cis_own(url: str) -> None:
    await refuse_metadata("svc", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://169.254.0.1/",
        "http://0xa9fea9fe/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fe80::1%251]/",
        "http://168.63.129.16/",
        "gopher://x/",
        "/x",
        "http://[",
    ],
)
async def test_metadata_addresses_are_nobodys(url: str) -> None:
    with pytest.raises(Refused, match="redirected to"):
        await refuse_metadata("svc", url)


async def test_secrets_in_what_a_service_says_are_taken_out(server: Server, make: Make) -> None:
    server.answers = [http(400, b'{"message": "cannot clone https://bob:hunter2@git.example/x"}')]
    with pytest.raises(Refused, match="cannot clone") as caught:
        await make().request("GET", "/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://[fd00:42::42]/", "http://[2002:a9fe:a9fe::1]/", "http://[::ffff:0:a9fe:a9fe]/"]
)
async def test_the_table_is_that_of_the_probes(url: str) -> None:
    with pytest.raises(Refused, match="redirected to"):
        await refuse_metadata("svc", url)


async def test_of_a_foreign_url_only_the_host_is_told(server: Server, make: Make) -> None:
    """Its path may be a signed secret, as that of a log store's link."""
    server.answers = [http(404)]
    with pytest.raises(Refused, match="GET on localhost answered 404") as caught:
        await make().request("GET", server.url.replace("127.0.0.1", "localhost") + "/signed/hunter2?sig=hunter2")
    assert "hunter2" not in str(caught.value)
