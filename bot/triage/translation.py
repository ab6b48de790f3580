"""Translations of playbooks: `playbook.zh.yaml` beside a playbook.yaml maps its English texts to another language.

The English text is the key, so that a translation can never stand for another sentence: whoever edits the English
gets English again, and lint names what is left over. Code is not translated. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.model.errors import PlaybookError
from bot.triage import playbook_yaml, template

Table = Mapping[str, str]


def read(text: str, file: str) -> tuple[dict[str, str], list[PlaybookError]]:
    """The table, and what is wrong with the file. What is wrong is left out."""
    data, syntax = playbook_yaml.load(text)
    if syntax:
        return {}, [PlaybookError(file, *syntax)]
    if not isinstance(data, dict):
        return {}, [PlaybookError(file, 1, "translations are a mapping: English text to translated text")]
    table: dict[str, str] = {}
    faults = []
    for english, said in data.items():
        if not isinstance(english, str) or not isinstance(said, str) or not said.strip():
            where = playbook_yaml.line_of(text, (str(english),))
            faults.append(PlaybookError(file, where, f"`{str(english)[:60]}`: its translation must be a text"))
        else:
            table[english] = said
    return table, faults


def spoken(playbook: Any) -> Iterator[str]:
    """The texts of a playbook that are translated: all that people read, but the code. Shared steps are translated
    where they stand."""
    yield playbook.title
    for default in playbook.facts.values():
        if " " in default or default.isalpha():
            yield default
    for rule in playbook.verdict:
        yield rule.because
    yield playbook.remedy.summary
    for step in playbook.remedy.steps:
        if step.use is None:
            yield step.say
    for proposal in playbook.propose:
        if proposal.note:
            yield proposal.note


def untranslated(playbook: Any, table: Table) -> list[str]:
    """What would be said in English."""
    return [text for text in dict.fromkeys(spoken(playbook)) if text not in table]


def check(texts: list[str], table: Table) -> Iterator[tuple[str, str]]:
    """Entries that are stale or ask for other facts than the English: (the entry's key, reason)."""
    from difflib import get_close_matches

    known = set(texts)
    for english, said in table.items():
        if english not in known:
            near = get_close_matches(english, known - table.keys(), n=1, cutoff=0.6)
            hint = f"; it may now read: {near[0]}" if near else ""
            yield english, f"stale: the playbook does not say “{english[:80]}” (any more){hint}"
            continue
        asked, given = set(template.holes(english)), set(template.holes(said))
        if asked != given:
            odd = ", ".join(f"{{{name}}}" for name in sorted(asked ^ given))
            yield english, f"“{english[:60]}” and its translation do not ask for the same facts: {odd}"
