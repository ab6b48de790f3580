"""The configuration, to the letter of its documentation."""

import ipaddress
import re
from pathlib import Path

import pytest

from bot.model.duration import seconds
from bot.model.errors import ConfigError
from bot.serve.settings import Settings
from bot.triage.approve import Policy

ROOT = Path(__file__).parents[2]
SLACK = "slack: {bot_token: ${SLACK_BOT_TOKEN}, signing_secret: ${SLACK_SIGNING_SECRET}, watch: [C0BUILDS]}\n"
DEPLOY = (
    "deploys: [{name: checkout, kind: argocd, url: https://argocd.internal, token: ${ARGOCD_TOKEN}, app: checkout,"
    " environment: production, repositories: [acme/checkout]}]\n"
)
ALERT = "alerts: [{name: alertmanager, kind: alertmanager, bearer: ${ALERT_TOKEN}}]\n"
GITHUB = (
    "ci:\n  - {name: github, kind: github, api_url: https://api.github.com, web_url: https://github.com,"
    " token: ${GITHUB_TOKEN}, webhook_secret: ${GITHUB_WEBHOOK_SECRET}, channel: C0BUILDS}\n"
)
RUNNER = (
    "vantages:\n  runner: {kind: ssh, host: 10.0.0.7, port: 22, user: ci, key_file: k, known_hosts: kh,"
    " serves: [{ci: github, labels: [self-hosted]}]}\n"
)
PRODUCTION = (
    "environments:\n  production: {approvals: 2, approvers: [U0ADA, S0SRE], self_approval: false, expires: 30m}\n"
    "  staging: {approvals: 0}\n"
)


def load(folder: Path, text: str, env: dict[str, str] | None = None) -> Settings:
    file = folder / "buildmedic.yaml"
    file.write_text(text)
    return Settings.load(file, env or {})


def refused(folder: Path, text: str, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, env)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_documented_example(tmp_path: Path) -> None:
    (tmp_path / "our-playbooks").mkdir()
    text = SLACK + GITHUB + RUNNER + "probe_allow: [10.0.0.0/8]\n" + DEPLOY + ALERT + PRODUCTION
    text += "rerun: {approvals: 0, approvers: []}\nplaybooks: [./our-playbooks]\n"
    text += 'storage: {url: "sqlite:///buildmedic.db"}\nhttp: {host: 127.0.0.1, port: 8080}\n'
    env = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "GITHUB_TOKEN", "GITHUB_WEBHOOK_SECRET"), "x")
    settings = load(tmp_path, text, env)
    assert settings.slack.watch == ("C0BUILDS",)
    assert list(settings.ci) == ["github"]
    assert settings.vantage_names == ("local", "runner")
    assert list(settings.vantages) == ["runner"]
    assert settings.probe_allow == (ipaddress.ip_network("10.0.0.0/8"),)
    assert settings.environments["production"] == Policy(approvals=2, approvers=("U0ADA", "S0SRE"), expires=1800)
    assert settings.rerun == Policy()
    assert settings.playbooks == (tmp_path / "our-playbooks",)
    assert settings.database == tmp_path / "buildmedic.db"
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert settings.other_names == {"checkout", "alertmanager"}
    assert len(settings.not_used) == 1
    assert "'alertmanager'" in settings.not_used[0]
    assert "not used in this release" in settings.not_used[0]
    assert settings.deploy_names == ("checkout",)
    with pytest.raises(ConfigError, match="ARGOCD_TOKEN"):
        _ = settings.deploys
    (checkout,) = load(tmp_path, text, {**env, "ARGOCD_TOKEN": "x"}).deploys.values()
    told = ("argocd", "https://argocd.internal", "checkout", "production", ("acme/checkout",))
    shown = checkout.model_dump()
    assert tuple(shown[key] for key in ("kind", "url", "app", "environment", "repositories")) == told
    assert (shown["project"], shown["app_namespace"], shown["webhook_secret"], shown["channel"]) == (None,) * 4
    assert (shown["prune"], shown["settle"]) == (False, 60)


def test_the_example_that_we_ship() -> None:
    env = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "GITHUB_TOKEN", "GITHUB_WEBHOOK_SECRET"), "x")
    settings = Settings.load(ROOT / "deploy" / "buildmedic.example.yaml", env)
    assert not settings.slack.socket_mode
    assert list(settings.ci) == ["github"]
    assert settings.not_used == ()


def test_what_the_shipped_example_has_in_comments_is_right_too(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "buildmedic.example.yaml").read_text()
    lines = []
    for written in text.splitlines():
        line = written
        body = line.lstrip()
        known = ("app_token", "team_id", "vantages", "deploys", "  ", "environments", "playbooks")
        if body.startswith("# ") and body[2:].startswith(known):
            line = line[: len(line) - len(body)] + body[2:]
        lines.append(re.sub(r"^    # (app_namespace|web_url|channel|webhook_secret|prune|settle):", r"    \1:", line))
    (tmp_path / "our-playbooks").mkdir()
    env = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "GITHUB_TOKEN"), "x")
    settings = load(tmp_path, "\n".join(lines), {**env, "GITHUB_WEBHOOK_SECRET": "x"})
    assert settings.slack.socket_mode
    assert settings.vantage_names == ("local", "runner")
    assert settings.environments["production"].approvals == 2
    secrets = {"ARGOCD_TOKEN": "x", "ARGOCD_WEBHOOK_SECRET": "x"}
    (shop,) = load(tmp_path, "\n".join(lines), secrets).deploys.values()
    assert set(shop.model_fields_set) == set(type(shop).model_fields)


def test_vantages_alone_are_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, RUNNER)
    assert settings.vantage("runner") is not None
    assert settings.vantage("nope") is None
    assert settings.playbooks == ()
    with pytest.raises(ConfigError, match="no `slack:` section"):
        _ = settings.slack


