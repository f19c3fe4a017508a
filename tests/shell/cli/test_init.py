import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
import typer
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from homeostat.cli.init import init, model_name, write_settings
from homeostat.cli.settings import Settings, load_settings
from homeostat.cli.settings_source import variable
from homeostat.dataset import Description, describe, read_frame
from homeostat.errors import Conflict, NotFound, UserError
from homeostat.schema import RESERVED, Feature, Kind, Schema, Target, Task

N = 90


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "my loans.csv"
    pl.DataFrame(
        {
            "": range(N),
            "late": [int(i % 7 == 0) for i in range(N)],
            "income": [None if i % 5 == 0 else i * 37 % 1_000 for i in range(N)],
            "city": ["Oslo" if i % 3 else "Bergen" for i in range(N)],
            "at": [f"2024-01-{1 + i % 28:02}" for i in range(N)],
        }
    ).write_csv(path, null_value="NA")
    return path


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(init)
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(one) for one in arguments])


def test_a_file_is_written_that_loads(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "homeostat.yaml"

    done = run(data, "--target", "late", "--output", output)
    settings = load_settings(output, {})

    assert done.exit_code == 0, done.output
    assert settings.schema() == describe(read_frame(data), target="late").schema
    assert settings.schema().names == ("income", "city")
    assert (settings.model, settings.data.path) == ("my-loans", data)
    assert (settings.id, settings.time) == (None, None)


def test_what_was_found_and_what_to_do_next_is_said(data: Path, tmp_path: Path) -> None:
    said = run(data, "--target", "late", "--output", tmp_path / "homeostat.yaml").output

    assert "my loans.csv: 90 rows; late is '1' in 14.4 %" in said
    assert "income   integer   " in said
    assert "34 to 999, 20.0 % missing" in said
    assert "'column 1' was left out: it looks like an identifier" in said
    assert "Rows are taken to be in time order as they stand" in said
    assert f"Next: homeostat reference freeze --config {tmp_path}/homeostat.yaml" in said


def test_the_usual_place_needs_no_option(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(data, "--target", "late").output.endswith("Next: homeostat reference freeze\n")


def test_all_options_are_heeded(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "other.yaml"
    given_columns = ["--target", "late", "--id", "column 1", "--time", "at"]

    done = run(data, *given_columns, "--model", "m.1", "--task", "binary", "--output", output)
    settings = load_settings(output, {})

    assert done.exit_code == 0, done.output
    assert (settings.model, settings.id, settings.time) == ("m.1", "column 1", "at")
    assert "Rows are ordered by at." in done.output
    assert "left out" not in done.output


def test_json_holds_the_same(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "homeostat.yaml"

    found = json.loads(run(data, "--target", "late", "--output", output, "--json").output)

    assert output.exists()
    assert found == {
        "settings": str(output),
        "model": "my-loans",
        "rows": 90,
        "positives": 13,
        "target": {"column": "late", "positive": "1"},
        "id": None,
        "time": None,
        "features": [
            {"name": "income", "kind": "integer", "seen": "34 to 999, 20.0 % missing"},
            {
                "name": "city",
                "kind": "category",
                "seen": "2 values, most often 'Oslo' (66.7 %), none missing",
            },
        ],
        "warnings": found["warnings"],
    }
    assert [one.split("'")[1] for one in found["warnings"]] == ["column 1", "at"]


def test_a_file_is_not_overwritten_unless_forced(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "homeostat.yaml"
    output.write_text("mine")

    refused = run(data, "--target", "late", "--output", output)

    assert isinstance(refused.exception, Conflict)
    assert "use --force" in str(refused.exception)
    assert output.read_text() == "mine"
    assert run(data, "--target", "late", "--output", output, "--force").exit_code == 0
    assert load_settings(output, {}).model == "my-loans"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--target", "lat"], "did you mean 'late'?", id="target"),
        pytest.param(["--target", "late", "--model", "a b"], "'a b' is no name", id="model"),
        pytest.param(
            ["--target", "late", "--output", "none/h.yaml"], "there is no folder none", id="folder"
        ),
        pytest.param(["--target", "late", "--output", "."], "is a folder", id="no file"),
        pytest.param(["--target", "late", "--task", "regression"], "only binary", id="task"),
    ],
)
def test_nothing_is_written_when_something_is_wrong(
    data: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)

    done = run(data, *arguments)

    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)
    assert list(data.parent.iterdir()) == [data]


def test_data_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run(tmp_path / "none.csv", "--target", "y", "--output", tmp_path / "homeostat.yaml")

    assert isinstance(done.exception, NotFound)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("credit.csv", "credit"),
        ("cs-training.csv", "cs-training"),
        ("Crédit (2024).parquet", "Credit-2024"),
        ("_x.csv", "x"),
        ("日本.csv", "model"),
        ("a" * 80 + ".csv", "a" * 64),
    ],
)
def test_the_name_of_a_model_comes_from_its_file(file: str, name: str) -> None:
    assert model_name(Path(file)) == name


