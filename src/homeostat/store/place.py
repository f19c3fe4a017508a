"""Where a SQLite file lies, and what SQLite is: what it asks of both."""

import os
from collections.abc import Sequence
from pathlib import Path

from homeostat.errors import UserError

__all__ = ["LOG_RESET_FIXED", "log_reset_warning", "refuse_network_disk"]

#: File systems without the shared memory and the locks that a write-ahead log needs.
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "fuse.sshfs", "afs")

_MOUNTS = Path("/proc/self/mountinfo")  #: of Linux; elsewhere nobody looks

#: From here on SQLite cannot lose a commit that meets the end of a checkpoint.
LOG_RESET_FIXED = (3, 51, 3)


def refuse_network_disk(file: Path, mounts: str | None = None) -> None:
    """Refuse a SQLite file on a disk of another machine.

    Parameters
    ----------
    file
        Of the database; need not exist.
    mounts
        As in /proc/self/mountinfo, which is read by default.

    Raises
    ------
    UserError
        When it lies on NFS, CIFS or the like.

    Examples
    --------
    >>> refuse_network_disk(Path("/data/x.db"), "36 35 0:1 / /data rw - nfs4 host:/x rw")
    Traceback (most recent call last):
    homeostat.errors.UserError: /data/x.db lies on nfs4, whose locks SQLite cannot trust; ...
    """
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    kind = _file_system(os.path.realpath(file), mounts)
    if kind in _NETWORK:
        message = f"{file} lies on {kind}, whose locks SQLite cannot trust"
        raise UserError(f"{message}; use a local disk, or PostgreSQL")


def _file_system(path: str, mounts: str) -> str:
    """The kind of the file system that holds the path; of two at one place the later."""
    best, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        place = _unescaped(before.split()[4])
        holds = path == place or path.startswith(place.rstrip("/") + "/")
        if holds and len(place) >= len(best):
            best, kind = place, after.split()[0]
    return kind


def _unescaped(text: str) -> str:
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\134", "\\")):
        text = text.replace(code, character)
    return text


def log_reset_warning(version: Sequence[int]) -> str | None:
    """What an operator should know of this version of SQLite; None from 3.51.3 on.

    Examples
    --------
    >>> log_reset_warning((3, 51, 3))
    >>> print(log_reset_warning((3, 40, 1)))
    SQLite 3.40.1 can damage a file that two write at the same moment (fixed in 3.51.3); ...
    """
    if tuple(version) >= LOG_RESET_FIXED or tuple(version) < (3, 7, 0):
        return None
    return (
        f"SQLite {'.'.join(map(str, version))} can damage a file that two write at the same "
        "moment (fixed in 3.51.3); processes of homeostat write one after the other, let "
        "nothing else write to the file"
    )
