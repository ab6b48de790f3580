"""What Argo CD's refusals mean, in words that say what to do next."""

from __future__ import annotations

from bot.model.errors import Refused, ServiceError
from bot.outbound import Answer

AUTO_SYNC = "auto-sync is enabled"

# Argo CD tells these as FailedPrecondition or InvalidArgument (HTTP 400, 412 in old gateways), or wrapped, as an
# unknown error (HTTP 500): whatever the status, nothing was done. Sources: server/application/application.go,
# util/argo/argo.go.
_CERTAIN = (
    (AUTO_SYNC, "auto-sync is on, and Argo CD rolls nothing back while it is"),
    ("another operation is already in progress", "another operation is under way: wait for it, or stop it in Argo CD"),
    ("does not have deployment with id", "that entry is not in the history any more"),
    ("application is deleting", "the application is being deleted"),
    ("cannot rollback to revision deployed with", "that entry is too old for it: sync to the revision in Argo CD"),
)


def certain_no(answer: Answer) -> str | None:
    said = answer.message.lower()
    return next((words for sign, words in _CERTAIN if sign in said), None)


def explain(service: str, answer: Answer, what: str, need: str) -> ServiceError | None:
    """The error for an answer of 400 and above about `what`, for which the account needs the action `need`."""
    said = f" ({answer.message})" if answer.message else ""
    if (words := certain_no(answer)) is not None:
        return Refused(service, f"{what}: {words}{said}", answer.status)
    match answer.status:
        case 401:
            return Refused(service, f"{what}: the token is refused{said}: put a valid one into the configuration", 401)
        case 403:
            return Refused(
                service,
                f"{what}: not allowed, or there is no such application (without `project` Argo CD says the same to "
                f"both): the account needs `applications, {need}`",
                403,
            )
        case 404:
            return Refused(service, f"{what}: not found: are `app`, `project` and `app_namespace` right?", 404)
        case 405 | 501:
            return Refused(service, f"{what}: whatever answers for Argo CD takes no such request{said}", answer.status)
        case 400 | 409 | 412 | 422:
            return Refused(service, f"{what}: Argo CD refuses{said}", answer.status)
    return None
