"""GitHub's published descriptions (npm packages), fetched for the test and thrown away after it."""

import functools
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

Json = dict[str, Any]
_WANTED = {
    "@octokit/openapi": "package/generated/api.github.com.json",
    "@octokit/webhooks-schemas": "package/schema.json",
    "@octokit/webhooks-examples": "package/api.github.com/index.json",
}


def fetch(package: str, folder: Path) -> Any:
    """One file of one package. Skips where npm, or its registry, is not to be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    command = [npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch {package} within 300 s")
    if done.returncode:
        pytest.skip(f"npm cannot fetch {package}: {done.stderr.strip()[-300:]}")
    archive = folder / done.stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as tar:
        file = tar.extractfile(_WANTED[package])
        assert file is not None
        data = json.load(file)
    archive.unlink()
    return data


class Published:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @functools.cached_property
    def api(self) -> Json:
        raw = fetch("@octokit/openapi", self._folder)
        return {"paths": raw["paths"], "components": modern(raw["components"])}

    @functools.cached_property
    def hooks(self) -> Json:
        raw: Json = fetch("@octokit/webhooks-schemas", self._folder)["definitions"]
        for schema in raw.values():
            schema.pop("$schema", None)
        return raw

    @functools.cached_property
    def examples(self) -> dict[str, list[Json]]:
        return {e["name"]: e["examples"] for e in fetch("@octokit/webhooks-examples", self._folder)}

    def operation(self, method: str, path: str) -> Json:
        """The description of this request. Fails where GitHub has no such thing."""
        for template, item in self.api["paths"].items():
            if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path) and method.lower() in item:
                operation: Json = item[method.lower()]
                return operation
        raise AssertionError(f"GitHub publishes no {method} {path}")

    def check_request(self, method: str, path: str, query: Any) -> None:
        given = self.operation(method, path).get("parameters", [])
        known = {p["name"]: p for p in map(self._resolve, given) if p["in"] == "query"}
        for name, value in query.items():
            assert name in known, f"{method} {path} takes no {name}"
            schema = known[name]["schema"]
            self._validate(int(value) if schema["type"] == "integer" else value, schema)
            if name == "per_page":
                assert int(value) <= 100

    def check_answer(self, method: str, path: str, status: int, body: Any) -> None:
        responses = self.operation(method, path)["responses"]
        assert str(status) in responses, f"{method} {path} never answers {status}"
        described = self._resolve(responses[str(status)])
        content = described.get("content", {}).get("application/json")
        if content is not None:
            self._validate(body, modern(content["schema"]))

    def check_hook(self, event: str, payload: Json) -> None:
        schema = {"$ref": f"#/definitions/{event}${payload['action']}", "definitions": self.hooks}
        jsonschema.validate(payload, schema, jsonschema.Draft7Validator)

    def _resolve(self, thing: Json) -> Json:
        if "$ref" not in thing:
            return thing
        _, kind, name = thing["$ref"].removeprefix("#/").split("/")
        found: Json = self.api["components"][kind][name]
        return found

    def _validate(self, value: Any, schema: Json) -> None:
        whole = {"allOf": [schema], "components": self.api["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)


def modern(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable`, in JSON Schema's words."""
    if isinstance(schema, list):
        return [modern(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {key: value if key in ("example", "examples") else modern(value) for key, value in schema.items()}
    if new.get("nullable") is not True:
        return new
    del new["nullable"]
    if "enum" in new:
        new["enum"] = [*new["enum"], None]
    if isinstance(new.get("type"), str):
        new["type"] = [new["type"], "null"]
        return new
    return {"anyOf": [new, {"type": "null"}]}


def gather(factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = factory.mktemp("published")
    yield Published(folder)
    shutil.rmtree(folder, ignore_errors=True)
