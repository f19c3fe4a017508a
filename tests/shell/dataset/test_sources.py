"""Files, folders and patterns as sources: read in batches, counted like the frame they hold."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.bins import Bins, fit_category, fit_numeric
from homeostat.dataset import csv_batches, read_frame
from homeostat.dataset.sources import open_source
from homeostat.engines.frames import column_kinds, count_frame, fit_frame_bins
from homeostat.errors import NotFound, UserError
from homeostat.schema import Kind

BINS = Bins(
    (
        fit_numeric("x", np.array([-1.0, 0.0, 0.5, 2.0, 1e9])),
        fit_category("word", ["1", "2.5", "a b", "01", "true", "False", "é"]),
        fit_category("other", ["1", "2.0", "true", "x,y"]),
    )
)

#: What people write into a field of a CSV file.
NUMBERS = st.sampled_from(["", " 1", "2", "-1.5", "1e3", "NA", "nan", "NaN", "inf", "+3", "0.5 "])
WORDS = st.sampled_from(["", "1", "+1", "01", "2.5", "2", "1e5", "-0", "0", "٣"]) | st.sampled_from(
    ["true", "False", "TRUE", "null", "é", "a b", " a b ", "x,y", "two\nlines", 'say "x"', "9" * 19]
)


def written(
    path: Path, header: list[str], rows: Sequence[tuple[str, ...]], end: str = "\n"
) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    path.write_bytes(text.getvalue().encode())
    return path


@pytest.fixture
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "x": rng.normal(size=500),
            "word": rng.choice(["a b", "é", "01"], 500),
            "other": rng.integers(0, 3, 500).astype(float),
        }
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(NUMBERS, WORDS, WORDS), min_size=1, max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(200, 400),
)
def test_a_csv_file_is_counted_by_the_rules_that_it_is_read_by(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[str, str, str]],
    end: str,
    block: int,
) -> None:
    monkeypatch.setattr(csv_batches, "_BLOCK_BYTES", block)
    path = written(tmp_path / "rows.csv", ["x", "word", "other"], rows, end)
    whole, in_batches = read_frame(path), open_source(path)

    expected = column_kinds(whole)
    found = column_kinds(in_batches)
    for name, kind in expected.items():
        empty = whole[name].null_count() == whole.height
        assert (found[name].kind, found[name].empty) == (
            (None, True) if empty else (kind.kind, False)
        )
    assert count_frame(in_batches, BINS) == count_frame(whole, BINS)


def test_a_blank_line_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,word,other\n1,a b,1\n\n2,é,2\n\n")

    assert count_frame(open_source(path), BINS).n == read_frame(path).height == 2


def test_in_a_file_of_one_column_a_blank_line_is_a_missing_value(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x\n1\n\n2\n")
    profile = count_frame(open_source(path), Bins(BINS.features[:1]))

    assert profile == count_frame(read_frame(path), Bins(BINS.features[:1]))
    assert profile.feature("x").missing == 1


def test_a_csv_file_without_rows_has_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffx, word ,other")
    source = open_source(path)

    assert list(source.kinds) == ["x", "word", "other"]
    assert all(one.empty for one in source.kinds.values())
    assert count_frame(source, BINS).n == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\nx,y\n1,2\n", "the first line is blank"),
        (b"x;y\n1;2\n", "the fields are parted by ';'"),
        (b"x,x\n1,2\n", "columns of the same name: 'x'"),
        (
            b"x,y\n1,2\n3\n4,5,6\n",
            r"2 rows have not\n  - row 2 has 1 fields\n  - row 3 has 3 fields",
        ),
        (b"x,y\n1,\xff\n", r"is not UTF-8: byte 6 \(in line 2\) is 0xff"),
        (b"x,y\n1,\xc3", r"is not UTF-8: byte 6 \(in line 2\) is 0xc3"),
        (b'x,y\n1,"2\n', "is no valid CSV file: line 2: unexpected end of data"),
        (b'x,y\n1,"2"3\n', "is no valid CSV file: line 2: ',' expected after"),
        (b"x,y\xff\n1,2\n", "is not UTF-8: byte 3"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)

    with pytest.raises(UserError, match=message):
        open_source(path)


def test_a_character_may_lie_across_two_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "rows.csv", ["x", "word", "other"], [("1", "🦀é" * 9, "1")] * 9)
    for block in range(200, 210):
        monkeypatch.setattr(csv_batches, "_BLOCK_BYTES", block)

        assert count_frame(open_source(path), BINS).n == 9


@pytest.mark.parametrize("row_group_size", [1, 7, 1_000])
def test_a_parquet_file_is_taken_as_it_is(
    tmp_path: Path, frame: pl.DataFrame, row_group_size: int
) -> None:
    rows = frame[:50].with_columns(word=pl.Series(["", " a b", "NA", None, "é"] * 10))
    path = tmp_path / "rows.PARQUET"
    rows.write_parquet(path, row_group_size=row_group_size)

    assert count_frame(open_source(path), BINS) == count_frame(rows, BINS)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path.with_suffix(".csv"))


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path.with_suffix(".parquet"))


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_folder_a_pattern_and_a_list_are_the_sum_of_their_files(
    tmp_path: Path, frame: pl.DataFrame, write: Callable[[pl.DataFrame, Path], None]
) -> None:
    inner = tmp_path / "day=2"
    inner.mkdir()
    write(frame[:100], tmp_path / "part-1")
    write(frame[100:], inner / "part-2")
    write(frame, tmp_path / ".part-0")  # hidden: half written
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "notes.txt").touch()
    files = sorted(one for one in tmp_path.rglob("part*") if one.is_file())
    whole = count_frame(frame, BINS)

    assert count_frame(open_source(tmp_path), BINS) == whole
    assert count_frame(open_source(str(tmp_path / "**" / "part-*")), BINS) == whole
    assert count_frame(open_source(files), BINS) == whole
    assert count_frame(open_source([str(tmp_path / "part-*"), inner]), BINS) == whole


def test_what_a_column_holds_is_told_from_all_files(tmp_path: Path) -> None:
    for name, x in {"a": "1", "b": "2.5"}.items():
        (tmp_path / f"{name}.csv").write_text(f"x,word\n{x},01\n,2\n")
    kinds = open_source(tmp_path).kinds

    assert kinds["x"].kind is Kind.NUMBER
    assert kinds["word"].kind is Kind.CATEGORY


def test_parquet_files_may_hold_whole_numbers_here_and_fractions_there(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"x": [1, 2], "y": ["a", "b"], "z": ["c", "d"]}), tmp_path / "a.parquet"
    )
    nothing = pa.nulls(2)
    pq.write_table(pa.table({"x": [1.5, 2.0], "y": nothing, "z": [1, 2]}), tmp_path / "b.parquet")
    source = open_source(tmp_path)

    assert source.kinds["x"].kind is Kind.NUMBER
    assert source.kinds["y"].kind is Kind.CATEGORY
    assert (source.kinds["z"].kind, source.kinds["z"].reason) == (
        None,
        "holds other types in other files",
    )
    y = Bins((fit_numeric("x", np.array([1.0, 2.0])), fit_category("y", ["a"])))
    assert count_frame(source, y).feature("y").counts.tolist() == [1, 1, 2]


def test_files_of_other_columns_do_not_belong_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,z\n1,2\n")

    with pytest.raises(UserError) as caught:
        open_source(tmp_path)

    assert caught.value.problems == [
        f"{tmp_path / 'b.csv'} lacks 'y', which {tmp_path / 'a.csv'} has",
        f"{tmp_path / 'b.csv'} has 'z', which {tmp_path / 'a.csv'} lacks",
    ]


@pytest.mark.parametrize("name", ["none.csv", "none", "*.csv", "none/*.parquet"])
def test_what_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match=r"is not there; name a \.csv or \.parquet file"):
        open_source(tmp_path / name)


def test_an_empty_list_of_files_is_refused() -> None:
    with pytest.raises(UserError, match="the list of files is empty"):
        open_source([])


@pytest.mark.parametrize("names", [["a.csv", "b.parquet"], ["a.txt"]])
def test_files_of_two_formats_or_of_another_are_refused(tmp_path: Path, names: list[str]) -> None:
    paths: list[Any] = [tmp_path / name for name in names]
    for path in paths:
        path.write_text("x\n1\n")

    with pytest.raises(UserError, match=r"all must end in \.csv or \.parquet"):
        open_source(paths)


@pytest.mark.parametrize("content", [b"", b"no parquet at all"])
def test_a_damaged_parquet_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"rows\.parquet is no valid Parquet file"):
        open_source(path)


def test_a_parquet_file_that_ends_early_is_refused_by_name(
    tmp_path: Path, frame: pl.DataFrame
) -> None:
    path = tmp_path / "rows.parquet"
    frame.write_parquet(path)
    source = open_source(path)
    content = path.read_bytes()
    path.write_bytes(b"PAR1" + bytes(len(content) // 2) + content[4 + len(content) // 2 :])

    with pytest.raises(UserError, match=r"rows\.parquet cannot be read"):
        count_frame(source, BINS)


def test_columns_of_the_same_name_in_a_parquet_file_are_refused(tmp_path: Path) -> None:
    twice = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(twice, tmp_path / "rows.parquet")

    with pytest.raises(UserError, match=r"rows\.parquet: columns of the same name: 'x'"):
        open_source(tmp_path / "rows.parquet")


def test_a_frame_is_a_source_too(frame: pl.DataFrame) -> None:
    assert count_frame(open_source(frame), BINS) == count_frame(frame, BINS)


def test_bins_from_a_file_are_those_of_its_frame(tmp_path: Path, frame: pl.DataFrame) -> None:
    from homeostat.schema import Feature, Schema, Target, Task

    schema = Schema(
        task=Task.BINARY,
        target=Target(column="y"),
        features=(Feature(name="x", kind=Kind.NUMBER), Feature(name="word", kind=Kind.CATEGORY)),
    )
    frame.write_csv(tmp_path / "rows.csv")

    assert fit_frame_bins(open_source(tmp_path / "rows.csv"), schema) == fit_frame_bins(
        frame, schema
    )
