import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from homeostat.errors import StateError, Unavailable, UserError
from homeostat.registry import GoldenRows, Scorer, load_scorer, save_artifact
from homeostat.registry.files import manifest_digest, sha256
from homeostat.schema import Row
from homeostat.testing.trainer import sample_data
from homeostat.trainers.train import Trained
from homeostat.version import Version

Save = Callable[..., Version]

FILES = ["golden.json", "model.skops", "version.json"]
ROW: Row = {"income": 61_000.0, "children": 2, "member": True, "region": "west"}


@pytest.fixture
def no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a model as anything but bytes fails the test."""

    def fail(*given: Any, **options: Any) -> None:
        pytest.fail("a byte was deserialised before all were verified")

    monkeypatch.setattr("zipfile.ZipFile.__init__", fail)
    monkeypatch.setattr("skops.io.loads", fail)
    monkeypatch.setattr("json.loads", fail)


def registered(version: Version, root: Path) -> Version:
    """The version as if its folder, as it is now, had been registered."""
    folder = root / version.location
    manifest = {one.name: sha256(one.read_bytes()) for one in folder.iterdir()}
    return replace(version, manifest=manifest, digest=manifest_digest(manifest))


def test_what_was_saved_answers_as_before(root: Path, save: Save, trained: Trained) -> None:
    scorer = load_scorer(root, save())
    data = sample_data(40)
    rows: list[Row] = [
        {
            "income": None if np.isnan(a) else a,
            "children": int(b),
            "member": None if np.isnan(c) else bool(c),
            "region": None if np.isnan(d) else ("north", "south", "east", "west")[int(d)],
        }
        for a, b, c, d in data.x
    ]
    probabilities = trained.estimator.predict_proba(data.x)[:, 1]

    assert np.array_equal(scorer.probabilities(rows), probabilities)
    assert list(scorer.predict(rows)) == list(probabilities >= trained.threshold)
    assert scorer.probabilities([]).shape == (0,)


def test_the_folder_holds_what_the_manifest_says(root: Path, save: Save) -> None:
    version = save(7)
    folder = root / "credit" / "7"

    assert version.location == "credit/7"
    assert sorted(one.name for one in folder.iterdir()) == sorted(version.manifest) == FILES
    assert json.loads((folder / "version.json").read_text())["number"] == 7
    assert version.digest == manifest_digest(version.manifest)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_flipped_byte_is_refused_before_anything_is_read(
    root: Path, save: Save, name: str, place: float, no_parsing_later: Callable[[], None]
) -> None:
    version = save()
    file = root / version.location / name
    data = bytearray(file.read_bytes())
    data[int(len(data) * place)] ^= 1
    file.write_bytes(data)
    no_parsing_later()

    with pytest.raises(StateError, match=f"{name}: changed"):
        load_scorer(root, version)


@pytest.fixture
def no_parsing_later(request: pytest.FixtureRequest) -> Callable[[], None]:
    return lambda: request.getfixturevalue("no_parsing")


def test_every_difference_is_named(
    root: Path, save: Save, no_parsing_later: Callable[[], None]
) -> None:
    version = save()
    folder = root / version.location
    (folder / "golden.json").unlink()
    (folder / "extra.pkl").write_bytes(b"")
    (folder / "__init__.py").mkdir()
    (folder / "version.json").write_bytes(b"{}")
    no_parsing_later()

    with pytest.raises(StateError) as refused:
        load_scorer(root, version)
    for problem in (
        "golden.json: missing",
        "extra.pkl: not in the manifest",
        "__init__.py: not in the manifest",
        "version.json: changed",
    ):
        assert problem in str(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(root: Path, save: Save, name: str) -> None:
    version = save()
    (root / version.location / name).unlink()

    with pytest.raises(StateError, match=f"{name}: missing"):
        load_scorer(root, version)


@pytest.mark.parametrize("names", [FILES, ["model.skops"], ["golden.json"]], ids=str)
def test_the_files_of_another_version_are_refused(
    root: Path, save: Save, other: Trained, names: list[str]
) -> None:
    first, second = save(1), save(2, other)
    for name in names:
        one, two = root / first.location / name, root / second.location / name
        kept = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(kept)

    for version in (first, second):
        with pytest.raises(StateError, match="changed"):
            load_scorer(root, version)


def test_a_link_is_refused_even_to_the_same_bytes(root: Path, save: Save, tmp_path: Path) -> None:
    version = save()
    file = root / version.location / "model.skops"
    elsewhere = tmp_path / "model.skops"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)

    with pytest.raises(StateError, match=r"model\.skops: no plain file"):
        load_scorer(root, version)


def test_a_pipe_is_refused_and_not_waited_for(root: Path, save: Save) -> None:
    version = save()
    file = root / version.location / "model.skops"
    file.unlink()
    os.mkfifo(file)

    with pytest.raises(StateError, match=r"model\.skops: no plain file"):
        load_scorer(root, version)


def test_a_linked_folder_is_refused(root: Path, save: Save) -> None:
    version = save()
    (root / "credit" / "1").rename(root / "moved")
    (root / "credit" / "1").symlink_to(root / "moved")

    with pytest.raises(StateError, match="link"):
        load_scorer(root, version)


@pytest.mark.parametrize(
    "location", ["../credit/1", "credit/../../models/credit/1", "/etc", "", "credit/\0", "none/1"]
)
def test_a_location_outside_the_root_is_refused(root: Path, save: Save, location: str) -> None:
    with pytest.raises(StateError):
        load_scorer(root, replace(save(), location=location))


def test_a_manifest_that_does_not_have_its_digest_is_refused(root: Path, save: Save) -> None:
    version = save()
    file = root / version.location / "version.json"
    file.write_bytes(b"{}")
    manifest = {**version.manifest, "version.json": sha256(b"{}")}

    with pytest.raises(StateError, match="manifest does not have its digest"):
        load_scorer(root, replace(version, manifest=manifest))


@pytest.mark.parametrize("name", ["model.skops", "golden.json"])
def test_a_version_without_model_or_golden_rows_is_refused(
    root: Path, save: Save, name: str
) -> None:
    version = save()
    (root / version.location / name).unlink()

    with pytest.raises(StateError, match=name):
        load_scorer(root, registered(version, root))


def test_a_model_that_answers_otherwise_is_refused(root: Path, save: Save, other: Trained) -> None:
    first, second = save(1), save(2, other)
    shutil.copy(root / second.location / "model.skops", root / first.location / "model.skops")

    with pytest.raises(StateError, match=r"off by .* on its golden rows, 1e-09 is allowed"):
        load_scorer(root, registered(first, root))


@pytest.mark.parametrize(
    "golden",
    [
        b"",
        b"{}",
        b"[]",
        b'{"rows": [], "probabilities": []}',
        b'{"rows": [[1]], "probabilities": [0.5]}',
        b'{"rows": [[1, 1, 1, 1]], "probabilities": []}',
        b'{"rows": [[1, 1, 1, "x"]], "probabilities": [0]}',
    ],
)
def test_golden_rows_that_cannot_be_asked_are_refused(
    root: Path, save: Save, golden: bytes
) -> None:
    version = save()
    (root / version.location / "golden.json").write_bytes(golden)

    with pytest.raises(StateError, match="golden rows"):
        load_scorer(root, registered(version, root))


def test_a_second_save_of_a_number_leaves_the_first_alone(
    root: Path, save: Save, other: Trained
) -> None:
    first, second = save(1), save(1, other)

    assert (first.location, second.location) == ("credit/1", "credit/1.2")
    assert load_scorer(root, first).probabilities([ROW]) != load_scorer(root, second).probabilities(
        [ROW]
    )


def test_a_full_disk_leaves_nothing(root: Path, save: Save, monkeypatch: Any) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        save()

    assert [one.name for one in (root / "credit").iterdir()] == [".lock"]


@pytest.mark.parametrize("step", range(4))
def test_a_killed_save_is_no_version_and_the_next_one_cleans_up(
    root: Path, save: Save, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies at one of its fsyncs: of the three files, or of their folder."""
    child = os.fork()
    if not child:
        calls = iter(range(9))
        monkeypatch.setattr("os.fsync", lambda _: os._exit(9) if next(calls) == step else None)
        save(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = [one.name for one in (root / "credit").iterdir() if one.name != ".lock"]
    version = save(3)

    assert left == [".new-3"]
    assert sorted(one.name for one in (root / "credit").iterdir()) == [".lock", "3"]
    assert load_scorer(root, version).version.number == 3


def test_two_saves_at_a_time_do_not_meet(root: Path, save: Save) -> None:
    import fcntl

    save(1)
    with (root / "credit" / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="another process is saving"):
            save(2)

    assert save(2).location == "credit/2"


@pytest.mark.parametrize(
    ("model", "number"),
    [("../credit", 1), ("", 1), (".", 1), ("a/b", 1), ("a" * 65, 1), ("credit", 0), ("x\n", 1)],
)
def test_a_name_that_is_no_folder_is_refused(
    root: Path, trained: Trained, model: str, number: int
) -> None:
    golden = GoldenRows.of(trained.estimator, trained.golden_x)
    with pytest.raises(UserError):
        save_artifact(
            root,
            model=model,
            number=number,
            estimator=trained.estimator,
            golden=golden,
            describe={},
        )

    assert not root.exists()


def test_a_description_that_is_not_json_is_refused(root: Path, trained: Trained) -> None:
    golden = GoldenRows.of(trained.estimator, trained.golden_x)
    with pytest.raises(UserError, match="not JSON"):
        save_artifact(
            root,
            model="credit",
            number=1,
            estimator=trained.estimator,
            golden=golden,
            describe={"f1": float("nan")},
        )


class Wrong:
    """An estimator that gives what it is told to."""

    def __init__(self, both: Any) -> None:
        self.both = both

    def predict_proba(self, x: Any) -> Any:
        return np.asarray(self.both)


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(Wrong([[0.5, np.nan]]), id="nan"),
        pytest.param(Wrong([[0.5, np.inf]]), id="inf"),
        pytest.param(Wrong([[-0.5, 1.5]]), id="above one"),
        pytest.param(Wrong([[1.5, -0.5]]), id="below zero"),
        pytest.param(Wrong([[0.2, 0.3, 0.5]]), id="three classes"),
        pytest.param(Wrong([[0.5, 0.5]] * 2), id="too many rows"),
        pytest.param(Wrong([0.5]), id="one column"),
        pytest.param(StandardScaler(), id="no classifier"),
    ],
)
def test_what_is_no_probability_is_refused(save: Save, estimator: Any) -> None:
    scorer = Scorer(save(), estimator)

    with pytest.raises(StateError, match="credit version 1 gave no probabilities"):
        scorer.probabilities([ROW])


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e31, -1e300])
def test_a_row_that_no_model_can_compute_with_is_refused(
    root: Path, save: Save, value: float
) -> None:
    scorer = load_scorer(root, save())

    with pytest.raises(UserError, match=r"income: beyond 1e\+30"):
        scorer.probabilities([ROW, {**ROW, "income": value}])
