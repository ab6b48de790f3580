"""From a place in a file to a settings object, strictly."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.model.errors import ConfigError
from bot.serve.checked import validate
from bot.serve.yamlfile import parse


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    ci: str
    labels: tuple[str, ...] = ()


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    host: str = "h"
    port: int = Field(default=22, ge=1)
    quick: bool = False
    key_file: Path | None = None
    files: tuple[Path, ...] = ()
    token: SecretStr | None = None
    serves: tuple[Inner, ...] = ()


def check(text: str, env: dict[str, str] | None = None, file: str = "f.yaml") -> Part:
    return validate(parse(text, file, env or {}), (), Part)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("host: 1", "f.yaml:1: host: must be text: put it in quotes"),
        ("host: x\nport: '22'", "f.yaml:2: port: must be a whole number"),
        ("port: 2.5", "port: must be a whole number"),
        ("port: 0", "port: must be greater than or equal to 1"),
        ("quick: on", "quick: must be true or false"),
        ("files: a", "files: must be a list"),
        (
            "serves: [{ci: g}, {ci: g, labls: [x]}]",
            "serves[1].labls: unknown key 'labls': the nearest known key is 'labels'",
        ),
        ("serves: [{}]", "f.yaml:1: serves[0]: the key 'ci' is missing"),
        ("serves: [x]", "serves[0]: must be a mapping"),
        ("prot: 1", "unknown key 'prot': the nearest known key is 'port'"),
        ("zzz: 1", "unknown key 'zzz': the nearest known key is"),
        ("serves: [{ic: g}]", "unknown key 'ic': the nearest known key is 'ci'"),
        ("- a", "must be a mapping"),
    ],
)
def test_faults(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_is_never_in_a_message() -> None:
    with pytest.raises(ConfigError) as caught:
        check("token: 123456789")
    assert "123456789" not in str(caught.value)
    assert "hunter2" not in repr(check("token: hunter2"))


def test_numbers_and_switches_may_come_from_variables() -> None:
    part = check("port: ${P}\nquick: ${Q}\nhost: ${H}", {"P": "2222", "Q": "true", "H": "8"})
    assert (part.port, part.quick, part.host) == (2222, True, "8")
    with pytest.raises(ConfigError, match="port: must be a whole number"):
        check("port: ${P}", {"P": "many"})


def test_a_missing_variable_hides_no_other_fault() -> None:
    assert isinstance(check("port: ${P}\ntoken: ${T}"), Part)
    with pytest.raises(ConfigError, match="quick"):
        check("port: ${P}\nquick: 3")


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    part = check("key_file: k\nfiles: [a, /b, ~/c]", file=str(tmp_path / "f.yaml"))
    assert part.key_file == tmp_path / "k"
    assert part.files == (tmp_path / "a", Path("/b"), Path("/home/ada/c"))
