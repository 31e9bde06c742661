"""The audition page: alternatives to see, hear and compare, in one HTML file that needs no network.

``page/`` holds its template, style sheet and scripts; they go into the file together with the
music, as JSON. A content security policy lets the browser run these scripts and fetch nothing.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from musicae.api.check import Report
from musicae.core import assets
from musicae.core.chorale import Chorale, seconds_of
from musicae.core.constants import N_VOICES, VOICE_COLOURS, VOICES
from musicae.core.files import whole_file
from musicae.core.meter import Meter
from musicae.theory.spelling import name_of, spell
from musicae.theory.voice_leading.rules import RULES, Violation

PARTS = assets.REPORT_PAGE
STYLE = "page.css"
SCRIPTS = ("score.js", "choir.js", "player.js", "roll.js", "page.js")
"""In this order, for each uses those before it."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """One of several harmonizations, and what is shown of it."""

    name: str
    """A number, or what else tells it from the others."""
    chorale: Chorale
    report: Report | None = None
    """None where a voice never sings."""
    nats_per_step: float | None = None
    """How much it surprises the model; None of a model without a likelihood."""
    given: NDArray[np.bool_] | None = None
    """``(T, V)`` what was given; None where nothing was."""
    labels: tuple[tuple[int, str], ...] = ()
    """Roman numerals at steps, in order."""
    files: tuple[str, ...] = ()
    """Files beside the page, by their paths from its folder, with ``/``."""


def write(
    path: Path | str, title: str, alternatives: Sequence[Alternative], facts: Mapping[str, str]
) -> None:
    """Write ``page``, whole or not at all. Raises ChoraleError where that cannot be done."""
    text = page(title, alternatives, facts)
    with whole_file(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")  # its hashes are of these lines


def page(title: str, alternatives: Sequence[Alternative], facts: Mapping[str, str]) -> str:
    """The page as HTML.

    Args:
        title: any text.
        alternatives: best first; of one melody, so that a place in one is a place in all.
        facts: how they were made, by name, such as model, seed and key.
    """
    style = _read(STYLE)
    script = "\n".join(map(_read, SCRIPTS))
    return Template(_read("template.html")).substitute(
        title=html.escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_json(data(alternatives, facts)),
    )


def data(alternatives: Sequence[Alternative], facts: Mapping[str, str]) -> dict[str, Any]:
    """What the page's scripts are told, as plain numbers, names and lists."""
    return {
        "facts": dict(facts),
        "voices": list(VOICES),
        "colours": list(VOICE_COLOURS),
        "alternatives": [_alternative(each, alternatives) for each in alternatives],
    }


def _alternative(this: Alternative, all_of_them: Sequence[Alternative]) -> dict[str, Any]:
    chorale, report = this.chorale, this.report
    return {
        "name": this.name,
        "reasons": reasons(this, all_of_them),
        "nats": this.nats_per_step,
        "beyond": report.beyond_bach if report else None,
        "seconds": [round(second, 4) for second in seconds_of(chorale)],
        "bars": _bars(chorale),
        "notes": _notes(chorale, this.given),
        "fermatas": list(chorale.fermatas),
        "labels": [[step, text] for step, text in this.labels],
        "violations": [_violation(found) for found in report.violations] if report else None,
        "rules": _rules(report) if report else [],
        # A leading ./ keeps a name from being read as an address.
        "files": [{"name": name, "href": "./" + quote(name)} for name in this.files],
    }


def reasons(this: Alternative, all_of_them: Sequence[Alternative]) -> list[str]:
    """Why an alternative ranks where it does, in sentences; the best of several is called so."""
    several = len(all_of_them) > 1
    told = []
    if this.report is None:
        told.append("Not in four voices, so its voice leading is not checked.")
    else:
        counts = [len(other.report.violations) for other in all_of_them if other.report]
        count = len(this.report.violations)
        fewest = several and count == min(counts) and counts.count(count) == 1
        told.append(
            f"{count or 'No'} violation{'s' * (count != 1)} of voice-leading rules in"
            f" {this.report.chords} chord{'s' * (this.report.chords != 1)}"
            f"{f', the fewest of the {len(all_of_them)}' if fewest else ''}."
        )
        if count:
            beyond = ", ".join(this.report.beyond_bach)
            told.append(f"Beyond Bach: {beyond}." if beyond else "All within Bach's limits.")
    if this.nats_per_step is not None:
        surprises = [
            other.nats_per_step for other in all_of_them if other.nats_per_step is not None
        ]
        least = several and this.nats_per_step == min(surprises)
        told.append(
            f"The model is surprised by {this.nats_per_step:.2f} nats a step"
            f"{f', the least of the {len(all_of_them)}' if least else ''}."
        )
    return told


def _bars(chorale: Chorale) -> list[dict[str, Any]]:
    """Where bars begin, their lengths and beats in steps; the pickup is bar 0."""
    bars = []
    for index, measure in enumerate(chorale.measures):
        meter = Meter(0, measure.numerator, measure.denominator)
        upbeat = index == 0 and chorale.pickup
        bars.append(
            {
                "number": index + (0 if chorale.pickup else 1),
                "start": measure.start,
                "length": measure.length,
                "beat": meter.steps_per_beat,
                "missing": meter.steps_per_bar - measure.length if upbeat else 0,
            }
        )
    return bars


def _notes(chorale: Chorale, given: NDArray[np.bool_] | None) -> list[list[Any]]:
    """Voice, step, duration, pitch, name and whether it was given, voice by voice."""
    places = spell(chorale)
    notes = []
    for voice in range(N_VOICES):
        for step, duration, pitch in chorale.notes(voice):
            letter, sharps, octave = name_of(pitch, int(places[step, voice]))
            name = f"{letter}{'#' * sharps}{'b' * -sharps}{octave}"
            was_given = given is not None and bool(given[step, voice])
            notes.append([voice, step, duration, pitch, name, was_given])
    return notes


def _violation(found: Violation) -> dict[str, Any]:
    return found._asdict() | {"beat": round(found.beat, 3)}


def _rules(report: Report) -> list[dict[str, Any]]:
    """The rules that are broken, those beyond Bach first, then the most frequent."""
    broken = [(name, each) for name, each in report.rules.items() if each.violations]
    broken.sort(key=lambda item: (not item[1].beyond, -item[1].violations))
    return [
        each._asdict() | {"name": name, "summary": re.sub(r",? ``\w+``", "", RULES[name].summary)}
        for name, each in broken
    ]


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a content security policy names the one text that it lets through."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(facts: dict[str, Any]) -> str:
    """ASCII, and without the ``<`` by which text could leave its element."""
    return json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c")
