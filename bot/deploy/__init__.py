"""Deploy systems. Each kind is one adapter file here that registers itself and owns its settings.

    @register("argocd", ArgocdSettings)
    class Argocd: ...            # implements bot.ports.Deploy; built from its settings alone

Nothing else names a kind: `kinds()` finds the files, `make(settings)` builds the adapter.
"""

from bot.kinds import Kinds
from bot.ports import Deploy

_kinds: Kinds[Deploy] = Kinds("deploy", __name__)
register, kinds, make = _kinds.register, _kinds.kinds, _kinds.make
