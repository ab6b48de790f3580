"""The store: one small port, `ports.CaseStore`, and its implementations."""

from pathlib import Path

from bot.model.errors import ConfigError
from bot.ports import CaseStore


def open_store(url: str) -> CaseStore:
    """`sqlite:///relative.db` or `sqlite:////absolute.db`. Raises ConfigError for anything else."""
    if url.startswith("sqlite:///"):
        from bot.store.sqlite import SQLiteStore

        return SQLiteStore(Path(url.removeprefix("sqlite:///")))
    raise ConfigError(f"storage.url: {url.split(':', 1)[0]}: only sqlite:/// is supported in this release")
