"""The audition page: one HTML file that shows, plays and compares alternatives, without a network.

Its template, style sheet and scripts are in ``assets/report_page/``. They are put into the file
together with the music, as JSON. A content security policy allows only these scripts, and no
requests.
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
from musicae.core.pitch import spelled_name
from musicae.theory.spelling import spell
from musicae.theory.voice_leading.rules import RULES, Violation

_PARTS = assets.REPORT_PAGE
STYLE = "page.css"
SCRIPTS = ("score.js", "choir.js", "player.js", "roll.js", "page.js")
"""The scripts in order: each uses those before it."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """One of several harmonizations, with all that the page shows of it."""

    name: str
    """A number or a short name, unique among the alternatives."""
    chorale: Chorale
    report: Report | None = None
    """The report on its voice leading; None if a voice has no notes."""
    nats_per_step: float | None = None
    """Negative log-likelihood per step; None for a model without a likelihood."""
    given: NDArray[np.bool_] | None = None
    """``(T, V)`` whether each cell was given; None if nothing was."""
    labels: tuple[tuple[int, str], ...] = ()
    """Steps with their Roman numerals, in order."""
    files: tuple[str, ...] = ()
    """Files beside the page, as paths relative to its folder, with ``/``."""


def write(
    path: Path | str, title: str, alternatives: Sequence[Alternative], facts: Mapping[str, str]
) -> None:
    """Write ``page`` completely or not at all. Raises ChoraleError if that fails."""
    text = page(title, alternatives, facts)
    with whole_file(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")  # hashes depend on line ends


def page(title: str, alternatives: Sequence[Alternative], facts: Mapping[str, str]) -> str:
    """The page as HTML.

    Args:
        title: any text.
        alternatives: alternatives of one melody, best first; steps and bars are the same in all.
        facts: the provenance, such as model, seed and key, by name.
    """
    style = _read(STYLE)
    script = "\n".join(map(_read, SCRIPTS))
    return Template(_read("template.html")).substitute(
        title=html.escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        style=style,
        style_hash=script_hash(style),
        script=script,
        script_hash=script_hash(script),
        data=as_json(data(alternatives, facts)),
    )


def data(alternatives: Sequence[Alternative], facts: Mapping[str, str]) -> dict[str, Any]:
    """The JSON document for the page's scripts, as plain values."""
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
    """Sentences that explain the rank of an alternative among all of them."""
    several = len(all_of_them) > 1
    found = []
    if this.report is None:
        found.append("Not in four voices, so its voice leading is not checked.")
    else:
        counts = [len(other.report.violations) for other in all_of_them if other.report]
        count = len(this.report.violations)
        fewest = several and count == min(counts) and counts.count(count) == 1
        found.append(
            f"{count or 'No'} violation{'s' * (count != 1)} of voice-leading rules in"
            f" {this.report.chords} chord{'s' * (this.report.chords != 1)}"
            f"{f', the fewest of the {len(all_of_them)}' if fewest else ''}."
        )
        found += [f"{finding[0].upper()}{finding[1:]}." for finding in this.report.findings]
        beyond = ", ".join(this.report.beyond_bach)
        if count or beyond:
            found.append(f"Beyond Bach: {beyond}." if beyond else "All within Bach's limits.")
    if this.nats_per_step is not None:
        surprises = [
            other.nats_per_step for other in all_of_them if other.nats_per_step is not None
        ]
        least = several and this.nats_per_step == min(surprises)
        found.append(
            f"The model is surprised by {this.nats_per_step:.2f} nats a step"
            f"{f', the least of the {len(all_of_them)}' if least else ''}."
        )
    return found


def _bars(chorale: Chorale) -> list[dict[str, Any]]:
    """The number of each bar, with start, length and beat in steps; the pickup is bar 0."""
    bars = []
    for index, measure in enumerate(chorale.measures):
        meter = measure.meter
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
    """Voice, step, duration, pitch and name of each note, and whether it was given."""
    places = spell(chorale)
    notes = []
    for voice in range(N_VOICES):
        for step, duration, pitch in chorale.notes(voice):
            name = spelled_name(pitch, int(places[step, voice]))
            was_given = given is not None and bool(given[step, voice])
            notes.append([voice, step, duration, pitch, name, was_given])
    return notes


def _violation(found: Violation) -> dict[str, Any]:
    return found._asdict() | {"beat": round(found.beat, 3)}


def _rules(report: Report) -> list[dict[str, Any]]:
    """The broken rules: first those beyond Bach's limits, then by their number of violations."""
    broken = [(name, each) for name, each in report.rules.items() if each.violations]
    broken.sort(key=lambda item: (not item[1].beyond, -item[1].violations))
    return [
        each._asdict() | {"name": name, "summary": re.sub(r",? ``\w+``", "", RULES[name].summary)}
        for name, each in broken
    ]


def _read(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def script_hash(text: str) -> str:
    """The hash with which a content security policy allows a script or style sheet."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def as_json(facts: dict[str, Any]) -> str:
    """JSON in ASCII and without ``<``, so that no text can end the element around it."""
    return json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c")
