"""What every test shares: where a skip would hide that something is broken, it is a failure.

`BUILDMEDIC_NO_SKIP=1` (set by .ci/run) says that the machine has all that the marked tests need.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

_MARKED = ("lab", "npm", "shared")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """The cache of compiled playbooks is the session's own, shared with the processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def _strict() -> bool:
    return os.environ.get("BUILDMEDIC_NO_SKIP") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """A marked test that skips where it could have run has failed."""
    report = yield
    marks = [m for m in _MARKED if item.get_closest_marker(m)]
    if _strict() and report.skipped and marks and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped where a test marked {', '.join(marks)} has to run: {why}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """A module that skips itself whole has no markers to look at yet: that is a failure too."""
    report = yield
    if _strict() and report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"a whole module skips where it has to run: {why}"
    return report
