"""Playbooks in other languages: complete where there is a translation, English string by string where there is none."""

import json
from pathlib import Path

import pytest

from bot.model.diagnosis import LogSummary, ProbeResult
from bot.model.language import speaking
from bot.serve.cli import run
from bot.serve.library import builtin_folder, load, shared_for
from bot.serve.library_extras import beside
from bot.triage import translation
from bot.triage.diagnose import Library, conclude, hypotheses, plan
from bot.triage.playbook import Playbook
from bot.triage.scanner import scan_bytes

LOG = builtin_folder() / "go-dns-timeout" / "hit-go-resolver-silent.log"
TEXT = """\
id: full
title: "No space on {device}"
cause: disk-full
match: {any: ['no space on (?P<device>\\S+)']}
prior: 0.8
verdict: [{when: 'log.device == "sda"', confidence: 0.9, because: "it is the first disk"}]
remedy: {summary: Clean up, steps: [{say: Look, code: df -h}, {use: docker-ignore}]}
propose: [{action: rerun, note: "after that"}]
"""


def built_in() -> list[Playbook]:
    return list(load().library.playbooks)


def test_every_built_in_playbook_is_told_in_chinese_as_a_whole() -> None:
    for playbook in built_in():
        assert beside(builtin_folder() / playbook.id / "playbook.yaml"), f"{playbook.id} has no playbook.zh.yaml"
        assert translation.untranslated(playbook, playbook.translations["zh"]) == [], playbook.id


def test_shared_steps_are_all_translated() -> None:
    shared = shared_for([])
    assert {step["say"] for step in shared.steps.values()} == set(shared.translations["zh"])


def test_translations_are_chinese_and_code_is_left_alone() -> None:
    for playbook in built_in():
        for english, text in playbook.translations.get("zh", {}).items():
            assert any("\u4e00" <= c <= "\u9fff" for c in text) or english in {"Debian, Ubuntu"}, (
                f"{playbook.id}: {text}"
            )


def own(tmp_path: Path, chinese: str | None) -> Library:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "playbook.yaml").write_text(TEXT)
    if chinese is not None:
        (folder / "playbook.zh.yaml").write_text(chinese)
    loaded = load([tmp_path], builtin=False)
    assert loaded.problems == ()
    return loaded.library


def test_what_is_not_translated_stays_english_string_by_string(tmp_path: Path) -> None:
    library = own(
        tmp_path,
        '"No space on {device}": "{device} 没有空间"\nit is the first disk: 这是第一块盘\nafter that: 之后再说\n',
    )
    scan = scan_bytes(library.ruleset, b"no space on sda\n")
    (found,) = conclude(library, scan, hypotheses(library, scan), (), language="zh")
    assert found.title == "sda 没有空间"
    assert "这是第一块盘" in found.because
    assert found.because[0].startswith("日志第 1 行：")
    assert found.remedy.summary == "Clean up"
    assert found.remedy.steps[0].say == "Look"
    assert found.remedy.steps[1].say.startswith("找出哪些文件大")
    assert found.remedy.steps[0].code == "df -h"
    assert found.proposals[0].note == "之后再说"
    (english,) = conclude(library, scan, hypotheses(library, scan), ())
    assert english.title == "No space on sda"


def test_the_cached_set_speaks_as_the_fresh_one_does(tmp_path: Path) -> None:
    first = own(tmp_path, "Clean up: 清理\n")
    again = load([tmp_path], builtin=False).library
    for library in (first, again):
        playbook = library.by_id("full")
        assert playbook is not None
        with speaking("zh"):
            assert playbook.words("Clean up") == "清理"


@pytest.mark.parametrize("text", ["- a\n", "a: [1]\n", "a: ''\n", "a: {b: c}\n", "x: [", "\x00"])
def test_a_broken_translation_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "playbook.yaml").write_text(TEXT)
    (folder / "playbook.zh.yaml").write_text(text)
    loaded = load([tmp_path], builtin=False)
    assert "playbook.zh.yaml:" in str(loaded.problems[0])
    (kept,) = loaded.library.playbooks
    assert kept.words("Clean up") == "Clean up", "the playbook itself is sound: it is told in English"


def test_an_unknown_log_is_told_in_chinese() -> None:
    library = load().library
    scan = scan_bytes(library.ruleset, b"all is well\n")
    (found,) = conclude(library, scan, hypotheses(library, scan), (), language="zh")
    assert found.title == "日志已读完，没有匹配的 playbook"
    missing = scan.model_copy(update={"log": LogSummary(state="missing")})
    (found,) = conclude(library, missing, (), (), language="zh")
    assert found.title == "（暂时）没有日志"


def test_the_command_answers_in_the_language_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["triage", str(LOG), "--lang", "zh"]) == 0
    told = capsys.readouterr().out
    assert "处理步骤" in told
    assert "没有响应对 proxy.golang.org 的查询" in told.replace("\n", "")
    assert run(["triage", str(LOG), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnoses"][0]["title"].startswith("The resolver")
    assert run(["triage", str(LOG), "--json", "--lang", "zh"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnoses"][0]["title"].startswith("DNS 服务器")
    assert run(["triage", str(LOG), "--lang", "fr"]) == 2
    assert "there is no language `fr`: en or zh" in capsys.readouterr().err


def test_without_lang_people_get_the_configured_language_and_machines_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "buildmedic.yaml"
    config.write_text("slack: {bot_token: '${NOT_SET}', signing_secret: '${NOT_SET}', language: zh}\n")
    assert run(["triage", str(LOG), "--config", str(config)]) == 0
    assert "处理步骤" in capsys.readouterr().out
    assert run(["triage", str(LOG), "--config", str(config), "--lang", "en"]) == 0
    assert "What to do" in capsys.readouterr().out
    assert run(["triage", str(LOG), "--config", str(config), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnoses"][0]["title"].startswith("The resolver")


def test_what_was_tried_is_told_in_chinese() -> None:
    library = load().library
    scan = scan_bytes(library.ruleset, LOG.read_bytes())
    hyps = hypotheses(library, scan)
    results = [
        ProbeResult(id=r.id, verb=r.verb, vantage="runner", outcome="timeout", ms=4003.2)
        for r in plan(library, hyps)
        if r.at == "build"
    ]
    found = conclude(library, scan, hyps, results, language="zh")[0]
    tried = [b for b in found.because if b.startswith("已从 runner 探测：")]
    assert tried
    assert all(b.endswith("：超时无响应，用时 4003 ms") for b in tried)
    assert any("查询 proxy.golang.org（DNS）" in b for b in tried)
    assert any("没有从别处探测：DNS 查询 proxy.golang.org" in b for b in found.because)
