"""The registry of kinds, and that every part that has kinds uses it alike."""

import pytest
from pydantic import BaseModel

from bot import ci, deploy
from bot.kinds import Kinds
from bot.model.errors import ConfigError


class Settings(BaseModel):
    name: str = "x"


class Other(BaseModel):
    pass


def test_a_kind_is_made_of_its_settings_alone() -> None:
    kinds: Kinds[object] = Kinds("test", "bot.model")  # a package without kinds of its own

    @kinds.register("one", Settings)
    class One:
        def __init__(self, settings: Settings) -> None:
            self.settings = settings

    made = kinds.make(Settings(name="y"))
    assert isinstance(made, One)
    assert made.settings.name == "y"
    assert dict(kinds.kinds()) == {"one": Settings}
    with pytest.raises(ConfigError, match=r"no test kind takes Other \(known: one\)"):
        kinds.make(Other())
    with pytest.raises(ValueError, match="two adapters claim the test kind 'one'"):
        kinds.register("one", Other)(Other)


def test_a_class_that_inherits_the_settings_is_another() -> None:
    kinds: Kinds[object] = Kinds("test", "bot.model")
    kinds.register("one", Settings)(object)

    class Child(Settings):
        pass

    with pytest.raises(ConfigError):
        kinds.make(Child())


def test_what_is_known() -> None:
    assert "github" in ci.kinds()
    assert list(deploy.kinds()) == ["argocd"]
