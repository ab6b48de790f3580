"""What stands beside playbooks: `steps.yaml` with the steps that several of them share, and translations.

`steps.yaml` lies in the folder of playbooks; `playbook.zh.yaml` beside its playbook.yaml, `steps.zh.yaml` beside
steps.yaml. What is wrong in them is a fault with file and line; the rest of the set works on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.model.errors import PlaybookError
from bot.model.language import LANGUAGES
from bot.triage import playbook_yaml, translation

STEPS = "steps.yaml"
MAX_BYTES = 1 << 20
OTHERS = tuple(language for language in LANGUAGES if language != "en")


@dataclass(frozen=True)
class Shared:
    """The shared steps in force, their translations, and what is wrong with them."""

    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: tuple[PlaybookError, ...] = ()
    texts: tuple[str, ...] = ()  # all that was read: the cache's key


def read_text(path: Path) -> str:
    """Raises PlaybookError where the file cannot be read or is no UTF-8 text."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PlaybookError(str(path), 1, f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise PlaybookError(str(path), 1, f"larger than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlaybookError(str(path), line, "not UTF-8 text") from None


def beside(path: Path) -> dict[str, Path]:
    """Language -> the translation that lies beside this file."""
    found = {language: path.with_name(f"{path.stem}.{language}{path.suffix}") for language in OTHERS}
    return {language: file for language, file in found.items() if file.is_file()}


def read_shared(folders: Sequence[Path]) -> Shared:
    """The shared steps of these folders; a later folder may add, and may not redefine."""
    steps: dict[str, Mapping[str, Any]] = {}
    tables: dict[str, dict[str, str]] = {}
    problems: list[PlaybookError] = []
    texts: list[str] = []
    for folder in dict.fromkeys(f.resolve() for f in folders):
        file = folder / STEPS
        if not file.is_file():
            continue
        try:
            texts.append(read_text(file))
            _add(texts[-1], str(file), steps, problems)
            for language, other in beside(file).items():
                texts.append(read_text(other))
                table, faults = translation.read(texts[-1], str(other))
                tables.setdefault(language, {}).update(table)
                problems += faults
        except PlaybookError as error:
            problems.append(error)
    return Shared(steps, tables, tuple(problems), tuple(texts))


def _add(text: str, file: str, steps: dict[str, Mapping[str, Any]], problems: list[PlaybookError]) -> None:
    data, syntax = playbook_yaml.load(text)
    if syntax:
        problems.append(PlaybookError(file, *syntax))
        return
    if not isinstance(data, dict):
        problems.append(PlaybookError(file, 1, "shared steps are a mapping: name to {say, code?, file?}"))
        return
    for name, step in data.items():
        if reason := _wrong(name, step, steps):
            problems.append(PlaybookError(file, playbook_yaml.line_of(text, (str(name),)), reason))
        else:
            steps[name] = step


def _wrong(name: object, step: object, steps: Mapping[str, Any]) -> str | None:
    if name in steps:
        return f"there is a shared step `{name}` already: give this one another name"
    if not isinstance(step, dict) or not isinstance(step.get("say"), str) or not step["say"].strip():
        return f"the shared step `{name}` needs a text `say`"
    for key, value in step.items():
        if key not in {"say", "code", "file"}:
            return f"the shared step `{name}` has the key `{key}`: only say, code and file are known"
        if not isinstance(value, str):
            return f"`{name}.{key}` must be text"
    return None


def read_translations(path: Path, shared: Shared) -> tuple[dict[str, dict[str, str]], str, list[PlaybookError]]:
    """Language -> table for one playbook (the shared steps' table below its own), the text read, and the faults."""
    tables = {language: dict(table) for language, table in shared.translations.items()}
    texts = []
    problems: list[PlaybookError] = []
    for language, file in beside(path).items():
        try:
            texts.append(read_text(file))
        except PlaybookError as error:
            problems.append(error)
            continue
        table, faults = translation.read(texts[-1], str(file))
        tables[language] = tables.get(language, {}) | table
        problems += faults
    return tables, "\0".join(texts), problems
