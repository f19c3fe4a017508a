"""What tests share: hypothesis profiles, PostgreSQL, stores of both kinds, the real data.

Environment
-----------
HOMEOSTAT_TEST_POSTGRES_URL
    A server whose user may create databases; without it a private one is started.
HOMEOSTAT_DATA
    The folder of the real data files.
HOMEOSTAT_REQUIRE_ALL
    When set, what cannot be had fails the test instead of skipping it.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import coverage
import pytest
from hypothesis import settings
from sqlalchemy import URL, create_engine, make_url, text

REPOSITORY = Path(__file__).parents[1]
MEASURED = "COVERAGE_PROCESS_CONFIG"  #: makes coverage measure child processes
DEBIAN = Path("/usr/lib/postgresql")  #: holds one folder for each major version

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses a fixture with what the fixture needs, so that `-m` can leave it out."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "data_dir" in fixtures:
            item.add_marker("data")
        if parameters.get("store_url", "postgres" if "postgres_url" in fixtures else None) == (
            "postgres"
        ):
            item.add_marker("postgres")
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")
    items.sort(key=_place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Neither long tests are measured, nor their child processes: it takes twice as long."""
    measured = None
    if item.get_closest_marker("slow"):
        measured = os.environ.pop(MEASURED, None)
    try:
        return (yield)
    finally:
        if measured is not None:
            os.environ[MEASURED] = measured


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A worker is itself a child process, which is measured beneath what pytest-cov pauses."""
    while item.get_closest_marker("slow") and (beneath := coverage.Coverage.current()):
        beneath.stop()
    return (yield)


def _place(item: pytest.Item) -> tuple[float, bool]:
    """Modules with long tests come first, so that no worker is left with one at the end."""
    timeout = item.get_closest_marker("timeout")
    longest = float(timeout.args[0]) if timeout else 0.0
    return -longest, item.get_closest_marker("slow") is None


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it where all must be there."""
    if os.environ.get("HOMEOSTAT_REQUIRE_ALL"):
        pytest.fail(f"{what} (and HOMEOSTAT_REQUIRE_ALL is set)")
    pytest.skip(what)


# ------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="session")
def postgres_url(worker_id: str) -> Iterator[str]:
    """The URL of a server for this process: given by the environment, or private."""
    given = os.environ.get("HOMEOSTAT_TEST_POSTGRES_URL")
    if given:
        yield spell(make_url(given))
        return
    binaries = newest_binaries()
    if binaries is None:
        missing("no PostgreSQL server: run scripts/services.sh or set HOMEOSTAT_TEST_POSTGRES_URL")
    folder = Path(tempfile.mkdtemp(prefix="homeostat-pg-"))
    try:
        yield from private_server(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_database(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The URL of a new, empty database, dropped after the test."""
    server = make_url(postgres_url)
    name = f"homeostat_{os.getpid()}_{worker_id}_{next(COUNTER)}"
    administer(server, f'CREATE DATABASE "{name}"')
    yield spell(server.set(database=name))
    administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


COUNTER = count()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'homeostat.db'}"
    return str(request.getfixturevalue("postgres_database"))


def spell(url: URL) -> str:
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def newest_binaries() -> Path | None:
    folders = [path.parent for path in DEBIAN.glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def private_server(binaries: Path, folder: Path) -> Iterator[str]:
    """A server on a free port with its data in `folder`, stopped at the end."""
    run = as_user(folder)
    data, log = folder / "data", folder / "log"
    initdb = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    run([f"{binaries}/initdb", "-D", f"{data}", *initdb])
    port = free_port()
    # Nothing outlives the tests, so nothing needs to reach the disk.
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        "-c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB"
    )
    control = [f"{binaries}/pg_ctl", "-D", f"{data}", "-w"]
    run([*control, "-l", f"{log}", "-o", options, "start"])
    try:
        yield spell(URL.create("postgresql", "postgres", None, "127.0.0.1", port, "postgres"))
    finally:
        run([*control, "-m", "immediate", "stop"])


def as_user(folder: Path) -> Callable[[list[str]], None]:
    """Runs commands in `folder`, as nobody when we are root, which PostgreSQL refuses."""
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        user = {"user": "nobody", "extra_groups": []}

    def run(command: list[str]) -> None:
        environment = {"HOME": str(folder), "LC_ALL": "C", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            **user,
        )
        if done.returncode:
            log = folder / "log"
            said = log.read_text() if log.exists() else ""
            pytest.fail(f"{command[0]}: {done.stderr.decode()}\n{said}")

    return run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---------------------------------------------------------------------------------- the data


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real data files, one folder in it for each source."""
    given = os.environ.get("HOMEOSTAT_DATA")
    folder = Path(given) if given else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        missing("no data files: set HOMEOSTAT_DATA to their folder")
    return folder
