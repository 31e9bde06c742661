"""Write docs/reference/commands.md from the commands themselves.

    python scripts/make_command_reference.py [FILE]

The same text comes out every time. A test compares it with the committed file.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from musicae.cli import app

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "reference" / "commands.md"
INTRODUCTION = """\
# Commands

<!-- Written by scripts/make_command_reference.py from the commands; edit their help texts. -->

`musicae COMMAND --help` prints the same in a terminal, and `musicae --version` the version.

Exit status: 0 if everything was done, 1 if `check --strict` found a mistake, 2 if something could
not be used, 130 after Ctrl-C. An error is one line on stderr that begins with `error:`.
"""
VALUES = {
    "str": "TEXT",
    "int": "N",
    "int range": "N",
    "float": "X",
    "float range": "X",
    "path": "PATH",
}
"""What stands for an option's value, by the name of its type."""
EXAMPLES = {
    "harmonize": """\
musicae harmonize tune.mid                             # writes tune-harmonized.mid
musicae harmonize tune.mid -n 4 --seed 7 -o tune.musicxml
musicae harmonize songs/ -o hymns/ --skip-existing     # a folder; only what is new
musicae harmonize hymn.mid --bars 5-8 --seed 2         # four bars again, under their soprano""",
    "generate": """\
musicae generate -n 8 -o new
musicae generate --bars 12 --key "D minor" --meter 3/4 --format mid,musicxml
musicae generate --style hymn --form AABA --meter 6/8""",
    "interpolate": "musicae interpolate one.mid other.mid -n 7 -o path",
    "vary": """\
musicae vary hymn.mid -n 3 --amount 0.3 --keep soprano
musicae vary hymn.mid -n 3 --keep plan                 # other voices, the same chords""",
    "continue": "musicae continue hymn.mid --bars 8 -o longer",
    "chords": """\
musicae chords tune.mid
musicae chords tune.mid -o tune.cho                    # ChordPro""",
    "check": """\
musicae check tune-harmonized.mid
musicae check exercise.musicxml --strict --annotate marked.musicxml""",
    "render": """\
musicae render hymn.mid -o hymn.png --check            # a piano roll with mistakes marked
musicae render hymn.mid -o hymn.pdf --analysis         # a score with Roman numerals
musicae render hymn.mid -o hymn.mp3 --program "church organ\"""",
    "play": """\
musicae play                                           # lists the ports
musicae play hymn.mid --port organ""",
    "practice": "musicae practice hymn.mid -o hymn-kit --tempo 70,100",
    "watch": "musicae watch songs -o chorales",
    "studio": "musicae studio tune.mid",
    "serve": "musicae serve --host 0.0.0.0 --port 8080",
    "train": "musicae train minibach --data my_chorales.npz",
    "evaluate": """\
musicae evaluate minibach my_hymns                     # beside held-out Bach
musicae evaluate hymn.mid                              # how likely each voice is""",
    "accuracy": "musicae accuracy minibach --side test",
    "corpus build": "musicae corpus build --from my_chorales",
    "corpus info": "musicae corpus info -o corpus.png",
}
"""Command lines for each command."""


def commands() -> dict[str, Any]:
    """Each command by its words after ``musicae``, in the order of ``--help``."""
    found: dict[str, Any] = {}
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {each}": inner[each] for each in inner} if inner else {name: command}
    return found


def reference() -> str:
    """The whole page."""
    every = commands()
    index = [f"| [`{name}`](#{_anchor(name)}) | {_summary(each)} |" for name, each in every.items()]
    lines = [INTRODUCTION, "| command | what it does |", "| --- | --- |", *index, ""]
    for name, command in every.items():
        lines += _section(name, command)
    return "\n".join(lines)


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _summary(command: Any) -> str:
    return _sentence(command.help.split("\n\n")[0])


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield f"## {name}\n"
    yield "\n\n".join(map(_sentence, command.help.split("\n\n"))) + "\n"
    usage = " ".join(["musicae", name, "[OPTIONS]", *map(_usage, arguments)])
    yield f"```text\n{usage}\n```\n"
    if arguments:
        yield "| argument | what it is |\n| --- | --- |"
        for each in arguments:
            yield f"| `{_usage(each)}` | {_sentence(each.help or '')}{_limits(each)} |"
        yield ""
    yield "| option | what it does |\n| --- | --- |"
    for each in options:
        said = f"{_sentence(each.help or '')}{_limits(each)}{_default(each)}"
        yield f"| {_names(each)} | {said} |"
    yield f"\n```sh\n{EXAMPLES[name]}\n```\n"


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    names = sorted(option.opts, key=len) + option.secondary_opts
    value = "" if option.is_flag else f" {option.metavar or VALUES[option.type.name]}"
    return ", ".join([*(f"`{name}`" for name in names[:-1]), f"`{names[-1]}{value}`"])


def _default(option: Any) -> str:
    if option.is_flag or option.default in (None, ""):
        return ""
    return f" Default: `{option.default}`."


def _limits(parameter: Any) -> str:
    """The range of a number, and the variable of the environment that an option is read from."""
    low, high = (getattr(parameter.type, bound, None) for bound in ("min", "max"))
    said = ""
    if low is not None:
        said = f" From {low} to {high}." if high is not None else f" At least {low}."
    if parameter.envvar:
        said += f" Also read from the environment variable `{parameter.envvar}`."
    return said


def _sentence(text: str) -> str:
    """A help text as Markdown: options and suffixes as code, documents as links."""
    text = " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")
    text = re.sub(r"(?<![\w`-])(--?[a-z][a-z-]*)(?![\w-])", r"`\1`", text)
    text = re.sub(r"(?<![\w`/])(\.[a-z][a-z0-9]+)\b", r"`\1`", text)
    return re.sub(r"docs/((?:guides|reference)/(\w+)\.md)", r"[\2](../\1)", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help="the file to write")
    parser.parse_args().file.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
