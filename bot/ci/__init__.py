"""CI systems. Each kind is one adapter file here that registers itself and owns its settings.

    @register("github", GitHubSettings)
    class GitHub: ...            # implements bot.ports.CI; built from its settings alone

Nothing else names a kind: `kinds()` finds the files, `make(settings)` builds the adapter.
"""

from bot.kinds import Kinds
from bot.ports import CI

_kinds: Kinds[CI] = Kinds("CI", __name__)
register, kinds, make = _kinds.register, _kinds.kinds, _kinds.make
