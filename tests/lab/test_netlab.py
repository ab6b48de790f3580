"""The laboratory itself: the world can be reached, each fault shows, SSH works beside it, nothing is left behind."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faults import FAULTS, LOOP
from netlab import PREFIX, Lab, clear_stale

pytestmark = pytest.mark.lab


def test_a_healthy_world_serves_go_git_and_downloads(lab: Lab) -> None:
    code, out = lab.run_in_runner(["go", "mod", "download"], lab.go_env(), cwd=lab.go_project())
    assert (code, out) == (0, b"")
    assert any("goproxy GET /github.com/acme/greet/@v/v1.4.0.zip" in line for line in lab.seen())
    code, out = lab.run_in_runner(["git", "clone", "-q", "https://git.lab.example/acme/shop.git", "a/shop"])
    assert (code, out) == (0, b"")


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_shows_its_symptom(lab: Lab, name: str) -> None:
    fault = FAULTS[name]
    fault.apply(lab)
    _, out = lab.run_in_runner(fault.symptom, fault.env, timeout=20)
    assert re.search(fault.shows, out.decode()), out.decode()


@pytest.mark.parametrize("name", LOOP)
def test_ssh_reaches_the_runner_while_the_fault_is_on(lab: Lab, name: str) -> None:
    FAULTS[name].apply(lab)
    look = "import socket; print(open('/etc/resolv.conf').read()); socket.create_server(('10.77.0.2', 0))"
    done = subprocess.run(
        lab.ssh.command(f'python3 -c "{look}"'), capture_output=True, text=True, timeout=10, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "nameserver 10.77.0.1"), done.stderr


def test_the_control_sees_a_healthy_world_while_the_runner_does_not(lab: Lab) -> None:
    lab.silence_dns()
    lab.block()
    command = lab.control_ssh.command("curl -sS -m 5 https://files.lab.example/")
    assert subprocess.run(command, capture_output=True, timeout=10, check=False).stdout == b"lab files\n"


def test_a_pinned_host_key_is_refused_when_it_is_another(lab: Lab) -> None:
    wrong = lab.control_ssh.known_hosts.read_text().replace(lab.control_ssh.host, lab.ssh.host)
    file = lab.folder / "wrong_hosts"
    file.write_text(wrong)
    command = [a.replace(str(lab.ssh.known_hosts), str(file)) for a in lab.ssh.command("true")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_only_the_first_requests_fail_when_asked_so(lab: Lab) -> None:
    lab.serve("files", status=503, first=1)
    loop = "for i in 1 2; do curl -s -o /dev/null -w '%{http_code} ' https://files.lab.example/; done"
    assert lab.run_in_runner(["sh", "-c", loop])[1] == b"503 200 "


def test_a_command_that_runs_too_long_is_ended_with_its_children(lab: Lab) -> None:
    code, out = lab.run_in_runner(["sh", "-c", "echo before; sleep 600 & sleep 600"], timeout=0.5)
    assert (code, out) == (124, b"before\n")


def test_an_unknown_service_is_named(lab: Lab) -> None:
    with pytest.raises(RuntimeError, match=r"no service 'nope'.*goproxy"):
        lab.serve("nope", status=500)


def test_nothing_is_left_after_a_lab() -> None:
    with Lab() as second:
        folder, runner = second.folder, second.runner
        assert folder.exists()
        assert Path("/run/netns", runner).exists()
    assert not folder.exists()
    assert not list(Path("/run/netns").glob(f"{runner[:-1]}*"))
    assert not list(Path("/etc/netns").glob(f"{runner[:-1]}*"))


def test_a_killed_owner_leaves_nothing_for_long() -> None:
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import netlab\n"
        "with netlab.Lab() as lab:\n print(lab.runner, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    runner = owner.stdout.readline().strip()
    assert runner.startswith(f"{PREFIX}{owner.pid}-")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert Path("/run/netns", runner).exists()
    assert any(name.startswith(f"{PREFIX}{owner.pid}-") for name in clear_stale())
    assert not list(Path("/run/netns").glob(f"{PREFIX}{owner.pid}-*"))
