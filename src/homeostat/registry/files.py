"""Folders of files that appear whole or not at all, and are read only as they were written."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from homeostat.errors import StateError, Unavailable

__all__ = ["manifest_digest", "read_verified", "sha256", "write_folder"]

#: What begins so is being written, or was when its writer died.  It is no version: a
#: version is what the database says.
UNFINISHED = ".new-"
LOCK = ".lock"


def sha256(data: bytes) -> str:
    """The sha256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def manifest_digest(manifest: Mapping[str, str]) -> str:
    """sha256 of the canonical JSON of a manifest, in hex."""
    return sha256(json.dumps(dict(manifest), sort_keys=True, separators=(",", ":")).encode())


def write_folder(parent: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """A new folder in `parent` that holds `files`, on the disk before it is visible.

    It is called `name`, or ``name.2``, ``name.3`` ... where a run that died later has left a
    folder of that name: what another version may rest on is never written over.

    Raises
    ------
    Unavailable
        When the disk does not take it, or another process is writing into `parent`.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with _alone(parent):
            _clean(parent)
            unfinished = parent / f"{UNFINISHED}{name}"
            try:
                return _write(unfinished, _free(parent, name), files)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    except OSError as error:
        raise Unavailable(f"nothing was saved in {parent}: {error}") from error


def read_verified(root: Path, location: str, manifest: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a folder, every one of them as the manifest says; no byte is interpreted.

    Raises
    ------
    StateError
        When the folder or a file is missing, changed, extra or no plain file; all are named.
    Unavailable
        When the disk does not answer.
    """
    folder = _inside(root, location)
    try:
        found = sorted(entry.name for entry in folder.iterdir())
        contents = {name: _plain_bytes(folder / name) for name in found if name in manifest}
    except OSError as error:
        raise Unavailable(f"the artefact {folder} cannot be read: {error}") from error
    problems = [f"{name}: not in the manifest" for name in found if name not in manifest]
    problems += [f"{name}: missing" for name in manifest if name not in contents]
    files: dict[str, bytes] = {}
    for name, data in contents.items():
        if data is None:
            problems.append(f"{name}: no plain file")
        elif sha256(data) != manifest[name]:
            problems.append(f"{name}: changed")
        else:
            files[name] = data
    if problems:
        named = "; ".join(sorted(problems))
        raise StateError(f"the artefact {folder} is not the one that was registered: {named}")
    return files


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Hold the lock of a folder; the system takes it back from a process that dies."""
    with (parent / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(f"another process is saving in {parent}; try again") from error
        yield


def _clean(parent: Path) -> None:
    for leftover in parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)


def _free(parent: Path, name: str) -> Path:
    target, attempt = parent / name, 1
    while target.exists() or target.is_symlink():
        attempt += 1
        target = parent / f"{name}.{attempt}"
    return target


def _write(unfinished: Path, target: Path, files: Mapping[str, bytes]) -> Path:
    unfinished.mkdir()
    for name, data in files.items():
        with (unfinished / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync(unfinished)
    unfinished.rename(target)
    _sync(target.parent)
    _sync(target.parent.parent)
    return target


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _inside(root: Path, location: str) -> Path:
    """The folder of a location, which has to be a plain one under the root."""
    parts = PurePosixPath(location).parts
    if not parts or ".." in parts or PurePosixPath(location).is_absolute() or "\0" in location:
        raise StateError(f"{location!r} is no place for an artefact; it must be under {root}")
    folder = root
    for part in parts:
        folder = folder / part
        if folder.is_symlink() or not folder.is_dir():
            raise StateError(f"the artefact folder {folder} is missing, or a link")
    return folder


def _plain_bytes(file: Path) -> bytes | None:
    """The content, or None where it is a link, a folder or a device."""
    if file.is_symlink() or not file.is_file():
        return None
    with suppress(FileNotFoundError):
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as opened:
            return opened.read()
    return None
