"""Every sample that we have, and what differs between apps: words, fields, icons, colours, edits, broadcasts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.slack.notices import NoticeSeen, read_notice

SAMPLES = Path(__file__).parent / "samples"
RUN = "https://github.com/acme/shop/actions/runs/17283940511"
EXPECTED = {
    "argocd_app_sync_failed": ("failed", "https://argocd.acme.dev/applications/shop"),
    "azure_pipelines_build_failed_INFERRED": (
        "failed",
        "https://dev.azure.com/acme/shop/_build/results?buildId=90211&view=results",
    ),
    "buildkite_build_failed_INFERRED": ("failed", "https://buildkite.com/acme/shop/builds/482"),
    "circleci_orb_basic_fail_1": ("failed", "https://circleci.com/gh/acme/shop/4711"),
    "github_app_deployment_failed": ("failed", RUN + "/job/49020000001"),
    "github_app_workflow_01_started": ("running", RUN),
    "github_app_workflow_02_failed_message_changed": ("failed", RUN),
    "gitlab_for_slack_app_pipeline_failed": ("failed", "https://gitlab.com/acme/shop/-/pipelines/2210045/failures"),
    "jenkins_ci_app_freestyle_failure": (
        "failed",
        "https://jenkins.acme.dev/job/folder/job/shop/482/display/redirect",
    ),
    "ravsamhq_notify_slack_action_failed": ("failed", RUN),
    "slackapi_slack_github_action_failure": (
        "failed",
        "https://github.com/acme/shop/commit/b79ec27c0ffee000000000000000000000000000",
    ),
    "travis_ci_failed": ("failed", "https://app.travis-ci.com/github/acme/shop/builds/270045"),
}


def event(text: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "message", "channel": "C1", "ts": "1.000001", "bot_id": "B1", "text": text, **more}


def seen(text: str = "", **more: Any) -> NoticeSeen:
    notice = read_notice(event(text, **more))
    assert notice is not None
    return notice


def test_all_samples_are_expected() -> None:
    assert {p.stem for p in SAMPLES.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_samples(name: str) -> None:
    notice = read_notice(json.loads((SAMPLES / f"{name}.json").read_text())["event"])
    assert notice is not None
    verdict, url = EXPECTED[name]
    assert notice.verdict == verdict, notice.why
    assert url in notice.urls
    assert notice.message.channel == "C0CIALERTS"
    assert not any("avatars.slack-edge" in u or "favicon" in u for u in notice.urls)


def test_an_edit_speaks_of_the_message_that_was_edited() -> None:
    sample = json.loads((SAMPLES / "github_app_workflow_02_failed_message_changed.json").read_text())["event"]
    notice = read_notice(sample)
    assert notice is not None
    assert notice.message.ts == "1795400010.000010"


def test_runs_come_before_commits() -> None:
    sample = json.loads((SAMPLES / "github_app_deployment_failed.json").read_text())["event"]
    notice = read_notice(sample)
    assert notice is not None
    assert notice.urls[0] == RUN + "/job/49020000001"


def test_a_broadcast_belongs_to_the_thread_of_its_notice() -> None:
    for subtype in ("thread_broadcast", "bot_message", None):
        notice = seen(f"CI failed <{RUN}|x>", subtype=subtype, thread_ts="0.900000")
        assert (notice.message.ts, notice.verdict) == ("0.900000", "failed")


@pytest.mark.parametrize(
    "ignored",
    [
        event("x failed " + RUN, subtype="message_deleted"),
        event("joined", subtype="channel_join"),
        event("x failed " + RUN, bot_id="B0OWN"),
        event("x failed " + RUN, user="U0OWN"),
        {"type": "message", "channel": "C1", "ts": "1.1", "user": "U1", "text": f"it failed again {RUN}"},
        {"type": "message", "subtype": "message_changed", "channel": "C1", "message": "?"},
        {"type": "message", "subtype": "message_changed", "channel": "C1",
         "message": {"bot_id": "B0OWN", "ts": "1.1", "text": f"failed {RUN}"}},
        {"type": "message", "bot_id": "B1"},
        {},
    ],
)  # fmt: skip
def test_what_is_no_notice(ignored: dict[str, Any]) -> None:
    assert read_notice(ignored, {"B0OWN", "U0OWN"}) is None


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Build #482 of fix-failed-tests by Alice passed in 3 min", "passed"),
        ("Pipeline #1 of branch main by X has passed with warnings in 01:00", "passed"),
        ("Pipeline #1 of branch main by X canceled in 00:10", "cancelled"),
        ("shop - #5 Back to normal after 3 min", "passed"),
        ("shop - #5 Still Failing after 3 min", "failed"),
        ("shop - #5 Unstable after 3 min", "failed"),
        ("shop - #5 Started by changes from alice", "running"),
        ("The build was broken by alice", "failed"),
        ("The build was fixed by alice", "passed"),
        ("Build 20261123.4 failed", "failed"),
        ("Workflow run CI timed out", "failed"),
        ("Status: success", "passed"),
        ("*Result:* :x: Failed", "failed"),
        ("Job deploy errored in 3s", "failed"),
        ("Build succeeded: no failed tests", "passed"),
        ("Tests: 5 passed, 2 failed. Build failed", "failed"),
        ("构建失败 shop #12", "failed"),
        ("流水线 shop 执行成功", "passed"),
        ("流水线 shop 已取消", "cancelled"),
        ("构建成功，失败: 0", "passed"),
        ("开始构建 shop #12", "running"),
        ("shop :white_check_mark:", "passed"),
        ("shop :x:", "failed"),
        ("CI is in progress", "running"),
        ("nothing to see", "unclear"),
    ],
)
def test_words(text: str, verdict: str) -> None:
    notice = seen(f"{text} <{RUN}|#482>")
    assert notice.verdict == verdict, notice.why


def test_words_win_over_colours_and_colours_decide_alone() -> None:
    red = {"color": "a30200", "title": "Pipeline #7 has been canceled", "title_link": RUN}
    assert seen(attachments=[red]).verdict == "cancelled"
    assert seen(attachments=[{"color": "danger", "fallback": "acme/shop", "title_link": RUN}]).verdict == "failed"
    assert seen(attachments=[{"color": "dbab09", "title": "CI", "title_link": RUN}]).verdict == "unclear"


def test_urls_are_found_wherever_they_stand() -> None:
    inline = [{"type": "text", "text": "build failed "}, {"type": "link", "url": "https://ci.example/rich?a=1&b=2"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": inline}]}
    button = {"type": "actions", "elements": [
        {"type": "button", "text": {"type": "plain_text", "text": "Re-run failed jobs"}, "url": "https://ci.example/b"}
    ]}  # fmt: skip
    accessory = {"type": "section", "text": {"type": "mrkdwn", "text": "see <https://ci.example/t?x=1&amp;y=2|here>"},
                 "accessory": {"type": "button", "url": "https://ci.example/acc"}}  # fmt: skip
    old = {"footer": "<https://ci.example/footer|View>",
           "actions": [{"type": "button", "url": "https://ci.example/act"}],
           "fields": [{"title": "Log", "value": "https://ci.example/field."}],
           "title_link": "https://ci.example/title"}  # fmt: skip
    notice = seen("", blocks=[rich, button, accessory], attachments=[old])
    assert set(notice.urls) == {
        "https://ci.example/rich?a=1&b=2", "https://ci.example/b", "https://ci.example/t?x=1&y=2",
        "https://ci.example/acc",
        "https://ci.example/footer", "https://ci.example/act", "https://ci.example/field", "https://ci.example/title",
    }  # fmt: skip
    assert notice.verdict == "failed"


def test_without_a_link_it_says_why() -> None:
    notice = seen("Build failed")
    assert (notice.verdict, notice.why) == ("unclear", "there is no link in it")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["text", "title", "value", "blocks", "url", "type", "elements", "color"]), inner
        )
    ),
    max_leaves=30,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["text", "channel", "ts", "thread_ts", "bot_id", "subtype", "user", "message", "attachments",
                         "blocks", "bot_profile", "username", "app_id"]), json_like
    )
)  # fmt: skip
def test_any_shape_is_survived(shape: dict[str, Any]) -> None:
    read_notice({"channel": "C1", "ts": "1.1", **shape}, {"B1"})


def test_a_deep_or_huge_message_is_bounded() -> None:
    deep: Any = {"text": "failed"}
    for _ in range(300):
        deep = {"elements": [deep]}
    notice = seen("x " * 100_000 + RUN, blocks=[deep], attachments=[{"title_link": f"{RUN}/{i}"} for i in range(500)])
    assert len(notice.urls) <= 60
