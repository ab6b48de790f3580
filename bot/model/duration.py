"""Durations as people write them in the configuration: 45s, 30m, 12h, 2d."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: object) -> float:
    """`30m` -> 1800.0. Raises ValueError."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a duration such as 45s, 30m, 12h or 2d")
    return float(match[1]) * _UNITS[match[2]]


Duration = Annotated[float, BeforeValidator(seconds)]
