"""Write files completely or not at all, and make missing folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from musicae.core.errors import ChoraleError

_COUNTER = count(1)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; at the end it replaces ``path``.

    If the body fails, the temporary file is removed and an existing ``path`` is unchanged. Raises
    ChoraleError if ``path`` is a folder, or its folder is missing or cannot be written to.
    """
    if path.is_dir():
        raise ChoraleError(f"{path}: is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise ChoraleError(f"{path}: there is no folder {path.parent}")
    # Short, because the name may have the greatest length that a file system allows; the
    # suffix stays, because libraries choose the format by it.
    partial = path.with_name(f".{os.getpid()}-{next(_COUNTER)}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise ChoraleError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            partial.unlink()


def check_new_folder(folder: Path, what: str) -> None:
    """Check that a folder for ``what`` is missing or empty. Raises ChoraleError if it is not.

    The current folder is refused as well.
    """
    if folder.resolve() == Path.cwd():
        raise ChoraleError(f"{folder}: {what} needs a folder of its own; name a new one")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ChoraleError(f"{folder}: is there already; name another folder, or remove it")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; at the end it replaces ``folder``, which is missing or empty.

    If the body fails, nothing is left. Raises ChoraleError if the folder cannot be written.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
            whole = Path(made) / "whole"
            whole.mkdir()
            yield whole
            if folder.exists():
                folder.rmdir()
            whole.replace(folder)
    except OSError as error:
        raise ChoraleError(f"{folder}: cannot be written ({error.strerror or error})") from None


def make_folder(folder: Path) -> None:
    """Make a folder and its parents if they are missing. Raises ChoraleError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChoraleError(f"{folder}: cannot be made ({error.strerror})") from None


def numbered(path: Path, n: int) -> list[Path]:
    """``path`` itself for one piece; for more, ``-1`` to ``-n`` stand before the suffix."""
    if n == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{i}{path.suffix}") for i in range(1, n + 1)]