# --------------------------------------------------------------------- the file's text


def test_every_setting_stands_in_it_with_its_variable(data: Path, tmp_path: Path) -> None:
    found = describe(read_frame(data), target="late")

    text = write_settings(found, model="m", data_path=data, path=tmp_path / "homeostat.yaml")
    plain = yaml.safe_load(text)

    assert list(plain) == list(Settings.model_fields)
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        if section == "target" or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            continue
        assert list(plain[section]) == list(kind.model_fields)
        for name, one in kind.model_fields.items():
            assert f"# {one.description}; {variable((section, name))}\n" in text


def test_what_was_seen_stands_beside_each_feature(data: Path, tmp_path: Path) -> None:
    found = describe(read_frame(data), target="late")

    text = write_settings(found, model="m", data_path=data, path=tmp_path / "homeostat.yaml")

    assert "  income:  # seen 34 to 999, 20.0 % missing\n" in text
    assert "# - 'column 1' was left out" in text
    assert "\n  path: my loans.csv  # " in text


def test_its_defaults_are_the_defaults(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "homeostat.yaml"
    plain = yaml.safe_load(
        write_settings(
            describe(read_frame(data), target="late"), model="m", data_path=data, path=path
        )
    )
    written = load_settings(path, {})
    least = {key: plain[key] for key in ("model", "target", "features", "data")}
    path.write_text(yaml.safe_dump(least, sort_keys=False))

    assert load_settings(path, {}) == written


def test_the_data_is_found_from_another_folder(data: Path, tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    path = tmp_path / "settings" / "homeostat.yaml"

    text = write_settings(
        describe(read_frame(data), target="late"), model="m", data_path=data, path=path
    )

    assert "path: ../my loans.csv" in text
    assert load_settings(path, {}).data.path == data


def test_a_file_that_cannot_be_written_is_told(data: Path, tmp_path: Path) -> None:
    found = describe(read_frame(data), target="late")

    with pytest.raises(UserError, match="cannot be written"):
        write_settings(found, model="m", data_path=data, path=tmp_path / "none" / "h.yaml")


TRICKY = st.sampled_from(["yes", "null", "1", "1e3", "a: b", "#", "- x", "[a, b]", "'", '"', "~"])
TEXTS = st.one_of(TRICKY, st.text(max_size=12).filter(lambda text: "\x00" not in text))
NAMES = st.one_of(
    TRICKY,
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64),
).filter(lambda name: name not in RESERVED)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    kind = draw(st.sampled_from(Kind))
    low, high = draw(NUMBERS), draw(NUMBERS)
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return Feature(
        name=name,
        kind=kind,
        minimum=low if kind.is_numeric else None,
        maximum=high if kind.is_numeric else None,
        categories=tuple(draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True)))
        if kind is Kind.CATEGORY
        else (),
        nullable=draw(st.booleans()),
    )


@st.composite
def descriptions(draw: st.DrawFn) -> Description:
    column, *names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    classes = draw(st.lists(TEXTS, min_size=2, max_size=2, unique=True))
    schema = Schema(
        task=Task.BINARY,
        target=Target(column=column, positive=classes[1], classes=tuple(classes)),
        features=tuple(draw(features(name)) for name in names),
    )
    return Description(
        schema=schema,
        id_column=None,
        time_column=None,
        warnings=tuple(draw(st.lists(TEXTS, max_size=2))),
        notes={name: repr(draw(TEXTS)) for name in names},
        rows=1,
        positives=1,
    )


@settings(max_examples=40)  # reading YAML is slow
@given(descriptions())
def test_whatever_was_described_is_read_back(description: Description) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "homeostat.yaml"
        data = Path(folder) / "data.csv"
        write_settings(description, model="m", data_path=data, path=path)
        found = load_settings(path, {}).schema()

    assert found == description.schema
    assert found.digest == description.schema.digest


def test_the_real_file_reads_back(data_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "homeostat.yaml"
    data = data_dir / "telco" / "Telco-Customer-Churn.csv"
    if not data.is_file():
        pytest.skip("no telco data")

    done = run(data, "--target", "Churn", "--id", "customerID", "--output", output)

    assert done.exit_code == 0, done.output
    found = describe(read_frame(data), target="Churn", id_column="customerID")
    assert load_settings(output, {}).schema() == found.schema


@pytest.mark.parametrize("name", ["\x85", "a\u2028b", "a\u2029b", "é, ü", "[x]", "\\x85"])
def test_a_class_of_any_name_is_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / "homeostat.yaml"
    description = describe(
        pl.DataFrame({"x": [1.5, 2.5, 0.25] * 9, "y": [name, "b", "b"] * 9}), target="y"
    )

    write_settings(description, model="m", data_path=tmp_path / "rows.csv", path=path)

    assert load_settings(path, {}).schema() == description.schema
