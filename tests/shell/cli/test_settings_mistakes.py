from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from homeostat.cli.settings import Settings, load_settings
from homeostat.errors import NotFound, UserError

MINIMAL = """
model: credit
target: {column: late}
features:
  age: {kind: integer, minimum: 0, maximum: 120}
  city: {kind: category, categories: [Bergen, Oslo], nullable: true}
data: {path: rows.csv}
"""


def load(folder: Path, text: str = MINIMAL, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "homeostat.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(folder, text, environ)
    return caught.value.problems


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(
            "monitorng: {}", "unknown key 'monitorng'; did you mean 'monitoring'?", id="section"
        ),
        pytest.param(
            "monitoring: {intervall_s: 3}",
            "monitoring: unknown key 'intervall_s'; did you mean 'interval_s'?",
            id="key",
        ),
        pytest.param(
            "segments: [{column: city, edge: [1]}]",
            "segments.0: unknown key 'edge'; did you mean 'edges'?",
            id="key in a list",
        ),
        pytest.param(
            "monitoring: {interval_s: -5}",
            "monitoring.interval_s: should be greater than 0, not -5",
            id="range",
        ),
        pytest.param(
            "monitoring: {interval_s: soon}",
            "monitoring.interval_s: should be a valid number, "
            "unable to parse string as a number, not 'soon'",
            id="word",
        ),
        pytest.param(
            "monitoring: {interval_s: .inf}",
            "monitoring.interval_s: should be a finite number, not inf",
            id="infinite",
        ),
        pytest.param(
            "serving: {port: yes}", "serving.port: should be a number, not True", id="boolean"
        ),
        pytest.param("log_level: loud", "log_level: should be 'DEBUG', 'INFO', ", id="choice"),
        pytest.param("drift: 3", "drift: should be a valid dictionary", id="no section"),
        pytest.param(
            "segments: [{column: agee, edges: [3]}]",
            "segments.0.column: no feature 'agee'; did you mean 'age'?",
            id="segment of nothing",
        ),
        pytest.param(
            "segments: [{column: age}]",
            "segments.0.edges: 'age' is integer, which needs edges",
            id="segment without edges",
        ),
        pytest.param(
            "segments: [{column: city, edges: [1]}]",
            "segments.0.edges: 'city' is category, which takes no edges",
            id="edges of a text",
        ),
        pytest.param(
            "segments: [{column: age, edges: [60, 30]}]",
            "segments.0.edges: must rise: 60, 30",
            id="falling edges",
        ),
        pytest.param("id: age", "id: 'age' is a feature or the target already", id="id"),
        pytest.param("time: late", "time: 'late' is a feature or the target already", id="time"),
        pytest.param(
            "task: regression", "task: regression: only binary is supported so far", id="task"
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    (found,) = problems(tmp_path, MINIMAL + line)

    assert found.startswith(said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("model: credit", "", "model: missing", id="no model"),
        pytest.param("data: {path: rows.csv}", "", "data: missing", id="no data"),
        pytest.param(
            "model: credit",
            "model: a/b",
            "model: should match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$', not 'a/b'",
            id="name",
        ),
        pytest.param(
            "{column: late}",
            "{column: late, positive: yes}",
            "target.positive: should be text; put it in quotes, not True",
            id="bare yes",
        ),
        pytest.param(
            "{column: late}",
            "{column: late, positive: 2}",
            "target.positive: '2' is not among the classes 0, 1",
            id="no class",
        ),
        pytest.param(
            "{column: late}",
            "{column: late, classes: [1, 1]}",
            "target.classes: '1' comes twice",
            id="one class",
        ),
        pytest.param(
            "{column: late}",
            "{column: age}",
            "features: 'age' is the target; it cannot be a feature too",
            id="target",
        ),
        pytest.param(
            "maximum: 120",
            "maximum: -1",
            "features: 'age' has an empty range: 0 to -1",
            id="empty range",
        ),
        pytest.param(
            "kind: integer",
            "kind: int",
            "features.age.kind: should be 'number', 'integer', 'boolean' or 'category', not 'int'",
            id="kind",
        ),
        pytest.param(
            "maximum:",
            "maximun:",
            "features.age: unknown key 'maximun'; did you mean 'maximum'?",
            id="key of a feature",
        ),
        pytest.param(
            "categories: [Bergen, Oslo], ",
            "",
            "features.city.categories: missing; name those that are known",
            id="no category",
        ),
        pytest.param(
            "[Bergen, Oslo]",
            "[Oslo, Oslo]",
            "features.city.categories: one comes twice",
            id="category twice",
        ),
        pytest.param(
            "categories: [Bergen, Oslo]",
            "minimum: 3, categories: [Oslo]",
            "features.city: a range is only for numbers, not for category",
            id="range of texts",
        ),
        pytest.param(
            "minimum: 0",
            "categories: [a]",
            "features.age.categories: only for kind category, not integer",
            id="categories of numbers",
        ),
    ],
)
def test_a_mistake_in_what_must_be_there(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in MINIMAL

    found = problems(tmp_path, MINIMAL.replace(old, new))

    assert said in found


def test_all_that_is_wrong_in_file_and_environment_is_told_at_once(tmp_path: Path) -> None:
    text = MINIMAL + "monitorng: {}\nserving: {port: 99999999}\n"
    environ = {"MONITORING_INTERVAL": "-5", "HOMEOSTAT_X__Y": "1", "LOG_LEVEL": "loud"}

    found = problems(tmp_path, text, environ)

    assert [one.split(":")[0] for one in sorted(found)] == [
        "environment",
        "log_level",
        "monitoring.interval_s",
        "serving.port",
        "unknown key 'monitorng'; did you mean 'monitoring'?",
    ]
    assert (
        "monitoring.interval_s: should be greater than 0, not '-5' (from MONITORING_INTERVAL)"
        in (found)
    )


def test_passwords_are_not_said_again(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, MINIMAL, {"DATABASE_URL": "mysql://me:hush@host/name"})

    assert found == (
        "store.url: should be sqlite:///<file> or postgresql://<user>@<host>/<name> "
        "(from DATABASE_URL)"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("- a\n- b\n", "holds a list; it must be a mapping", id="list"),
        pytest.param("credit", "holds a str; it must be a mapping", id="word"),
        pytest.param("# nothing\n", "is empty; it must be a mapping", id="empty"),
        pytest.param("model: credit\n  task: x\n", "line 2, column 7", id="indent"),
        pytest.param("model: [a\n", "no valid YAML: line 2, column 1", id="open bracket"),
        pytest.param(
            "a: !!python/object/apply:os.system ['true']\n",
            "no valid YAML: line 1, column 4: could not determine a constructor",
            id="python object",
        ),
        pytest.param("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key 'a' is there", id="twice"),
        pytest.param("a: {b: 1, b: 2}\n", "line 1, column 11: the key 'b'", id="twice, inside"),
        pytest.param("a: \x07\n", "no valid YAML", id="control character"),
    ],
)
def test_what_is_no_settings_file_is_told_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)

    assert said in str(caught.value)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="run `homeostat init` first"):
        load_settings(tmp_path / "homeostat.yaml", {})


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "homeostat.yaml"
    path.write_bytes(b"model: caf\xe9\n")

    with pytest.raises(UserError, match="not UTF-8: byte 10"):
        load_settings(path, {})


