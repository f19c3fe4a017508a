import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from homeostat.errors import NotFound, StateError
from homeostat.extension import Catalog, did_you_mean

INIT = """
from homeostat.extension import Catalog
THINGS = Catalog("thing", "{name}.things")
"""
MEMBER = """
from {name} import THINGS
THINGS.register("{member}")(lambda: "{member}")
"""
PLUGIN = """
[homeostat.things]
third = {name}_plugin
"""


@pytest.fixture
def catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Catalog[object]]:
    """A package with two members in files of their own, and a plugin with a third."""
    name = "house_of_things"
    things = tmp_path / name / "things"
    things.mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text(INIT.format(name=name))
    (things / "__init__.py").touch()
    for member in ("second", "first"):
        (things / f"{member}.py").write_text(MEMBER.format(name=name, member=member))
    (tmp_path / f"{name}_plugin.py").write_text(MEMBER.format(name=name, member="third"))
    about = tmp_path / f"{name}_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(PLUGIN.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__(name).THINGS
    for loaded in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[loaded]


def test_members_come_from_files_and_from_other_packages(catalog: Catalog[object]) -> None:
    assert "house_of_things.things.first" not in sys.modules  # the first look imports them
    assert list(catalog) == ["first", "second", "third"]
    assert len(catalog) == 3
    assert "third" in catalog
    assert "fourth" not in catalog
    assert [name for name, _ in catalog.items()] == ["first", "second", "third"]
    assert entry_points(group="homeostat.things")


def test_a_wrong_name_gets_the_nearest(catalog: Catalog[object]) -> None:
    with pytest.raises(NotFound, match="no thing 'frist'; did you mean 'first'"):
        catalog["frist"]
    with pytest.raises(NotFound, match="known: first, second, third"):
        catalog["zzz"]


def test_a_name_is_taken_once(catalog: Catalog[object]) -> None:
    assert "first" in catalog

    with pytest.raises(StateError, match="two members of kind thing are named 'first'"):
        catalog.register("first")(object())


def test_registering_gives_back_the_same_object() -> None:
    member = object()

    assert Catalog[object]("thing", "nowhere").register("it")(member) is member


def test_all_are_listed_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["psi", "ks"]) == "known: ks, psi"
