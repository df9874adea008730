"""Files that another job has left: read whole and bounded, never through a link, never from outside their folder."""

import os
import stat
from pathlib import Path

from forkkeeper.errors import RequestError


def read(folder: Path, name: str, most: int) -> bytes:
    """Read a plain file of a folder. most -- bytes. Raises RequestError for anything else that has its name."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise _odd(folder, name, "is no name of a file in it")
    try:
        handle = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise _odd(folder, name, "is not there") from error
    except OSError as error:  # ELOOP: a link
        raise _odd(folder, name, f"is no plain file: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _odd(folder, name, "is no plain file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _odd(folder, name, f"is larger than {most:,} bytes")
    return data


def _odd(folder: Path, name: str, found: str) -> RequestError:
    return RequestError("publish", f"{folder}/{name}", found, "`forkkeeper nightly` fills the folder anew")
