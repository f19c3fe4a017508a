"""Beyond loopback the service needs keys, and a way on which nobody reads them."""

import json
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from homeostat.access import Key, Role, digest_of
from homeostat.cli.serve import refuse_open_door
from homeostat.cli.settings import Settings, load_settings
from homeostat.errors import UserError
from homeostat.store import open_store
from tests.faults.served import make_project, serving
from tests.shell.serving.world import CONFIG, NOW, ROW

EVERYWHERE = ("0.0.0.0", "::", "192.0.2.1", "example.org", "[::]", "0", "2130706432")
LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "localhost")
TLS = {"tls_certificate": "certificate.pem", "tls_key": "key.pem"}


def settings_in(folder: Path, **serving: Any) -> Settings:
    file = folder / "homeostat.yaml"
    file.write_text(json.dumps({**CONFIG, "serving": serving}))
    return load_settings(file, {})


def refused(host: str, settings: Settings) -> str:
    with pytest.raises(UserError) as refusal:
        refuse_open_door(host, settings)
    return str(refusal.value)


@pytest.mark.parametrize("host", EVERYWHERE)
def test_it_needs_a_key_and_a_closed_way(tmp_path: Path, host: str) -> None:
    said = refused(host, settings_in(tmp_path))

    assert "homeostat key create" in said
    assert "serving.tls_certificate" in said
    assert "serving.behind_proxy" in said


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_this_machine_it_needs_nothing(tmp_path: Path, host: str) -> None:
    refuse_open_door(host, settings_in(tmp_path))


@pytest.mark.parametrize("way", [TLS, {"behind_proxy": True}], ids=["TLS", "proxy"])
def test_a_key_and_a_way_are_enough(tmp_path: Path, way: dict[str, Any]) -> None:
    refuse_open_door("0.0.0.0", settings_in(tmp_path, api_key="a key", **way))

    assert "no API key" in refused("0.0.0.0", settings_in(tmp_path, **way))
    assert "no API key" in refused("0.0.0.0", settings_in(tmp_path, api_key="", **way))
    assert "in the clear" in refused("0.0.0.0", settings_in(tmp_path, api_key="a key"))


def test_a_stored_key_is_one_until_it_is_revoked(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, behind_proxy=True)
    roles = frozenset({Role.PREDICT})
    key = Key(name="a", roles=roles, digest=digest_of(b"a"), created_at=NOW)
    with open_store(settings.store.url) as store:
        store.keys.add(key)
        refuse_open_door("0.0.0.0", settings)
        store.keys.revoke("a", NOW)

    assert "no API key" in refused("0.0.0.0", settings)


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="go together"):
        settings_in(tmp_path, tls_key="key.pem")


def test_files_lie_beside_the_settings(tmp_path: Path) -> None:
    serving_ = settings_in(tmp_path, **TLS).serving

    assert (serving_.tls_certificate, serving_.tls_key) == (
        tmp_path / "certificate.pem",
        tmp_path / "key.pem",
    )


def test_with_a_certificate_only_https_is_spoken(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([*made, *named, *files], check=True, capture_output=True)
    folder = make_project(tmp_path, serving=TLS)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    with serving(folder, wait=False) as served:
        connection = HTTPSConnection("localhost", served.port, timeout=60, context=trusted)
        connection.request("POST", "/predict", json.dumps(ROW))
        answer = connection.getresponse()
        connection.close()
        with served.connect() as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            heard = plain.recv(100)

    assert answer.status == 200
    assert b"200" not in heard
