"""YAML with places, variables, and traps."""

from pathlib import Path

import pytest

from bot.model.errors import ConfigError
from bot.serve.yamlfile import MAX_BYTES, parse, read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("a: [", "f.yaml:1: not valid YAML"),
        ("a: 1\n\tb: 2", "f.yaml:2: not valid YAML"),
        ("a: 1\na: 2", "f.yaml:2: a: stands twice (first in line 1)"),
        ("x:\n  a: 1\n  a: 1", "f.yaml:3: x.a: stands twice (first in line 2)"),
        ("a: &x 1\nb: *x", "f.yaml:2: the alias *x is not taken"),
        ("a: &x {b: 1}\nc: {<<: *x}", "f.yaml:2: the alias *x"),
        ("[" * 5000, "nested more than 40 deep"),
        ("? [a]\n: b", "a key must be a word"),
        ("--- 1\n--- 2", "f.yaml:2: not valid YAML"),
        ("a: \x07", "not valid YAML"),
        ("a: ${B C}", "f.yaml:1: a: ${ without its }"),
        ("a: ${B:-c}", "f.yaml:1: a: write ${NAME}"),
        ("a: !!python/object:os.system x", None),
    ],
)
def test_one_line_says_what_is_wrong(text: str, says: str | None) -> None:
    if says is None:  # a tag is not obeyed: the scalar is text
        assert parse(text, "f.yaml", {}).data == {"a": "x"}
        return
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml", {})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    with pytest.raises(ConfigError, match="alias"):
        parse(bomb, "f.yaml", {})


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "[on, yes, 12:30, 2026-01-01, 0123, 0x1F, 1_000, true, False, null, ~, 1, -2, 1.5, '1', \"true\", .inf]"
    assert parse(text, "f.yaml", {}).data == [
        "on", "yes", "12:30", "2026-01-01", "0123", "0x1F", "1_000", True, False, None, None, 1, -2, 1.5, "1", "true",
        ".inf",
    ]  # fmt: skip


def test_variables_stand_in_flow_mappings_and_inside_text() -> None:
    document = parse(
        "{token: ${TOKEN}, url: 'https://${HOST}/x', literal: $${TOKEN}, quoted: \"${TOKEN}\"}",
        "f.yaml",
        {"TOKEN": "a: {b", "HOST": "h"},
    )
    assert document.data == {"token": "a: {b", "url": "https://h/x", "literal": "${TOKEN}", "quoted": "a: {b"}
    assert document.from_env == {("token",), ("quoted",)}


def test_a_variable_in_a_comment_or_a_key_is_not_one() -> None:
    document = parse("# ${NOPE}\nkey${ALSO}: 1\n", "f.yaml", {})
    assert document.data == {"key${ALSO}": 1}
    assert document.missing == {}


@pytest.mark.parametrize("env", [{}, {"T": ""}])
def test_a_missing_or_empty_variable_is_remembered_with_its_place(env: dict[str, str]) -> None:
    document = parse("a: 1\nb:\n  - c: x${T}y\n", "f.yaml", env)
    error = document.missing_under(("b",))
    assert str(error) == "f.yaml:3: b[0].c: the environment variable T is not set (or empty)"
    assert document.missing_under(("a",)) is None


def test_a_variable_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="variable T is not UTF-8"):
        parse("a: ${T}", "f.yaml", {"T": "\udcff"})


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        read(tmp_path, {})
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read(tmp_path / "nope.yaml", {})
    file = tmp_path / "latin1.yaml"
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin1\.yaml:2: not UTF-8 \(byte 0xe9\)"):
        read(file, {})
    file.write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        read(file, {})


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = read(file, {})
    assert document.data == {"a": 1, "b": 2}
    assert document.line(("b",)) == 2
