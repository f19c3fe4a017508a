from pathlib import Path

import polars as pl
import pytest

from homeostat.dataset import read_frame
from homeostat.errors import NotFound, UserError


def written(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(folder: Path, content: str) -> dict[str, list[object]]:
    return read_frame(written(folder, content)).to_dict(as_series=False)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(["1", "-2", "+3"], [1, -2, 3], id="whole"),
        pytest.param(["1", "2.5", "1e3"], [1.0, 2.5, 1000.0], id="numbers"),
        pytest.param(["1", "NA", "", "NaN", "null", "  "], [1, *[None] * 5], id="nulls"),
        pytest.param(["True", "false", "NA"], [True, False, None], id="booleans"),
        pytest.param(["a", " b ", "1"], ["a", "b", "1"], id="texts"),
        pytest.param(["01", "2"], ["01", "2"], id="leading zeros are codes"),
        pytest.param(["0", "0.5"], [0.0, 0.5], id="a zero before the point is none"),
        pytest.param(
            ["10000169349117863715", "1"], ["10000169349117863715", "1"], id="more than 64 bits"
        ),
        pytest.param(["NA", ""], [None, None], id="nothing"),
    ],
)
def test_cells_become_what_all_of_a_column_are(
    tmp_path: Path, cells: list[str], expected: list[object]
) -> None:
    content = "x,y\n" + "".join(f"{cell},0\n" for cell in cells)

    assert values(tmp_path, content)["x"] == expected


def test_a_type_is_told_from_all_rows(tmp_path: Path) -> None:
    content = "x,y\n" + "1,0\n" * 20_000 + "one,0\n"

    assert values(tmp_path, content)["x"][-1] == "one"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(",b\n1,2\n", {"column 1": [1], "b": [2]}, id="pandas index"),
        pytest.param("a, ,\n1,2,3\n", {"a": [1], "column 2": [2], "column 3": [3]}, id="two"),
        pytest.param("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}, id="byte order mark"),
        pytest.param("a,b\r\n1,2\r\n\r\n", {"a": [1], "b": [2]}, id="other line ends"),
        pytest.param("a,b\n1,2\n\n3,4\n\n", {"a": [1, 3], "b": [2, 4]}, id="blank lines"),
        pytest.param('a,b\n"x\ny",2\n', {"a": ["x\ny"], "b": [2]}, id="line break in a cell"),
        pytest.param('"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}, id="line break in a name"),
        pytest.param("a,b\n1,2", {"a": [1], "b": [2]}, id="no last line end"),
        pytest.param("a\n1\n\n2\n", {"a": [1, None, 2]}, id="a blank line may be a null"),
    ],
)
def test_odd_files_are_read(
    tmp_path: Path, content: str, expected: dict[str, list[object]]
) -> None:
    assert values(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("\ufeff\n", "is empty", id="nothing but blanks"),
        pytest.param("a,b\n", "a header but no rows", id="header only"),
        pytest.param("a,b\n\n", "a header but no rows", id="header and a blank line"),
        pytest.param("\na,b\n1,2\n", "the first line is blank", id="blank header"),
        pytest.param("a,b,a\n1,2,3\n", "columns of the same name: 'a'", id="repeated name"),
        pytest.param("a;b\n1;2\n", "parted by ';'", id="semicolons"),
        pytest.param('a,b\n"1,2\n3,4\n', "no valid CSV file: line 3", id="open quotation"),
        pytest.param(b"a,b\n1,\xe9\n", "byte 6 (in line 2) is 0xe9; save it as UTF-8", id="Latin"),
        pytest.param("a,b\r1,2\r", "check its line ends", id="line ends of old"),
    ],
)
def test_files_that_cannot_be_read_are_told_why(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_frame(written(tmp_path, content))

    assert said in str(caught.value)


def test_lines_of_unequal_length_are_named_and_counted(tmp_path: Path) -> None:
    content = "a,b\n1,2\n3\n4,5,6\n" + "7\n" * 10

    with pytest.raises(UserError) as caught:
        read_frame(written(tmp_path, content))

    assert "the header has 2 fields, 12 lines have not" in str(caught.value)
    assert caught.value.problems[:2] == ["line 3 has 1 fields", "line 4 has 3 fields"]
    assert caught.value.problems[-1] == "and 7 lines more"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not there"):
        read_frame(tmp_path / "none.csv")
    with pytest.raises(NotFound, match="a folder"):
        read_frame(tmp_path)


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'\.xlsx'; save it as \.csv or \.parquet"):
        read_frame(written(tmp_path, "a,b\n1,2\n", "rows.xlsx"))


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    given = pl.DataFrame(
        {
            "small": pl.Series([1, 2, None], dtype=pl.Int8),
            "large": pl.Series([2**64 - 1, 1, 2], dtype=pl.UInt64),
            "real": pl.Series([1.5, float("nan"), None], dtype=pl.Float32),
            "exact": pl.Series(["1.25", "2", "3"]).cast(pl.Decimal(10, 2)),
            "text": ["1", " ", "NA"],
            "level": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
            "day": pl.Series(["2024-01-01"] * 3).str.to_date(),
            "time": pl.Series(["2024-01-01 12:00"] * 3).str.to_datetime(time_zone="Asia/Tokyo"),
        }
    )
    given.write_parquet(tmp_path / "rows.parquet")

    frame = read_frame(tmp_path / "rows.parquet")

    assert frame["small"].to_list() == [1, 2, None]
    assert frame["large"].to_list() == ["18446744073709551615", "1", "2"]
    assert frame["real"].to_list() == [1.5, None, None]
    assert frame["exact"].to_list() == [1.25, 2.0, 3.0]
    assert frame["text"].to_list() == ["1", None, None]
    assert frame["level"].to_list() == ["a", "b", "a"]
    assert [str(t) for t in frame["day"].to_list()] == ["2024-01-01 00:00:00+00:00"] * 3
    assert [str(t) for t in frame["time"].to_list()] == ["2024-01-01 03:00:00+00:00"] * 3


def test_a_parquet_file_with_lists_is_refused_by_column(tmp_path: Path) -> None:
    pl.DataFrame({"a": [[1]], "b": [1], "c": [b"x"]}).write_parquet(tmp_path / "rows.parquet")

    with pytest.raises(UserError) as caught:
        read_frame(tmp_path / "rows.parquet")

    assert [one.split(" holds")[0] for one in caught.value.problems] == ["'a'", "'c'"]


def test_a_parquet_file_without_rows_or_sense_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).clear().write_parquet(tmp_path / "rows.parquet")

    with pytest.raises(UserError, match="a header but no rows"):
        read_frame(tmp_path / "rows.parquet")
    with pytest.raises(UserError, match="no valid Parquet file"):
        read_frame(written(tmp_path, "a,b\n1,2\n", "text.parquet"))
