"""The nouns of the product and its error tree. Frozen, JSON-able, free of any vendor's shape.

One class serves YAML, domain and stored JSON alike: `model_dump(mode="json")` out, `model_validate` in.
"""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """Base of every noun: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
