import json
from datetime import timedelta
from pathlib import Path

import pytest

from homeostat.access import digest_of
from homeostat.cli.project import open_project
from tests.shell.project import START, command

Capture = pytest.CaptureFixture[str]


def test_a_key_is_shown_once_and_only_its_digest_is_kept(folder: Path, capsys: Capture) -> None:
    assert command(folder, "key", "create", "shop", "--role", "predict", "--rate", "5") == 0
    secret = capsys.readouterr().out.splitlines()[0]
    assert command(folder, "key", "list") == 0
    listed = capsys.readouterr().out

    with open_project(folder / "homeostat.yaml") as project:
        [kept] = project.store.keys.all()
    assert secret.startswith("homeostat_")
    assert len(secret) == len("homeostat_") + 43  # 256 bits
    assert kept.digest == digest_of(secret.encode())
    assert kept.rate_per_s == 5
    assert ("shop" in listed, secret in listed, kept.digest in listed) == (True, False, False)
    assert not [
        file
        for file in folder.rglob("*")
        if file.is_file() and secret.encode() in file.read_bytes()
    ]


def test_no_two_keys_are_the_same(folder: Path, capsys: Capture) -> None:
    for name in ("a", "b"):
        assert command(folder, "key", "create", name, "--role", "read") == 0
    lines = [one for one in capsys.readouterr().out.splitlines() if one.startswith("homeostat_")]

    assert len(set(lines)) == 2


def test_json_tells_the_key_once_too(folder: Path, capsys: Capture) -> None:
    made = ("key", "create", "ops", "--role", "read", "--role", "operate", "--json")
    assert command(folder, *made, "--as-of", START.isoformat()) == 0
    created = json.loads(capsys.readouterr().out)
    later = (START + timedelta(hours=1)).isoformat()
    assert command(folder, "key", "revoke", "ops", "--as-of", later) == 0
    capsys.readouterr()
    assert command(folder, "key", "list", "--json") == 0
    [listed] = json.loads(capsys.readouterr().out)

    secret = created.pop("key")
    assert secret.startswith("homeostat_")
    assert created["roles"] == ["operate", "read"]
    assert listed == {**created, "revoked_at": later}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["create", "shop"], id="no role"),
        pytest.param(["create", "shop", "--role", "king"], id="no such role"),
        pytest.param(["create", "a b", "--role", "read"], id="no name"),
        pytest.param(["create", "../a", "--role", "read"], id="a path"),
        pytest.param(["create", "shop", "--role", "read", "--rate", "0"], id="no rate"),
        pytest.param(["revoke", "nobody"], id="not there"),
    ],
)
def test_2_when_it_cannot_be_made(folder: Path, arguments: list[str], capsys: Capture) -> None:
    assert command(folder, "key", *arguments) == 2

    assert capsys.readouterr().err.strip()
    with open_project(folder / "homeostat.yaml") as project:
        assert project.store.keys.all() == []


def test_a_name_is_not_taken_twice(folder: Path, capsys: Capture) -> None:
    assert command(folder, "key", "create", "shop", "--role", "read") == 0
    assert command(folder, "key", "create", "shop", "--role", "admin") == 2

    assert "'shop'" in capsys.readouterr().err
    with open_project(folder / "homeostat.yaml") as project:
        assert [sorted(one.roles) for one in project.store.keys.all()] == [["read"]]


def test_none_yet(folder: Path, capsys: Capture) -> None:
    assert command(folder, "key", "list") == 0
    assert "homeostat key create" in capsys.readouterr().out
