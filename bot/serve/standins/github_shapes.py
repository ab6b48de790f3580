"""GitHub's JSON as the stand-in speaks it: whole objects, as @octokit/openapi and @octokit/webhooks-schemas have them.

A test validates every one of them against those published descriptions.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def stamp(when: float | None) -> str | None:
    return None if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(text: str) -> int:
    """A steady id for a name."""
    return zlib.crc32(text.encode()) + 1


@dataclass(frozen=True)
class Site:
    """Where the stand-in lives."""

    api: str
    web: str

    def user(self, login: str, kind: str = "User") -> Json:
        own = f"{self.api}/users/{login}"
        return {
            "login": login, "id": number(login), "node_id": f"U_{number(login)}", "type": kind, "site_admin": False,
            "avatar_url": f"{self.web}/{login}.png", "gravatar_id": "", "url": own, "html_url": f"{self.web}/{login}",
            "followers_url": f"{own}/followers", "following_url": f"{own}/following{{/other_user}}",
            "gists_url": f"{own}/gists{{/gist_id}}", "starred_url": f"{own}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{own}/subscriptions", "organizations_url": f"{own}/orgs",
            "repos_url": f"{own}/repos", "events_url": f"{own}/events{{/privacy}}",
            "received_events_url": f"{own}/received_events",
        }  # fmt: skip

    def repository_lite(self, full_name: str) -> Json:
        owner, name = full_name.split("/")
        own = f"{self.api}/repos/{full_name}"
        urls = {
            "archive": "{archive_format}{/ref}", "assignees": "assignees{/user}", "blobs": "git/blobs{/sha}",
            "branches": "branches{/branch}", "collaborators": "collaborators{/collaborator}",
            "comments": "comments{/number}", "commits": "commits{/sha}", "compare": "compare/{base}...{head}",
            "contents": "contents/{+path}", "contributors": "contributors", "deployments": "deployments",
            "downloads": "downloads", "events": "events", "forks": "forks", "git_commits": "git/commits{/sha}",
            "git_refs": "git/refs{/sha}", "git_tags": "git/tags{/sha}", "hooks": "hooks",
            "issue_comment": "issues/comments{/number}", "issue_events": "issues/events{/number}",
            "issues": "issues{/number}", "keys": "keys{/key_id}", "labels": "labels{/name}", "languages": "languages",
            "merges": "merges", "milestones": "milestones{/number}",
            "notifications": "notifications{?since,all,participating}", "pulls": "pulls{/number}",
            "releases": "releases{/id}", "stargazers": "stargazers", "statuses": "statuses/{sha}",
            "subscribers": "subscribers", "subscription": "subscription", "tags": "tags", "teams": "teams",
            "trees": "git/trees{/sha}",
        }  # fmt: skip
        return {
            "id": number(full_name), "node_id": f"R_{number(full_name)}", "name": name, "full_name": full_name,
            "private": False, "owner": self.user(owner, "Organization"), "html_url": f"{self.web}/{full_name}",
            "description": None, "fork": False, "url": own,
            **{f"{key}_url": f"{own}/{tail}" for key, tail in urls.items()},
        }  # fmt: skip

    def repository(self, full_name: str, born: float) -> Json:
        web = f"{self.web}/{full_name}"
        zero = (
            "size",
            "stargazers_count",
            "watchers_count",
            "forks_count",
            "open_issues_count",
            "forks",
            "open_issues",
        )
        no = ("is_template", "web_commit_signoff_required", "archived", "disabled", "has_discussions", "has_pages")
        return {
            **self.repository_lite(full_name),
            "created_at": stamp(born), "updated_at": stamp(born), "pushed_at": stamp(born),
            "git_url": web.replace("http", "git", 1) + ".git", "ssh_url": f"git@github.example:{full_name}.git",
            "clone_url": f"{web}.git", "svn_url": web, "homepage": None, "language": "Go", "mirror_url": None,
            **dict.fromkeys(zero, 0), "watchers": 0, **dict.fromkeys(no, False),
            **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki", "allow_forking"), True),
            "license": None, "default_branch": "main", "topics": [], "visibility": "public", "custom_properties": {},
        }  # fmt: skip

    def workflow(self, full_name: str, name: str, born: float) -> Json:
        file = f"{name.lower().replace(' ', '-')}.yml"
        return {
            "id": number(f"{full_name}/{name}"), "node_id": f"W_{number(name)}", "name": name, "state": "active",
            "path": f".github/workflows/{file}", "created_at": stamp(born), "updated_at": stamp(born),
            "url": f"{self.api}/repos/{full_name}/actions/workflows/{number(f'{full_name}/{name}')}",
            "html_url": f"{self.web}/{full_name}/blob/main/.github/workflows/{file}",
            "badge_url": f"{self.web}/{full_name}/workflows/{name}/badge.svg",
        }  # fmt: skip

    def run(self, run: Any, attempt: Any) -> Json:
        """`run` and `attempt` are the stand-in's; the shape is `workflow-run` of both descriptions."""
        own = f"{self.api}/repos/{run.repository}/actions/runs/{run.id}"
        suite = run.id + 1
        flow = self.workflow(run.repository, run.workflow, run.created)
        person = {"name": run.author, "email": f"{number(run.author)}+{run.author}@users.noreply.github.com"}
        before = f"{own}/attempts/{attempt.number - 1}" if attempt.number > 1 else None
        return {
            "id": run.id, "name": run.workflow, "node_id": f"WFR_{run.id}", "head_branch": run.branch,
            "head_sha": run.sha, "path": flow["path"], "display_title": run.title, "run_number": run.number,
            "event": run.event, "status": attempt.status, "conclusion": attempt.conclusion,
            "workflow_id": flow["id"], "check_suite_id": suite, "check_suite_node_id": f"CS_{suite}", "url": own,
            "html_url": f"{self.web}/{run.repository}/actions/runs/{run.id}", "pull_requests": [],
            "created_at": stamp(run.created), "updated_at": stamp(attempt.updated),
            "actor": self.user(run.actor), "run_attempt": attempt.number, "referenced_workflows": [],
            "run_started_at": stamp(attempt.started), "triggering_actor": self.user(run.actor),
            "jobs_url": f"{own}/jobs", "logs_url": f"{own}/logs", "artifacts_url": f"{own}/artifacts",
            "check_suite_url": f"{self.api}/repos/{run.repository}/check-suites/{suite}",
            "cancel_url": f"{own}/cancel", "rerun_url": f"{own}/rerun", "previous_attempt_url": before,
            "workflow_url": flow["url"], "repository": self.repository_lite(run.repository),
            "head_repository": self.repository_lite(run.repository),
            "head_commit": {
                "id": run.sha, "tree_id": run.sha[::-1], "message": run.title, "timestamp": stamp(run.created),
                "author": person, "committer": person,
            },
        }  # fmt: skip

    def job(self, run: Any, job: Any) -> Json:
        own = f"{self.api}/repos/{run.repository}"
        taken = job.started is not None
        return {
            "id": job.id, "run_id": run.id, "workflow_name": run.workflow, "head_branch": run.branch,
            "run_url": f"{own}/actions/runs/{run.id}", "run_attempt": job.attempt, "node_id": f"CR_{job.id}",
            "head_sha": run.sha, "url": f"{own}/actions/jobs/{job.id}", "name": job.plan.name,
            "html_url": f"{self.web}/{run.repository}/actions/runs/{run.id}/job/{job.id}",
            "status": job.status, "conclusion": job.conclusion, "created_at": stamp(job.created),
            "started_at": stamp(job.started or job.created), "completed_at": stamp(job.completed),
            "steps": self.steps(job), "check_run_url": f"{own}/check-runs/{job.id}", "labels": list(job.plan.labels),
            "runner_id": number(job.plan.runner) if taken else None,
            "runner_name": job.plan.runner if taken else None, "runner_group_id": 2 if taken else None,
            "runner_group_name": "Default" if taken else None,
        }  # fmt: skip

    def steps(self, job: Any) -> list[Json]:
        """The step that failed is the last of the plan's; before it all went well."""
        if job.started is None:
            return []
        steps = []
        names = job.plan.steps
        for index, name in enumerate(names, start=1):
            last = index == len(names)
            conclusion = job.conclusion if last else "success"
            conclusion = "failure" if conclusion == "timed_out" else conclusion  # no step is ever told as timed out
            steps.append(
                {
                    "name": name, "number": index, "status": job.status if last else "completed",
                    "conclusion": conclusion, "started_at": stamp(job.started),
                    "completed_at": stamp(job.completed if last else job.started),
                }
            )  # fmt: skip
        return steps

    def annotation(self, full_name: str, sha: str, message: str) -> Json:
        return {
            "path": ".github", "start_line": 1, "end_line": 1, "start_column": None, "end_column": None,
            "annotation_level": "failure", "title": "", "message": message, "raw_details": "",
            "blob_href": f"{self.web}/{full_name}/blob/{sha}/.github",
        }  # fmt: skip


def rate_limit(left: int, reset: int) -> Json:
    def of(limit: int, remaining: int) -> Json:
        return {"limit": limit, "remaining": remaining, "reset": reset, "used": limit - remaining}

    return {"resources": {"core": of(5000, left), "search": of(30, 30)}, "rate": of(5000, left)}
