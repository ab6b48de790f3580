"""Places at which the process can be killed on purpose, so that the crash suite can die exactly there.

`BUILDMEDIC_CRASH_AT=act.after-request` kills this process (SIGKILL: nothing is tidied up) the first time it gets there;
`act.after-request#3` the third time. Without the variable every point costs one comparison.
"""

import os
import signal
from typing import Final

POINTS: Final = (
    "inbox.kept",  # a webhook, event or click stands in the store, and is not acknowledged yet
    "inbox.worked",  # its work is done, and it is not settled yet
    "case.opened",  # the case stands in the store, and its workflow is not started yet
    "triage.looked",
    "reply.before-post",  # we are about to post, which is written down
    "reply.after-post",  # Slack has the message, and we do not know its place yet
    "triage.examined",
    "triage.closed",  # final, and not shown yet
    "request.recorded",  # the action stands in the store, and nothing was started or shown
    "vote.recorded",
    "act.before-intent",  # approved, and the intent to send is not written yet
    "act.after-intent",  # the intent is written, and nothing has left
    "act.after-request",  # the other side has it, and we have not written that down
    "act.recorded",
    "act.watched",  # the outcome is known, and not written down
    "act.settled",  # written down, and not shown
    "release.looked",
)

_at, _, _times = os.environ.get("BUILDMEDIC_CRASH_AT", "").partition("#")
_left = int(_times) if _times.isdigit() else 1


def point(name: str) -> None:
    """Die here, if this is the place."""
    global _left  # noqa: PLW0603 one process, one death
    if name != _at:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
