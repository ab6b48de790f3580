"""What people are told to paste: it parses, and nothing hostile from a log ever gets into it."""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.serve.library import load, shared_for
from bot.triage import template
from bot.triage.fit import NAMES
from bot.triage.playbook import Playbook

SPEC = Path(__file__).parents[2] / "../shared/specs/kubernetes-swagger.json"
GOOD = {
    "host": "proxy.golang.org", "port": "8443", "ip": "192.0.2.7", "resolver": "10.0.0.2:53", "url": "https://a.example/x",
    "proxy": "https://goproxy.corp.example:8081/go", "module": "git.corp.example/team/lib", "version": "1.24.3",
    "have": "1.21.0", "image": "reg.io:5000/a/b:1.2", "package": "left-pad", "file": "cmd/main.go", "tool": "gcc",
    "status": "403", "seconds": "30", "registry": "reg.io:5000", "size": "2.5GB", "test": "TestX", "code": "EX",
    "error": "EOF", "time": "2026-01-01T00:00:00Z",
}  # fmt: skip
HOSTILE = (
    "$(rm -rf ~)", "`id`", "a;id", "a && id", "a|id", "a'b", 'a"b', "a\nRUN id", "a b", "-rf", "--upload-file=/etc/passwd",
    "a: [b", "{x: y}", "*", "~root", "#x", "a\\", "!x", "&x", "<x", ">x", "%x\r\n", "\u202egro.evil", "a\x00b", "@/etc/passwd",
    "../../etc/passwd", "/etc/passwd", "x" * 500, "null: 1", "${IFS}", "a\tb", "]]>", "\ud800", "１２７.0.0.1",
)  # fmt: skip


@cache
def playbooks() -> tuple[Playbook, ...]:
    return load().library.playbooks


def codes() -> list[tuple[str, str, str | None]]:
    """Every code of every playbook, shared steps among them: its name, the template, the file it goes into."""
    found = []
    for playbook in playbooks():
        for i, step in enumerate(playbook.remedy.steps):
            if step.code:
                found.append((f"{playbook.id} step {i + 1}", step.code, step.file))
    for name, step in shared_for([]).steps.items():
        if step.get("code"):
            found.append((name, step["code"], step.get("file")))
    return found


@pytest.mark.parametrize("value", HOSTILE)
def test_nothing_hostile_gets_into_code(value: str) -> None:
    """With hostile facts each code is what it is without any: the words in capitals stand there."""
    for name, code, file in codes():
        for text in (code, file or ""):
            names = {h for h in template.holes(text) if "." not in h}
            bare = re.sub(r"(?<![$%{])(\{[a-z_.]+)\|[^{}|\n]*\}", r"\1}", text)
            filled, _ = template.code(text, dict.fromkeys({*names, *GOOD}, value), {"asked": {"host": value}})
            assert filled == template.code(bare, {})[0], f"{name}: {value!r}"


def test_what_is_missing_stands_in_capitals_and_is_named() -> None:
    for name, code, _ in codes():
        filled, missing = template.code(code, {})
        for word in missing:
            assert re.fullmatch(r"[A-Z][A-Z0-9-]*", word), name
            assert word in filled, name


