"""A disk that loses power: what it may hold at any moment of a recorded run.

The calls by which a real process writes are recorded with strace.  Played back, a write is
volatile until its file is synced.  When the power is cut each volatile write is kept, torn
or dropped, by chance and independently of the others, and so is each new or removed name
until its folder is synced.  This is harsher than most disks are, and it is the whole of what
POSIX promises.

A recording gives any number of cuts, and the store under test is the one that is shipped.
"""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import missing

SECTOR = 512  #: bytes that a disk writes whole or not at all

CALLS = "openat,close,write,pwrite64,ftruncate,fsync,fdatasync,unlink,rename"

_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(frozen=True, slots=True)
class Event:
    """One step of the recorded process that changes, syncs or says something."""

    kind: str  #: create, unlink, write, truncate, sync, sync_folder or say
    path: str = ""
    data: bytes = b""
    offset: int = 0  #: of a write; the new length of a truncation


@dataclass
class File:
    """One file: what is safe, and what was written since, in order."""

    safe: bytearray = field(default_factory=bytearray)
    volatile: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        self.safe = self.full()
        self.volatile.clear()

    def full(self) -> bytearray:
        """What a program sees while there is power."""
        content = bytearray(self.safe)
        for one in self.volatile:
            apply(content, one)
        return content

    def after_a_cut(self, chance: random.Random) -> bytearray:
        content = bytearray(self.safe)
        for one in self.volatile:
            fate = chance.random()
            if fate < 1 / 3:
                apply(content, one)
            elif fate < 2 / 3:
                apply(content, torn(one, chance))
        return content


def apply(content: bytearray, event: Event) -> None:
    if event.kind == "truncate":
        content[event.offset :] = b""
        content.extend(bytes(event.offset - len(content)))
        return
    content.extend(bytes(max(0, event.offset - len(content))))
    content[event.offset : event.offset + len(event.data)] = event.data


def torn(event: Event, chance: random.Random) -> Event:
    """The first sectors of a write, or its last ones; all of it where it lies in one."""
    start = event.offset - event.offset % SECTOR
    borders = range(start + SECTOR, event.offset + len(event.data), SECTOR)
    if not borders:  # within one sector: all or nothing
        return event
    at = chance.choice(borders) - event.offset
    if chance.random() < 0.5:
        return Event(event.kind, event.path, event.data[:at], event.offset)
    return Event(event.kind, event.path, event.data[at:], event.offset + at)


@dataclass
class Disk:
    """The files of one folder while a recording is played."""

    files: dict[str, File] = field(default_factory=dict)
    safe_names: dict[str, File] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)  #: lines, such as what was acknowledged
    _rest: str = ""

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """A disk that holds the files of the folder, all of them safe."""
        files = {
            one.name: File(bytearray(one.read_bytes())) for one in folder.iterdir() if one.is_file()
        }
        return cls(files, dict(files))

    def play(self, event: Event) -> None:
        if event.kind == "say":
            *lines, self._rest = (self._rest + event.data.decode()).split("\n")
            self.said += lines
        elif event.kind == "sync_folder":
            self.safe_names = dict(self.files)
        elif event.kind == "unlink":
            self.files.pop(event.path, None)
        elif event.kind == "create":
            self.files.setdefault(event.path, File())
        elif event.kind == "sync":
            self.files[event.path].sync()
        else:
            self.files[event.path].volatile.append(event)

    def lose_power(self, folder: Path, seed: int) -> None:
        """Write to `folder` what this disk may hold if the power is cut now."""
        chance = random.Random(seed)
        fresh(folder)
        for name in sorted(self.files.keys() | self.safe_names.keys()):
            held, was = self.files.get(name), self.safe_names.get(name)
            kept = held if held is was or chance.random() < 0.5 else was
            if kept is not None:
                (folder / name).write_bytes(kept.after_a_cut(chance))

    def lose_the_process(self, folder: Path) -> None:
        """Write to `folder` what there is if the process is killed now."""
        fresh(folder)
        for name, held in self.files.items():
            (folder / name).write_bytes(held.full())


def fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def need_strace() -> str:
    """The path of strace; without it the test is skipped, or fails where all must be there."""
    found = shutil.which("strace")
    if found is None:
        missing("no strace: run scripts/services.sh")
    return found


def record(code: str, arguments: Sequence[str], folder: Path) -> list[Event]:
    """What a Python program does to the files of `folder`, and the lines that it prints.

    The program is to write from one thread only.
    """
    log = folder.parent / "strace.log"
    # Strings in full and as bytes; a program that leaves its own trace of modules compiled
    # would write to other folders, which are not looked at.
    options = ["-f", "-qq", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none"]
    done = subprocess.run(
        [need_strace(), *options, "-o", f"{log}", sys.executable, "-c", code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    with log.open(encoding="ascii") as lines:
        events = list(Recording(folder).events(lines))
    log.unlink()
    return events


class Recording:
    """Makes events of the lines of strace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: dict[int, str] = {}  #: names in the folder by file descriptor; "" is itself

    def events(self, lines: Iterator[str] | Sequence[str]) -> Iterator[Event]:
        for line in lines:
            _, _, call = line.partition(" ")  # the number of the process
            assert "unfinished" not in call[-40:], "two threads write at once"
            found = _CALL.match(call.strip())
            if found and not found[3].startswith("-"):
                yield from self._event(found[1], found[2], int(found[3]))

    def _event(self, call: str, arguments: str, result: int) -> Iterator[Event]:
        if call == "openat":
            yield from self._opened(arguments, result)
            return
        if call in {"unlink", "rename"}:
            path = Path(bytes_of(arguments)[0].decode())
            assert call == "unlink" or path.parent != self.folder, "no rename is expected"
            if path.parent == self.folder:
                yield Event("unlink", path.name)
            return
        descriptor = int(arguments.partition(",")[0])
        if call == "write" and descriptor == 1:
            yield Event("say", data=bytes_of(arguments)[0])
        name = self.open.get(descriptor)
        if name is None:
            return
        if call == "close":
            del self.open[descriptor]
        elif call in {"fsync", "fdatasync"}:
            yield Event("sync", name) if name else Event("sync_folder")
        elif call == "ftruncate":
            yield Event("truncate", name, offset=int(arguments.rpartition(",")[2]))
        elif call == "pwrite64":
            offset = int(arguments.rpartition(",")[2])
            data = bytes_of(arguments)[0]
            assert len(data) == result, "a write that was cut short"
            yield Event("write", name, data, offset)
        else:
            raise AssertionError(f"{call} to {name}: not known how it is played")

    def _opened(self, arguments: str, descriptor: int) -> Iterator[Event]:
        path = Path(bytes_of(arguments)[0].decode())
        self.open.pop(descriptor, None)
        if path == self.folder:
            self.open[descriptor] = ""
        elif path.parent == self.folder and not path.name.endswith("-shm"):  # made anew by SQLite
            self.open[descriptor] = path.name
            if "O_CREAT" in arguments:
                yield Event("create", path.name)


def bytes_of(arguments: str) -> list[bytes]:
    """The strings among the arguments of a call."""
    found = []
    for text, cut in _TEXT.findall(arguments):
        assert not cut, "strace shortened a string"
        found.append(bytes.fromhex(text.replace("\\x", "")))
    return found
