"""The project as a whole: what stands where, what the wheel carries, what no file may say."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TOP = {"pyproject.toml", "README.md", "LICENSE", "bot", "playbooks", "tests", "deploy"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    """Files of the repository, with those that are new and not ignored."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        out = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not a git checkout: {error}")
    return [p for name in out.decode().split("\0") if name and (p := ROOT / name).is_file()]


def test_the_top_level_is_what_it_should_be() -> None:
    seen = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert seen >= TOP
    assert all(name in TOP or name.startswith(".") for name in seen), sorted(seen - TOP)


def test_no_file_names_a_registry_or_the_machine_it_was_made_on() -> None:
    # put together here, so that this file does not say them either
    hosts = ["py" + "pi.org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb.deb" + "ian.org",
             "security.deb" + "ian.org", "pypi.python" + ".org", "registry.yarn" + "pkg.com"]  # fmt: skip
    paths = ["wo" + "rk/main", "wo" + "rk/shared", "wo" + "rk/.library", "wo" + "rk/steering", "fa" + "rm/in",
             "tmp/bash" + "_jobs", "ro" + "ot/venv", "ro" + "ot/.pyenv", "ro" + "ot/BRIEF",
             "op" + "t/wheels"]  # fmt: skip
    host = re.compile(rf"(?<![\w.-])(?:www\.)?({'|'.join(map(re.escape, hosts))})(?![\w-])")
    place = re.compile(rf"(?<![\w.-])/({'|'.join(map(re.escape, paths))})")
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if host.search(line) or place.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:120]}")
    assert not found, "\n".join(found[:20])


def test_modules_and_functions_stay_short() -> None:
    long = []
    for path in (ROOT / "bot").rglob("*.py"):
        text = path.read_text()
        if text.count("\n") > 600:
            long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}: {length} lines")
    assert not long, "\n".join(long)


def test_every_requirement_is_locked_with_hashes_and_without_addresses() -> None:
    from packaging.requirements import Requirement

    for name, wanted in {
        "requirements.txt": PROJECT["project"]["dependencies"],
        "requirements-dev.txt": [
            *PROJECT["project"]["dependencies"],
            *PROJECT["project"]["optional-dependencies"]["dev"],
        ],
        "requirements-lab.txt": PROJECT["project"]["optional-dependencies"]["lab"],
    }.items():
        text = (ROOT / "deploy" / name).read_text()
        assert "://" not in text, name
        locked = {}
        for entry in re.split(r"\n(?=\S)", text.strip()):
            requirement, *hashes = entry.replace("\\\n", "").split("--hash=")
            parsed = Requirement(requirement.strip())
            assert hashes, entry
            assert all(h.strip().startswith("sha256:") for h in hashes)
            locked[parsed.name] = next(iter(parsed.specifier)).version
        for text_of in wanted:
            requirement = Requirement(text_of)
            assert requirement.name.lower() in locked, f"{name} lacks {text_of}: renew the lock (bot/DECISIONS.md)"
            assert requirement.specifier.contains(locked[requirement.name.lower()]), f"{name}: {text_of}"


def test_both_locks_agree() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / "deploy" / name).read_text(), re.MULTILINE))

    runtime, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: dev.get(name) for name in runtime} == runtime


def test_the_wheel_carries_the_playbooks_and_no_tests(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("buildmedic-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    expected = {
        f"bot/_playbooks/{p.relative_to(ROOT / 'playbooks')}" for p in (ROOT / "playbooks").glob("*/*") if p.is_file()
    }
    assert expected <= set(names)
    assert len([n for n in names if n.endswith("/playbook.yaml")]) >= 12
    assert {n.split("/")[0] for n in names} == {"bot", f"buildmedic-{PROJECT['project']['version']}.dist-info"}
    assert not [n for n in names if "__pycache__" in n]


def test_the_version_stands_once() -> None:
    from bot import __version__

    assert __version__ == PROJECT["project"]["version"]


def test_the_readme_lines_start_with_python_alone() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, ending in (("demo", "buildmedic demo"), ("tests", "pytest")):
        block = re.search(rf"<!-- {name} -->\n```\n(.+)\n```\n<!-- /{name} -->", readme)
        assert block, name
        assert block[1].startswith("python3 -m venv ")
        assert block[1].endswith(ending)
        for file in re.findall(r"-r (\S+)", block[1]):
            assert (ROOT / file).is_file()


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_slack_manifest_asks_for_what_the_code_needs() -> None:
    from bot.slack.chat import SCOPES

    manifest = yaml.safe_load((ROOT / "deploy" / "slack-manifest.yaml").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert set(SCOPES) <= scopes
    assert scopes - set(SCOPES) <= {
        "channels:read", "groups:read", "groups:history", "usergroups:read", "users:read.email",
    }  # fmt: skip
    assert [c["command"] for c in manifest["features"]["slash_commands"]] == ["/medic"]
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["message.channels", "message.groups"]


def test_the_image_is_debian_and_runs_as_nobody_special() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "alpine" not in text.split("FROM", 1)[1].lower()
    assert "USER 10001" in text
    assert "HEALTHCHECK" in text
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
