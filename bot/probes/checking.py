"""`config check` of a vantage: whether the prober runs there, and what it sees."""

from collections.abc import Sequence

from bot.model.diagnosis import ProbeRequest
from bot.model.errors import VantageDown
from bot.ports import Check, Vantage

SECONDS = 10.0


async def check(vantage: Vantage) -> Sequence[Check]:
    """One line: it works, or why not."""
    what = f"vantage {vantage.name} ({vantage.kind})"
    try:
        result = (await vantage.run([ProbeRequest(id="env", verb="env")], SECONDS))[0]
    except VantageDown as error:
        return [Check(what=what, ok=False, detail=str(error).removeprefix(f"{vantage.name}: "))]
    if not result.ok:
        return [Check(what=what, ok=False, detail=f"the prober answered: {result.facts.get('error', result.outcome)}")]
    facts = result.facts
    go = facts.get("go_version") or "no go on its PATH"
    asks = ", ".join(str(one) for one in facts.get("resolvers", ())) or "no resolver"
    return [Check(what=what, ok=True, detail=f"Python {facts.get('python')} on {facts.get('os')}, {go}, asks {asks}")]
