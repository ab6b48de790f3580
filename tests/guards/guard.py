"""One guard of the product, and how it is taken away."""

from typing import NamedTuple


class Guard(NamedTuple):
    name: str
    file: str
    text: str  # stands exactly once in the file
    instead: str  # what stands there without the guard
    test: str  # node id of a test that must fail then
