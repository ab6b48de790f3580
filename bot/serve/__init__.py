"""The parts put together: command line, settings, web, demo.

Two imports that no command should pay for are kept away here, before anything else is imported: pydantic looks through
every installed package for plugins (20 ms; we use none), and the CEL package's `__init__` imports its interactive shell
(0.3 s), for which an empty module stands in.
"""

import os
import sys
import types

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
sys.modules.setdefault("cel.cli", types.ModuleType("cel.cli"))