@pytest.mark.parametrize("facts", [GOOD, {}], ids=["filled", "empty"])
def test_every_code_parses(facts: dict[str, str], tmp_path: Path) -> None:
    shell = []
    for name, code, file in codes():
        text, _ = template.code(code, facts)
        if file is None:
            shell.append((name, text))
        elif file.endswith((".yml", ".yaml")):
            assert list(yaml.safe_load_all(text)), name
        elif file.endswith(".json"):
            json.loads(text)
        elif file == "Dockerfile":
            _check_dockerfile(name, text)
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is needed to check shell code")
    for number, (_, text) in enumerate(shell):
        (tmp_path / f"{number}.sh").write_text(text)
    for number, (name, _) in enumerate(shell):
        done = subprocess.run([bash, "-n", f"{number}.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


_INSTRUCTIONS = {"FROM", "RUN", "COPY", "ENV", "ARG", "USER", "WORKDIR", "ENTRYPOINT", "CMD", "ADD", "LABEL", "EXPOSE"}


def _check_dockerfile(name: str, text: str) -> None:
    joined = re.sub(r"\\\n", " ", text)
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#"):
            assert line.split()[0] in _INSTRUCTIONS, f"{name}: {line}"
    stages = set(re.findall(r"^FROM .* AS (\S+)$", joined, re.MULTILINE))
    assert set(re.findall(r"--from=(\S+)", joined)) <= stages | {"build"}, name


def test_the_policy_lets_out_exactly_what_failed() -> None:
    text, missing = template.code(shared_for([]).steps["network-policy"]["code"], GOOD)
    policy = yaml.safe_load(text)
    rule = policy["spec"]["egress"][0]
    assert missing == ()
    assert rule["to"] == [{"ipBlock": {"cidr": "192.0.2.7/32"}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8443}]


def test_istio_and_cilium_name_the_host_and_the_port() -> None:
    steps = shared_for([]).steps
    entry = yaml.safe_load(template.code(steps["istio-service-entry"]["code"], GOOD)[0])
    assert entry["spec"]["hosts"] == ["proxy.golang.org"]
    assert entry["spec"]["ports"][0]["number"] == 8443
    gateway, service = yaml.safe_load_all(template.code(steps["istio-egress-gateway"]["code"], GOOD)[0])
    assert gateway["spec"]["servers"][0]["hosts"] == service["spec"]["hosts"] == ["proxy.golang.org"]
    assert [m["match"][0]["port"] for m in service["spec"]["tls"]] == [8443, 8443]
    cilium = yaml.safe_load(template.code(steps["cilium-policy"]["code"], GOOD)[0])
    assert cilium["spec"]["egress"][1]["toFQDNs"] == [{"matchName": "proxy.golang.org"}]


@pytest.mark.shared
@pytest.mark.skipif(not SPEC.is_file(), reason="Kubernetes' API description is not beside the checkout")
@pytest.mark.parametrize("facts", [GOOD, {"ip": "2001:db8::1", "host": "2001:db8::1"}])
def test_kubernetes_takes_the_policy(facts: dict[str, str]) -> None:
    spec = json.loads(SPEC.read_text())
    text, _ = template.code(shared_for([]).steps["network-policy"]["code"], facts)
    schema = _strict(
        {"definitions": spec["definitions"], "$ref": "#/definitions/io.k8s.api.networking.v1.NetworkPolicy"}
    )
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(text))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({"spec": {"podSelektor": {}}})


def _strict(node: Any) -> Any:
    """Unknown keys are faults, as they are for kubectl; a number may stand where Kubernetes takes both."""
    if isinstance(node, list):
        return [_strict(n) for n in node]
    if not isinstance(node, dict):
        return node
    made = {k: _strict(v) for k, v in node.items()}
    if made.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    if isinstance(made.get("properties"), dict) and "$ref" not in made:
        made.setdefault("additionalProperties", False)
    return made


def _run(script: str, folder: Path) -> str:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is needed")
    done = subprocess.run([bash, "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("FROM golang:1.21", "FROM golang:1.24"),
        ("FROM golang:1.21.3-alpine AS build", "FROM golang:1.24-alpine AS build"),
        ("FROM --platform=$BUILDPLATFORM golang:1.20 AS build", "FROM --platform=$BUILDPLATFORM golang:1.24 AS build"),
        ("FROM alpine:3.20", "FROM alpine:3.20"),
    ],
)
def test_pinning_the_image_to_go_mod(line: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.24.2\n")
    (tmp_path / "Dockerfile").write_text(f"{line}\nCOPY . .\n")
    code, _ = template.code(shared_for([]).steps["go-pin-image"]["code"], GOOD)
    _run(code, tmp_path)
    assert (tmp_path / "Dockerfile").read_text() == f"{after}\nCOPY . .\n"


def test_the_retry_gives_up_after_five_tries_and_stops_at_a_success(tmp_path: Path) -> None:
    function = shared_for([]).steps["retry"]["code"].splitlines()[0]
    told = _run(f"sleep() {{ echo pause; }}; try() {{ echo try; false; }}\n{function}\nretry try; echo $?", tmp_path)
    assert told.split() == ["try", "pause"] * 4 + ["try", "1"]
    told = _run(
        f"sleep() {{ :; }}; try() {{ echo try; [ -f x ] || {{ touch x; false; }}; }}\n{function}\nretry try; echo $?",
        tmp_path,
    )
    assert told.split() == ["try", "try", "0"]


def test_shared_steps_are_used_and_ask_for_standard_facts_only() -> None:
    used = {step.use for playbook in playbooks() for step in playbook.remedy.steps if step.use}
    shared = shared_for([])
    assert shared.problems == ()
    assert set(shared.steps) == used
    for name, step in shared.steps.items():
        for text in step.values():
            assert set(template.holes(text)) <= NAMES, name
