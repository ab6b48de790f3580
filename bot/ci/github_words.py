"""What GitHub's refusals mean, in words that say what to do next."""

from __future__ import annotations

from bot.model.errors import Refused, ServiceError, Unavailable
from bot.outbound import Answer, rate_limited, retry_after

_SECONDARY_WAIT = 60.0  # "wait for at least one minute" where no header tells (GitHub's best practices)

_HINTS = (
    ("already running", "wait until it has finished"),
    ("over a month ago", "a run can be re-run for 30 days: start it afresh"),
    ("cannot be retried", "start it afresh"),
    ("workflow file may be broken", "start it afresh"),
)


def explain(service: str, answer: Answer, what: str, need: str) -> ServiceError | None:
    """The error for an answer of 400 and above about `what`, for which the token needs the permission `need`."""
    said = f" ({answer.message})" if answer.message else ""
    if rate_limited(answer) or (answer.status == 403 and "rate limit" in answer.message.lower()):
        wait = retry_after(answer.headers, _SECONDARY_WAIT)
        return Unavailable(service, f"{what}: GitHub's rate limit is spent{said}", wait)
    match answer.status:
        case 401:
            return Refused(service, f"{what}: the token is refused{said}: put a valid one into the configuration", 401)
        case 403:
            return Refused(service, f"{what}: {_forbidden(answer, need)}", 403)
        case 404:
            return Refused(service, f"{what}: not found, or the token may not see it (needs `{need}`)", 404)
        case 409 | 422:
            return Refused(service, f"{what}: GitHub refuses{said}", answer.status)
        case 410:
            return Refused(service, f"{what}: it has expired and was deleted{said}", 410)
        case 451:
            return Refused(service, f"{what}: not available for legal reasons{said}", 451)
    return None


def _forbidden(answer: Answer, need: str) -> str:
    said = answer.message
    for words, hint in _HINTS:
        if words in said.lower():
            return f"GitHub refuses ({said}): {hint}"
    if "required" in answer.headers.get("x-github-sso", ""):
        return "the organisation wants single sign-on: authorise the token for it in GitHub's settings"
    # fine-grained tokens and apps are told which permission they lack, e.g. "actions=write"
    told = answer.headers.get("x-accepted-github-permissions", "").replace("=", ": ")[:100]
    return f"the token may not do this{f' ({said})' if said else ''}: it needs the permission `{told or need}`"
