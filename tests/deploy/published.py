"""Argo CD's published swagger description: what may be asked, and what is answered."""

import functools
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.deploy.bench import Exchange

FILE = Path(__file__).parents[2] / "../shared/specs/argocd-swagger.json"
Json = dict[str, Any]


class Published:
    def __init__(self) -> None:
        if not FILE.is_file():
            pytest.skip("the published descriptions are not beside the checkout")
        self._all: Json = json.loads(FILE.read_text())

    @functools.cached_property
    def definitions(self) -> Json:
        """Closed: what is not described is an error, since Argo CD drops it without a word."""
        return {name: _closed(schema) for name, schema in self._all["definitions"].items()}

    def operation(self, method: str, path: str) -> tuple[Json, dict[str, str]]:
        """The description of this request and its path's parameters. Fails where Argo CD has no such thing."""
        for template, item in self._all["paths"].items():
            # gRPC's gateway lets the last parameter of a path have slashes where its description says `=**`
            last = r"(?P<\1>.+)" if "can-i" in template else r"(?P<\1>[^/]+)"
            pattern = re.sub(r"\\{(\w+)\\}$", last, re.escape(template))
            found = (
                re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern), path) if "." not in template else None
            )
            if found is not None and method.lower() in item:
                return item[method.lower()], found.groupdict()
        raise AssertionError(f"Argo CD publishes no {method} {path}")

    def check(self, one: Exchange) -> None:
        operation, _ = self.operation(one.method, one.path)
        given = operation.get("parameters", [])
        self._check_query(one, {p["name"]: p for p in given if p["in"] == "query"})
        body = next((p["schema"] for p in given if p["in"] == "body"), None)
        assert (body is None) == (one.asked is None), f"{one.method} {one.path}: a body, or none"
        if body is not None:
            self._validate(one.asked, body)
        responses = operation["responses"]
        self._validate(one.told, (responses.get(str(one.status)) or responses["default"])["schema"])

    def _check_query(self, one: Exchange, known: dict[str, Json]) -> None:
        seen: set[str] = set()
        for name, value in one.query:
            assert name in known, f"{one.method} {one.path} takes no {name}"
            schema = known[name]
            if schema["type"] == "array":
                assert schema["collectionFormat"] == "multi"
                schema = schema["items"]
            else:
                assert name not in seen, f"{name} is no list"
            seen.add(name)
            if schema["type"] == "integer" or schema.get("format") == "int64":
                int(value)
            if schema["type"] == "boolean":
                assert value in ("true", "false")

    def _validate(self, value: Any, schema: Json) -> None:
        jsonschema.Draft4Validator({"allOf": [schema], "definitions": self.definitions}).validate(value)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {key: _closed(value) for key, value in schema.items() if key != "example"}
    if new.get("type") == "object" and isinstance(new.get("properties"), dict):
        new.setdefault("additionalProperties", False)
    return new