@given(st.recursive(st.none() | st.text(), lambda x: st.dictionaries(st.text(), x), max_leaves=9))
def test_whatever_a_file_holds_a_user_error_is_the_worst(
    tmp_path_factory: pytest.TempPathFactory, plain: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()

    with pytest.raises(UserError):
        load(folder, yaml.safe_dump(plain, allow_unicode=True))


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ({"channels": {"a": {"kind": "slack", "options": "canary"}}}, "channels.a.options"),
        ({"channels": {"a": {"kind": "slack", "otpions": {}}}}, "did you mean 'options'?"),
        ({"channels": {"a": {"kind": "slack", "fallback": "b"}}}, "no channel 'b'"),
        ({"channels": {"a": {"kind": "slack", "fallback": "a"}}}, "is the channel itself"),
        ({"escalate_to": ["b"]}, "no channel 'b'; there is none"),
        ({"rules": [{"name": "a", "question": "drift", "sevrity": "LOW"}]}, "'severity'?"),
        ({"rules": [{"name": "a", "question": "q", "above": 1, "below": 0}]}, "make two rules"),
        ({"rules": [{"name": "a", "question": "q", "above": 1}] * 2}, "'a' comes twice"),
        ({"runbook": "javascript:x"}, "should be an address of the web"),
        ({"timezone": "Mars"}, "no time zone 'Mars' is known here"),
        ({"allowed_networks": ["everything"]}, "allowed_networks"),
        (
            {"channels": {"a": {"kind": "slack", "hours": "17:00", "hours_end": "09:00"}}},
            "17:00 is not before 09:00",
        ),
    ],
)
def test_alerts_that_cannot_be_told_like_this(
    tmp_path: Path, alerts: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as error:
        load(tmp_path, MINIMAL + yaml.safe_dump({"alerts": alerts}))

    assert says in str(error.value)
    assert "canary" not in str(error.value)
