"""What is secret is said nowhere: planted, asked for in every way, and looked for everywhere."""

import contextlib
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from homeostat.serving.roles import ROLES
from homeostat.store import open_store
from tests.conftest import administer
from tests.faults.served import Served, serving
from tests.shell.project import command
from tests.shell.serving.world import CONFIG, ROW, put_into_service, register

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.postgres]

API_KEY = "canary-api-key-0001"
DATABASE = "canary-database-0002"
MLFLOW = "canary-mlflow-0003"
WRONG = "canary-wrong-key-0004"
BEARER = "canary-bearer-0005"
COOKIE = "canary-cookie-0006"
SECRETS = {API_KEY, DATABASE, MLFLOW, WRONG, BEARER, COOKIE}

#: No secret: it must be found, or the search finds nothing at all.
OPEN = "canary-in-the-open"


class Planted:
    """A served project full of secrets, and all that was ever said by it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.server = make_url(url)
        with_password = self.server.set(password=DATABASE)
        self.url = with_password.render_as_string(hide_password=False)
        self.environ = {
            "API_KEY": API_KEY,
            "DATABASE_URL": self.url,
            "MLFLOW_TRACKING_URI": f"http://user:{MLFLOW}@127.0.0.1:9",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        }
        self.key = ""  #: one that is stored
        self.heard: dict[str, str] = {}  #: what was said, by who said it

    def command(self, *words: str) -> tuple[int, str]:
        """Exit code of a command of the project, and what it said, which is heard."""
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environ.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = command(self.folder, *words)
        if words[:2] != ("key", "create"):  # which alone shows the key, once
            self.heard[f"{' '.join(words)} -> {code}"] = said.getvalue()
        return code, said.getvalue()

    def ask(self, served: Served, when: str, *only: str) -> None:
        """Every route with every kind of key, or only these, and every kind of body."""
        kinds: dict[str, dict[str, str]] = {
            "API_KEY": {"X-API-Key": API_KEY},
            "stored": {"X-API-Key": self.key},
            "wrong": {"X-API-Key": WRONG},
            "bearer": {"Authorization": f"Bearer {BEARER}", "Cookie": f"session={COOKIE}"},
        }
        sent = json.dumps({**ROW, "prediction_id": f"{OPEN}-{when}"})
        for kind in only or kinds:
            for route in [*ROLES, "GET /health", "GET /nothing", "BREW /predict"]:
                method, _, path = route.partition(" ")
                for body in (sent, '{"API_KEY": 1}', "{") if method == "POST" else (None,):
                    status, said = served.ask(method, path, body, kinds[kind])
                    place = f"{when}: {kind} {route} {body} -> {status}"
                    self.heard[place] = said if isinstance(said, str) else json.dumps(said)

    def everything(self, served: Served) -> dict[str, str]:
        """All that was said, logged, stored and exported, and what `ps` shows."""
        process = Path(f"/proc/{served.process.pid}")
        return {
            **self.heard,
            **{
                str(file): file.read_text(errors="replace")
                for file in self.folder.rglob("*")
                if file.is_file()
            },
            **dumped(self.server),
            "ps": (process / "cmdline").read_text() + (process / "comm").read_text(),
        }


def dumped(server: Any) -> dict[str, str]:
    """Every table of the database as text."""
    engine = create_engine(server)
    with closing(engine.connect()) as connection:
        tables = {
            f"table {name}": str(connection.execute(text(f"SELECT * FROM {name}")).all())
            for name in inspect(engine).get_table_names()
        }
    engine.dispose()
    return tables


@pytest.fixture
def planted(tmp_path: Path, postgres_database: str) -> Planted:
    folder = tmp_path / "project"
    folder.mkdir()
    settings = {one: CONFIG[one] for one in CONFIG if one != "mlflow"}
    (folder / "homeostat.yaml").write_text(json.dumps(settings))
    with open_store(postgres_database) as store:
        put_into_service(store, register(store, folder / "models"))
    planted = Planted(folder, postgres_database)
    made = planted.command("key", "create", "shop", "--role", "predict", "--role", "read")
    planted.key = made[1].splitlines()[0]
    return planted


@pytest.fixture
def served(planted: Planted) -> Iterator[Served]:
    with serving(planted.folder, environ=planted.environ) as served:
        yield served


COMMANDS = (
    *(("key", "list"), ("key", "list", "--json"), ("model", "list"), ("model", "show", "1")),
    *(("log", "export"), ("monitor", "run", "--once"), ("alert", "list"), ("decision", "list")),
    *(("model", "promote", "1"), ("model", "train"), ("reference", "freeze")),
    *(("key", "revoke", "nobody"), ("key", "create", "shop", "--role", "read", "--json")),
)


def test_no_secret_is_said_anywhere(planted: Planted, served: Served) -> None:
    planted.ask(served, "healthy")
    for words in COMMANDS:
        planted.command(*words)
    fail(planted.server)
    planted.ask(served, "without a database", "API_KEY")
    for words in COMMANDS[:3]:
        planted.command(*words)
    allow(planted.server)

    everything = planted.everything(served)
    secrets = {*SECRETS, planted.key}
    found = {
        f"{one} in {place}" for place, said in everything.items() for one in secrets if one in said
    }
    assert found == set()
    assert len(planted.key) > 40
    places = {place for place, said in everything.items() if OPEN in said}
    statuses = {place.rpartition(" -> ")[2] for place in planted.heard}
    assert {"200", "401", "403", "404", "422", "503", "0", "2", "4"} <= statuses
    assert "table predictions" in places
    assert any(place.endswith("predictions.csv") for place in places)
    assert any("POST /predict" in place for place in places)
    assert len(everything) > 100


def test_a_wrong_password_is_not_repeated(planted: Planted) -> None:
    url = planted.server.set(password=DATABASE, database="nothing_there")
    planted.environ["DATABASE_URL"] = url.render_as_string(hide_password=False)
    failed = planted.command("model", "list")
    planted.environ["DATABASE_URL"] = f"mysql://user:{DATABASE}@127.0.0.1/a"
    refused = planted.command("model", "list")

    assert (failed[0], refused[0]) == (4, 2)
    assert failed[1]
    assert refused[1]
    assert DATABASE not in failed[1] + refused[1]


def test_settings_do_not_show_what_is_secret(planted: Planted) -> None:
    from homeostat.cli.settings import load_settings

    settings = load_settings(planted.folder / "homeostat.yaml", planted.environ)

    assert (settings.serving.api_key, settings.store.url) == (API_KEY, planted.url)
    assert not [one for one in SECRETS if one in repr(settings) + str(settings)]


def fail(server: Any) -> None:
    """Let nobody into the database."""
    everybody = server.set(database="postgres")
    administer(everybody, f'ALTER DATABASE "{server.database}" ALLOW_CONNECTIONS false')
    administer(
        everybody,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{server.database}'",
    )


def allow(server: Any) -> None:
    everybody = server.set(database="postgres")
    administer(everybody, f'ALTER DATABASE "{server.database}" ALLOW_CONNECTIONS true')
