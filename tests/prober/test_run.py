"""One request in, one answer out, whatever the request."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.diagnosis import ProbeOutcome
from bot.prober import mask, run, verb
from bot.probes import pack
from tests.prober.servers import listening, silent

FOLDER = Path(run.__file__).parent
VERSIONS = Path.home() / ".pyenv/versions"


def serve(**request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run.serve(json.dumps({"schema": verb.SCHEMA, **request}).encode()))
    return answer


def test_the_outcomes_are_those_of_the_model() -> None:
    assert frozenset(get_args(ProbeOutcome)) == verb.OUTCOMES


def test_every_file_is_a_verb_or_a_part() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert set(run.verb_names()) == names - run._PARTS
    assert names >= run._PARTS
    for name in run.verb_names():
        found = run.verb(name)
        assert found
        assert found.says
        assert 0 < found.seconds <= verb.MAX_SECONDS


def test_results_stand_in_the_order_of_the_probes() -> None:
    probes = [{"id": str(i), "verb": "env" if i % 2 else "nope", "args": {}} for i in range(10)]
    results = serve(deadline=10, probes=probes)["results"]
    assert [r["id"] for r in results] == [p["id"] for p in probes]
    assert {r["outcome"] for r in results} == {"ok", "unsupported"}
    assert results[0]["ran"] is False
    assert f"known: {', '.join(run.verb_names())}" in results[0]["facts"]["error"]


def test_probes_run_side_by_side_under_one_deadline() -> None:
    with listening(silent) as server:
        probe = {"verb": "tls", "args": {"host": "127.0.0.1", "port": server.port, "timeout": 20}}
        probes = [{"id": str(i), **probe} for i in range(20)]
        results = serve(deadline=1.0, policy={"allow": ["127.0.0.1"]}, probes=probes)["results"]
    assert {r["outcome"] for r in results} == {"timeout"}
    assert max(r["ms"] for r in results) < 5000


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"nonsense", b"\xff\xfe", b"[" * 100_000, b'{"schema": "buildmedic.probe/2"}',
        b'{"schema": "buildmedic.probe/1"}', b" " * 300_000,
        b'{"schema": "buildmedic.probe/1", "deadline": -1, "probes": []}',
        b'{"schema": "buildmedic.probe/1", "deadline": true, "probes": []}',
        b'{"schema": "buildmedic.probe/1", "deadline": NaN, "probes": []}',
        b'{"schema": "buildmedic.probe/1", "deadline": 1, "probes": [1]}',
        b'{"schema": "buildmedic.probe/1", "deadline": 1, "probes": {}}',
        b'{"schema": "buildmedic.probe/1", "deadline": 1, "probes": [], "policy": {"scope": "open"}}',
    ],
)  # fmt: skip
def test_requests_that_are_none(raw: bytes) -> None:
    answer = json.loads(run.serve(raw))
    assert answer["schema"] == verb.SCHEMA
    assert answer["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["dns", "tcp", "tls", "http"]), JSON, st.sampled_from(["host", "url", "port", "timeout", "server"])
)
@settings(max_examples=150, deadline=None)
def test_arguments_of_any_shape(name: str, value: Any, key: str) -> None:
    """Nothing but a bad argument, or a denial: the policy is closed and no public name is asked for."""
    if isinstance(value, str) and value.isascii():
        value += " "  # not by chance a name to look up
        value = value.replace(" ", "\x01")
    probe = {"id": "x", "verb": name, "args": {"host": "127.0.0.1", key: value} if name != "http" else {key: value}}
    (result,) = serve(deadline=3, probes=[probe])["results"]
    assert result["outcome"] in {
        "error",
        "denied",
        "ok",
        "nodata",
        "nxdomain",
        "timeout",
        "servfail",
        "refused",
        "unsupported",
    }
    if result["outcome"] == "error":
        assert "the probe itself failed" not in result["facts"]["error"], result


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({}, "'host' is missing"), ({"host": "a", "prt": 1}, "unknown argument 'prt' (known: host, port, timeout, tries)"),
        ({"host": "a b"}, "host='a b' must be a host name"), ({"host": "a", "port": 0}, "from 1 to 65535"),
        ({"host": "a", "port": "80x"}, "from 1 to 65535"), ({"host": "a", "timeout": 31}, "0.1 to 30"),
        ({"host": "a/b"}, "host name"), ({"host": "a\nb"}, "host name"), ({"host": "a" * 300}, "host name"),
        ({"host": "a@b"}, "host name"), ({"host": ""}, "host name"), ({"host": ["a"]}, "must be text"), ([], "mapping"),
    ],
)  # fmt: skip
def test_bad_arguments_in_words(args: Any, word: str) -> None:
    (result,) = serve(deadline=3, probes=[{"id": "x", "verb": "tcp", "args": args}])["results"]
    assert (result["outcome"], result["ran"]) == ("error", False)
    assert word in result["facts"]["error"]


def test_secrets_are_masked_everywhere() -> None:
    secrets = [
        "https://user:hunter2@proxy.example:3128", "user:hunter2@proxy.example:3128", "ghp_0123456789abcdefghijABCDEF",
        "https://x/?X-Amz-Signature=hunter2", "token=hunter2", "Authorization: Bearer hunter2hunter2",
        "glpat-hunter2hunter2hunter2",
        "https://a:hunter2@goproxy.example|https://b:hunter2@two.example,direct", "https://u:hunt@er2hunter2@h.example/",
    ]  # fmt: skip
    for text in secrets:
        assert "hunter2" not in mask.text(text), text
        assert "ghp_" not in mask.text(text)
    for plain in (
        "https://proxy.golang.org,direct",
        "sum.golang.org",
        "-mod=mod",
        "x509: certificate signed by unknown authority: CN=x",
    ):
        assert mask.text(plain) == plain


def test_facts_are_cut_to_size() -> None:
    deep: Any = []
    for _ in range(50):
        deep = [deep]
    facts = mask.facts(
        {
            "long": "x" * 9999,
            "many": list(range(999)),
            "deep": deep,
            "odd": object(),
            "nan": float("nan"),
            "big": 10**40,
        }
    )
    assert len(facts["long"]) == 300
    assert len(facts["many"]) == 32
    json.dumps(facts)
    results = mask.fit([{"id": str(i), "facts": {str(k): "y" * 300 for k in range(100)}} for i in range(20)])
    assert len(json.dumps(results)) < mask.MAX_ANSWER
    assert any("left out" in r["facts"].get("error", "") for r in results)


def test_it_is_written_for_python_3_8_and_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"buildmedic_prober"}
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert {n.split(".")[0] for n in names} <= allowed, path


def pythons() -> list[Path]:
    found = sorted(p for p in VERSIONS.glob("3.*/bin/python") if int(p.parts[-3].split(".")[1]) >= 8)
    return [Path(sys.executable), *found]


@pytest.mark.parametrize("python", pythons(), ids=lambda p: str(p.parts[-3]))
def test_every_python_that_is_here(python: Path, tmp_path: Path) -> None:
    """All verbs, sent as they are sent to a far machine; untrusted certificates as well."""
    from tests.prober.servers import a_record, answering, certificate, dns, hang_up, over_tls

    context, _ = certificate(tmp_path)
    with (
        dns(lambda q: q.answer(a_record("192.0.2.1")) if q.kind == 1 else q.answer()) as resolver,
        listening(over_tls(context, hang_up)) as tls,
        listening(answering(b"HTTP/1.1 204 No\r\n\r\n")) as http,
    ):
        probes = [
            {"id": "dns", "verb": "dns", "args": {"host": "a.example", "server": resolver.server}},
            {"id": "tcp", "verb": "tcp", "args": {"host": "127.0.0.1", "port": http.port}},
            {"id": "tls", "verb": "tls", "args": {"host": "localhost", "port": tls.port}},
            {"id": "http", "verb": "http", "args": {"url": f"http://127.0.0.1:{http.port}/", "via": "direct"}},
            {"id": "env", "verb": "env", "args": {}},
            {"id": "no", "verb": "tcp", "args": {"host": "169.254.169.254"}},
        ]
        request = {"schema": verb.SCHEMA, "deadline": 10, "policy": {"scope": "any"}, "probes": probes}
        sent = pack.stdin(json.dumps(request).encode())
        done = subprocess.run(
            [python, "-I", "-c", pack.BOOT], input=sent, capture_output=True, check=True, cwd=tmp_path
        )
    assert done.stderr == b""
    results = {r["id"]: r for r in json.loads(done.stdout)["results"]}
    assert {k: r["outcome"] for k, r in results.items()} == {
        "dns": "ok", "tcp": "ok", "tls": "tls-untrusted", "http": "ok", "env": "ok", "no": "denied"
    }  # fmt: skip
    assert "trustme" in results["tls"]["facts"]["issuer"]
    assert list(tmp_path.iterdir()) == []


CLOSED: dict[str, dict[str, Any]] = {
    "dns": {"host": "localhost"}, "tcp": {"host": "127.0.0.1", "port": 1}, "tls": {"host": "127.0.0.1", "port": 1},
    "http": {"url": "http://127.0.0.1:1/"}, "goproxy": {"goproxy": "http://127.0.0.1:1|off"}, "git": {"url": "ssh://127.0.0.1:1/x"},
    "gosumdb": {"goproxy": "http://127.0.0.1:1"}, "registry": {"image": "127.0.0.1:1/a/b"}, "maven": {"repository": "http://127.0.0.1:1"},
    "npm": {"registry": "http://127.0.0.1:1", "package": "x@1"}, "pypi": {"index": "http://127.0.0.1:1"}, "apt": {"uri": "http://127.0.0.1:1"},
    "throughput": {"url": "http://127.0.0.1:1/"}, "clock": {"url": "http://127.0.0.1:1/"}, "context": {"path": str(FOLDER.parents[1])},
    "capture": {"host": "127.0.0.1", "port": 1},
}  # fmt: skip


@pytest.mark.parametrize("python", pythons(), ids=lambda p: str(p.parts[-3]))
def test_every_verb_runs_on_every_python(python: Path, tmp_path: Path) -> None:
    probes = [{"id": v, "verb": v, "args": CLOSED.get(v, {})} for v in run.verb_names()]
    request = {"schema": verb.SCHEMA, "deadline": 20, "policy": {"scope": "any"}, "probes": probes}
    sent = pack.stdin(json.dumps(request).encode())
    plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        [python, "-I", "-c", pack.BOOT], input=sent, capture_output=True, check=True, cwd=tmp_path, env=plain
    )
    assert done.stderr == b""
    outcomes = {r["id"]: r["outcome"] for r in json.loads(done.stdout)["results"]}
    fine = {"dns", "env", "load", "disk", "toolchain", "context"}
    assert {v for v, outcome in outcomes.items() if outcome == "ok"} == fine
    assert {outcome for v, outcome in outcomes.items() if v not in fine} == {"refused", "denied"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["3.6", "3.7"])
def test_a_python_that_is_too_old_says_so(version: str) -> None:
    found = list(VERSIONS.glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    sent = pack.stdin(b"{}")
    done = subprocess.run([found[0], "-I", "-c", pack.BOOT], input=sent, capture_output=True, check=True)
    assert "3.8 or later is needed" in json.loads(done.stdout)["error"]


def test_it_runs_as_a_zipapp_too(tmp_path: Path) -> None:
    (tmp_path / "prober.pyz").write_bytes(pack.archive())
    request = {"schema": verb.SCHEMA, "deadline": 5, "probes": [{"id": "e", "verb": "env"}]}
    done = subprocess.run(
        [sys.executable, tmp_path / "prober.pyz"], input=json.dumps(request).encode(), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["results"][0]["outcome"] == "ok"


def test_every_fact_and_complaint_passes_the_mask() -> None:
    """At the two places where words leave: results, and the request that cannot be read."""
    secret = "token=hunter2hunter2"
    probes = [{"id": "a", "verb": "env", "args": {secret: 1}}]
    given = {"deadline": 2, "policy": {"scope": "public"}, "probes": probes}
    (result,) = serve(**given)["results"]
    assert "token=***" in result["facts"]["error"]
    assert "hunter2" not in str(result)
    told = serve(**{**given, "policy": {"scope": "public", "allow": [secret]}})["error"]
    assert "token=***" in told
    assert "hunter2" not in told
