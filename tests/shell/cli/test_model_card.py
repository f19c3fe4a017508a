"""A model card says what the evidence says, and nothing else."""

import json
from pathlib import Path
from typing import Any

import html5lib
import pytest

from tests.shell.project import START, Town, command


def card(town: Town, capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    capsys.readouterr()
    assert command(town.folder, "model", "card", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_a_version_of_the_loop_has_its_gates(
    verifying: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    at = verifying.now.isoformat()

    plain = card(verifying, capsys, "--as-of", at)

    store = verifying.project.store
    version = store.version("loans", 2)
    assert (plain["version"], plain["in_service"], plain["origin"]) == (2, True, "loop")
    assert plain["training"]["data_fingerprint"] == version.data_fingerprint
    assert plain["training"]["metrics"] == dict(version.metrics)
    assert plain["training"]["logged_rows"] > 0
    assert plain["artefact"]["digest"] == version.digest
    assert plain["reference"]["digest"] == version.reference_digest
    assert {one["outcome"] for one in plain["gates"]} == {"PASS"}
    assert {"min_rows", "improvement", "golden_set"} <= {one["question"] for one in plain["gates"]}
    assert [one["action"] for one in plain["decisions"]][-1] == "PROMOTE"


def test_one_by_hand_says_that_nothing_was_asked(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = card(start, capsys, 1, "--as-of", START.isoformat())

    assert (plain["gates"], plain["looks"], plain["performance"]) == ([], {}, [])
    assert "Nothing was looked at while it was in service." in plain["limits"]
    assert "No label has told yet how good its answers are." in plain["limits"]


def test_what_was_watched_and_could_be_missed_is_told(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = card(quiet, capsys, "--as-of", quiet.now.isoformat())

    looks = len(quiet.project.store.verdicts("loans", "drift", limit=1000))
    assert sum(plain["looks"].values()) == looks
    assert plain["blind_spots"]["window_rows"] == 960
    assert all(
        one["minimum_detectable_effect"] > one["asked"] for one in plain["blind_spots"]["features"]
    )
    told = {one["metric"]: one for one in plain["performance"]}
    assert {"accuracy", "recall", "brier", "positive_share"} <= told.keys()
    assert told["recall"]["lower"] < told["recall"]["value"] < told["recall"]["upper"]
    assert plain["performance"][0]["n"] > 0


def test_it_is_told_for_people_and_as_a_page(
    quiet: Town, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "card.html"

    assert command(quiet.folder, "model", "card", 1, "--html", page) == 0

    said = capsys.readouterr().out
    assert "loans version 1, in service" in said
    assert "Known limits" in said
    text = page.read_text()
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    assert not [one for one in tree.iter() if one.tag in {"script", "link", "img"}]
    assert "nan" not in text.lower().split()


def test_without_a_version_in_service_one_must_be_named(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(start.folder, "model", "card", "--as-of", "2020-01-01") != 0
    assert command(start.folder, "model", "card", 7) != 0

    assert "no version" in capsys.readouterr().err
