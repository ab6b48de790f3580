"""Programs on this machine: found on the PATH, run without a shell, with a time limit, and only so much of what they
print is read. Nothing of ours stays behind: their home is below /dev/null, where not even root can make a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from typing import Dict, List, NamedTuple, Optional

MAX_SAID = 65536


class Said(NamedTuple):
    code: Optional[int]  # None: it could not be started, or was killed when its time was up
    text: str  # at most 64 KB of stdout


def find(name: str) -> Optional[str]:
    """The full path of a program, None where there is none."""
    path = shutil.which(name)
    return os.path.abspath(path) if path else None


def is_script(path: str) -> bool:
    """Whether an interpreter would run it: a shell, perhaps."""
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True  # what cannot be read is not run


def bare_environment(*kept: str) -> Dict[str, str]:
    """What a program needs to run, and these variables of ours."""
    names = {"PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", *kept}
    env = {name: os.environ[name] for name in names if name in os.environ}
    env.update(HOME="/dev/null", XDG_CONFIG_HOME="/dev/null", XDG_CACHE_HOME="/dev/null")
    return env


def say(command: List[str], env: Dict[str, str], seconds: float) -> Said:
    """Run it from the root directory, where no project's file changes what it does. Never raises."""
    try:
        process = subprocess.Popen(
            command, cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError):
        return Said(None, "")
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    with process:
        timer = threading.Timer(max(0.05, seconds), stop)
        timer.start()
        try:
            assert process.stdout
            said = process.stdout.read(MAX_SAID)
            if len(said) == MAX_SAID:
                process.kill()
            code = process.wait()
        finally:
            timer.cancel()
    return Said(None if late.is_set() else code, said.decode("utf-8", "replace"))
