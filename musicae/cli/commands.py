"""The commands by name; each is imported and built when it is used, to start quickly."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import getdoc
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

HOMES = {
    "harmonize": "harmonize.harmonize",
    "generate": "generate.generate",
    "interpolate": "generate.interpolate",
    "vary": "generate.vary",
    "continue": "generate.extend",
    "chords": "chords.chords",
    "check": "check.check",
    "render": "render.render",
    "play": "render.play",
    "practice": "practice.practice",
    "watch": "watch.watch",
    "studio": "studio.studio",
    "serve": "studio.serve",
    "train": "train.train",
    "evaluate": "evaluate.evaluate",
    "accuracy": "evaluate.accuracy",
    "corpus": "corpus.app",
}
"""For each command, the module of ``musicae.cli`` and its function or ``Typer``; in the order of
``--help``."""
RUN_MODELS = frozenset(HOMES) - {"check", "render", "play", "practice", "train", "corpus"}
"""The commands that have the option ``--engine``."""


class Commands(TyperGroup):
    """The group of the commands in ``HOMES``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = BuiltWhenUsed()  # type: ignore[assignment]  # nothing writes to it

    def format_help(self, ctx: Any, formatter: Any) -> None:
        # The help of a group needs only the help of its commands, not their parameters.
        self.commands = {name: TyperCommand(name, help=_help(name)) for name in HOMES}
        _import_help()
        super().format_help(ctx, formatter)


class Command(TyperCommand):
    """A command of one function."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _import_help()
        super().format_help(ctx, formatter)


class BuiltWhenUsed(Mapping[str, Any]):
    """The commands by name; each is built when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        home = _home(name)
        if not isinstance(home, typer.Typer):
            app = typer.Typer(add_completion=False)
            if name in RUN_MODELS:
                from musicae.cli.options import takes_engine

                home = takes_engine(home)
            app.command(name, cls=Command)(home)
            home = app
        command = typer.main.get_command(home)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES)

    def __len__(self) -> int:
        return len(HOMES)


def _home(name: str) -> Any:
    module, _, attribute = HOMES[name].partition(".")
    return getattr(import_module(f"musicae.cli.{module}"), attribute)


def _help(name: str) -> str | None:
    home = _home(name)
    return home.info.help if isinstance(home, typer.Typer) else getdoc(home)


def _import_help() -> None:
    """Import typer's help writer without rich's Markdown and tracebacks.

    typer always imports both, which takes a quarter of the time of ``--help``. None of musicae's
    help is Markdown.
    """
    if "typer.rich_utils" in sys.modules:
        return
    unused = {"rich.markdown", "rich.traceback"} - set(sys.modules)
    sys.modules.update({name: _Unused(name) for name in unused})
    try:
        import_module("typer.rich_utils")
    finally:
        for name in unused:
            del sys.modules[name]


class _Unused(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        return type(name, (), {})
