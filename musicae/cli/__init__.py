"""The command ``musicae``: it parses, calls the public API and prints; nothing else."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

import musicae
from musicae.cli import printing
from musicae.cli.commands import Commands
from musicae.core.errors import MusicaeError

# Typer does not export the base class of click's errors; it is an ancestor of BadParameter.
ClickException: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="musicae",
    cls=Commands,
    help="Harmonize a melody into a four-part chorale, and compose new chorales.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command.

    An error that the user can act on is one line on stderr, with exit status 2.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the terminal may lack letters of a name
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(standalone_mode=False)
    except ClickException as error:
        _fail(error.format_message())  # type: ignore[attr-defined]
    except MusicaeError as error:
        _fail(str(error))
    except BrokenPipeError:  # the reader closed the pipe; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", status=130)
    sys.exit(status if isinstance(status, int) else 0)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"musicae {musicae.__version__}")
        raise typer.Exit


def _fail(message: str, status: int = 2) -> None:
    printing.print_error(message)
    sys.exit(status)
