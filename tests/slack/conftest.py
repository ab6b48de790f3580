"""A bot's door, chat and store, with the stand-in workspace and a desk that writes down what it is asked."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # slack_cases, slack_bench: this folder's own modules

from slack_bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = await Bench.open(tmp_path)
    yield made
    await made.close()
    await asyncio.sleep(0)
