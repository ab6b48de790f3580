"""A desk on a real store, with an engine that only notes what it was asked to start: no workflow runs by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from bot.model.build import Build, CaseKey
from bot.model.case import Action, Case, JobFinding
from bot.model.diagnosis import Diagnosis, LogSummary, Remedy
from bot.ports import Who
from bot.store import open_store
from bot.triage.approve import Policy
from bot.workflow.context import Context, use
from bot.workflow.desk import ClinicDesk
from bot.workflow.offers import mint
from tests.fakes import FakeChat, FakeCI, FakeDeploy

TEAM = "T1"
ASKER, BOB, EVE, DAN = (Who(team=TEAM, user=f"U{n}") for n in range(1, 5))
OUTSIDERS = {
    "a guest": Who(team=TEAM, user="U2", is_guest=True),
    "a bot": Who(team=TEAM, user="U2", is_bot=True),
    "somebody of another workspace": Who(team="T2", user="U2"),
}
TWO = Policy(approvals=2, approvers=("U2", "U3", "U4"))


class Noted:
    """Implements what the desk needs of an engine."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def start(self, _workflow: Callable[..., Any], workflow_id: str, *_args: Any) -> None:
        self.started.append(workflow_id)

    async def wake(self, _workflow_id: str, _message: str = "") -> None: ...

    @property
    def acts(self) -> list[str]:
        """Actions that were set going."""
        return [i for i in self.started if i.startswith(("rerun:", "rollback:", "restore:"))]


class DeskBench:
    def __init__(self, folder: Path) -> None:
        self.engine, self.ci, self.chat = Noted(), FakeCI(), FakeChat()
        self.deploy = FakeDeploy()
        for revision in ("a" * 40, "b" * 40):
            self.deploy.deploy(revision)
        self.store = open_store(f"sqlite:///{folder}/cases.db")
        self.context = Context(
            store=self.store, chat=self.chat, engine=self.engine, cis={"github": self.ci}, vantages={},  # type: ignore[arg-type]
            library=lambda: None, deploys={"shop": self.deploy}, environments={"production": TWO}, rerun_policy=TWO,  # type: ignore[arg-type,return-value]
            home_team=lambda: TEAM, log=structlog.get_logger(),
        )  # fmt: skip
        use(self.context)
        self.desk = ClinicDesk(self.context)

    def close(self) -> None:
        use(None)
        self.store.close()

    def diagnosed(self, run: str = "7", cause: str = "dns-timeout", **build: Any) -> Case:
        """A finished, diagnosed run with its buttons."""
        key = CaseKey(ci="github", repository="acme/shop", run=run, attempt=1)
        made = self.ci.fail(run, b"").model_copy(update={"commit": "c" * 40, **build})
        self.ci.builds[(run, 1)] = made
        now = self.context.now()
        finding = finding_of(cause)
        fresh = Case(key=key, state="diagnosed", build=made, findings=(finding,), opened=now, updated=now, channel="C0")
        self.store.open_case(fresh)
        return self.store.change_case(fresh.id, lambda c: c.model_copy(update={"buttons": mint(self.context, c)}))

    def case(self, case_id: str) -> Case:
        found = self.store.get_case(case_id)
        assert found is not None
        return found

    def action(self, case_id: str) -> Action:
        found = self.case(case_id).action
        assert found is not None
        return found

    def change(self, case_id: str, **update: Any) -> Case:
        return self.store.change_case(case_id, lambda c: c.model_copy(update=update))

    def change_action(self, case_id: str, **update: Any) -> Case:
        return self.change(case_id, action=self.action(case_id).model_copy(update=update))

    async def press(self, case_id: str, name: str, who: Who = ASKER, at: float | None = None) -> str | None:
        return await self.desk.press(self.case(case_id).buttons[name], "C0", who, at)

    async def asked(self, **build: Any) -> str:
        """A re-run that waits for two approvals; returns the case's id."""
        case = self.diagnosed(**build)
        assert await self.press(case.id, "rerun") is None
        assert self.action(case.id).state == "waiting"
        return case.id


def finding_of(cause: str) -> JobFinding:
    diagnosis = Diagnosis(cause=cause, playbook="p", title=cause, confidence=0.9, remedy=Remedy(summary="x"))
    return JobFinding(job="7-1-0", name="job 0", log=LogSummary(bytes=1, lines=1), diagnoses=(diagnosis,))


def build_of(case: Case) -> Build:
    assert case.build is not None
    return case.build
