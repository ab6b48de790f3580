"""The run or job that a GitHub URL points at. Pure; what is not surely a link into the configured server is None."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs

from bot.ci.github_wire import OWNER, REPOSITORY
from bot.links import below, split

UNKNOWN_RUN = "?"
"""`RunRef.run` where the URL names only a job; `build()` asks the API which run it belongs to."""

_REPO = rf"(?P<repo>{OWNER}/{REPOSITORY})"
_ID = r"[1-9][0-9]{0,18}"
_TAIL = r"(?:/[A-Za-z0-9._~-]+)*"
_FORMS = (
    rf"{_REPO}/actions/runs/(?P<run>{_ID})(?:/attempts/(?P<attempt>[1-9][0-9]{{0,5}}))?/job/(?P<job>{_ID}){_TAIL}",
    rf"{_REPO}/actions/runs/(?P<run>{_ID})/attempts/(?P<attempt>[1-9][0-9]{{0,5}}){_TAIL}",
    # "/jobs/N" of older pages: N is no id that the API knows (see `gh run view --job`), so only the run counts
    rf"{_REPO}/actions/runs/(?P<run>{_ID})(?!/attempts|/job/){_TAIL}",
    rf"{_REPO}/(?:runs|commit/[0-9a-fA-F]{{7,64}}/checks)/(?P<job>{_ID})",  # a check run; its id is its job's
)
_API_FORMS = (
    *_FORMS[1:3],
    rf"{_REPO}/actions/jobs/(?P<job>{_ID})(?:/logs)?",
    rf"{_REPO}/check-runs/(?P<job>{_ID})(?:/annotations)?",
)
_WEB = tuple(re.compile(form) for form in _FORMS)
_API = tuple(re.compile(form) for form in _API_FORMS)
_PULL = re.compile(rf"{_REPO}/pull/[0-9]+/checks")
_CHECK = re.compile(_ID)


class Link(NamedTuple):
    repository: str
    run: str
    attempt: int | None
    job: str | None


def read_link(text: str, web_url: str, api_url: str) -> Link | None:
    """What `text` points at, if it lies below `web_url` (as browsers show it) or `api_url`.

    Takes Slack's `<url|label>`, either of http and https, any case of the host, queries, fragments and closing
    slashes; refuses user info, other hosts and ports, percent-encoding and dot segments.
    """
    found = split(text)
    if found is None:
        return None
    place, path, query = found
    for base, forms in ((api_url.rstrip("/") + "/repos", _API), (web_url, _WEB)):
        inside = below(base, place, path)
        if inside is None:
            continue
        if (link := _match(inside, forms)) is not None:
            return link
        if forms is _WEB and (pull := _PULL.fullmatch(inside)) and (job := _check_run(query)):
            return Link(pull["repo"], UNKNOWN_RUN, None, job)
    return None


def _match(path: str, forms: tuple[re.Pattern[str], ...]) -> Link | None:
    if any(part in (".", "..") for part in path.split("/")):
        return None
    for form in forms:
        if (found := form.fullmatch(path)) is not None:
            told = found.groupdict()
            attempt = told.get("attempt")
            run = told.get("run") or UNKNOWN_RUN
            return Link(told["repo"], run, int(attempt) if attempt else None, told.get("job"))
    return None


def _check_run(query: str) -> str | None:
    try:
        told = parse_qs(query, max_num_fields=20).get("check_run_id", [""])[0]
    except ValueError:
        return None
    return told if _CHECK.fullmatch(told) else None