def test_a_missing_variable_matters_only_to_who_needs_it(tmp_path: Path) -> None:
    text = SLACK + GITHUB + RUNNER + PRODUCTION + DEPLOY
    text += "  # a second vantage, whose key is a secret\n"
    settings = load(tmp_path, text, {"SLACK_BOT_TOKEN": "x"})
    assert settings.vantage("runner") is not None
    with pytest.raises(ConfigError, match=r"slack\.signing_secret: .* SLACK_SIGNING_SECRET is not set"):
        _ = settings.slack
    with pytest.raises(ConfigError, match=r"ci\[0\]\.token: .* GITHUB_TOKEN is not set"):
        _ = settings.ci
    with pytest.raises(ConfigError, match="GITHUB_TOKEN"):
        settings.ci_entry("github")


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    env = {"SLACK_BOT_TOKEN": "hunter2", "SLACK_SIGNING_SECRET": "hunter2"}
    settings = load(tmp_path, SLACK, env)
    assert "hunter2" not in repr(settings.slack)
    assert settings.slack.bot_token.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slak: {}", "buildmedic.yaml:1: slak: unknown key 'slak': the nearest known key is 'slack'"),
        ("# x\nvantage: {}", "buildmedic.yaml:2: vantage: unknown key 'vantage': the nearest known key is 'vantages'"),
        ("slack:\n  bot_tokn: a", "buildmedic.yaml:2: slack.bot_tokn: unknown key 'bot_tokn'"),
        ("slack: {bot_token: a}", "signing_secret (HTTP) is needed"),
        ("ci: {}", "ci: must be a list"),
        ("ci: [1]", "ci[0]: must be a mapping"),
        ("ci: [{kind: github}]", "the key 'name' is missing"),
        ("ci: [{name: a}]", "the key 'kind' is missing"),
        ("ci: [{name: a, kind: githib}]", "'githib' is not a kind known to this release (known: github)"),
        ("ci: [{name: 'a/b', kind: github}]", "a name is made of letters"),
        ("vantages: [x]", "must be a mapping of names"),
        ("vantages: {a: {kind: telnet}}", "'telnet' is not a kind known"),
        ("vantages: {local: {kind: ssh, host: h, user: u, key_file: k, known_hosts: n}}", "is the bot's own host"),
        ("probe_allow: [10.0.0.1/8]", "probe_allow[0]: must be an address range"),
        ("probe_allow: 10.0.0.0/8", "probe_allow: must be a list"),
        ("environments: {p: {approvals: two}}", "environments.p.approvals: must be a whole number"),
        ("environments: {p: {approvals: 1}}", "nobody may give one"),
        ("environments: {p: {approvals: 2, approvers: [U0A]}}", "can never come from 1"),
        ("environments: {p: {approvals: 2, approvers: [U0A, U0A]}}", "can never come from 1"),
        ("environments: {p: {approvers: [ada]}}", "'ada' is no Slack id"),
        ("environments: {p: {expires: 30}}", "must be a duration such as"),
        ("environments: {p: {aprovals: 2}}", "the nearest known key is 'approvals'"),
        ("http: {port: 70000}", "http.port: must be less than or equal to 65535"),
        ("http: {prot: 1}", "the nearest known key is 'port'"),
        (DEPLOY, "'production' is not among the environments (none)"),
        (PRODUCTION + DEPLOY.replace("argocd,", "spinnaker,"), "'spinnaker' is not a kind known"),
        (PRODUCTION + DEPLOY.replace("app:", "ap:"), "the nearest known key is 'app'"),
        (PRODUCTION + DEPLOY + ALERT.replace("name: alertmanager", "name: checkout"), "'checkout' is taken already"),
        ("", "empty"),
        ("just text", "must be a mapping of sections"),
    ],
)  # fmt: skip
def test_one_line_names_file_line_key_and_what_to_write(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_names_are_unique_across_sections(tmp_path: Path) -> None:
    text = GITHUB + ALERT.replace("name: alertmanager", "name: github")
    assert "alerts[0].name: the name 'github' is taken already (in ci)" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://db/x", "PostgreSQL is not in this release"),
        ("mysql://db/x", "must be sqlite:///FILE"),
        ("sqlite:///:memory:", "must be sqlite:///FILE"),
        ("sqlite://x.db", "must be sqlite:///FILE"),
    ],
)
def test_other_storages_stop_only_what_stores(tmp_path: Path, url: str, says: str) -> None:
    settings = load(tmp_path, f"storage: {{url: '{url}'}}")
    with pytest.raises(ConfigError) as caught:
        _ = settings.database
    assert says in str(caught.value)


def test_an_absolute_database(tmp_path: Path) -> None:
    assert load(tmp_path, "storage: {url: sqlite:////var/lib/x.db}").database == Path("/var/lib/x.db")


def test_playbook_folders_must_be_there(tmp_path: Path) -> None:
    settings = load(tmp_path, "playbooks:\n  - nope")
    with pytest.raises(ConfigError, match=r":2: playbooks\[0\]: .*nope is not a directory"):
        _ = settings.playbooks


def test_empty_sections_are_as_if_left_out(tmp_path: Path) -> None:
    settings = load(tmp_path, "slack:\nci:\nvantages:\nhttp:\ndeploys:\n")
    assert not settings.has_slack
    assert settings.ci == {}
    assert settings.http.port == 8080
    assert settings.not_used == ()


@pytest.mark.parametrize(("text", "value"), [("45s", 45), ("30m", 1800), ("12h", 43200), ("2d", 172800)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "30", "0m", "1.5h", "-1m", "30 m", "1w", 30, None, "999999999d"])
def test_durations_that_are_none(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)
