"""Griffe extension: doctests in the text of a docstring are shown as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
"""A session up to the next empty line."""


def fenced(docstring: str) -> str:
    """The docstring with each session in a fence."""
    return DOCTEST.sub(lambda session: f"```pycon\n{session[0]}\n```", docstring)


class Doctests(griffe.Extension):
    """Rewrites the docstrings of all objects."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
