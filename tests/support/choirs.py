"""Choirs' scores: the texts that tests read, and functions that read scores back."""

from __future__ import annotations

from fractions import Fraction

from musicae.core.chorale import Chorale
from musicae.daw import practice
from musicae.io.choir import read_choir
from musicae.io.musicxml_parts import read_score
from musicae.rendering.choir_score import choir_score

CHORDS = [(67, 62, 59, 43), (65, 60, 57, 53), (69, 66, 62, 50), (67, 59, 55, 43)]
"""Four quarters of the voices S, A, T and B."""
HYMN = Chorale.from_notes([[(4 * i, 4, c[v]) for i, c in enumerate(CHORDS)] for v in range(4)])


def lyric(text, syllabic="single"):
    return f"<lyric><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>"


def read(tmp_path, text):
    path = tmp_path / "hymn.musicxml"
    path.write_text(text)
    return choir_score(read_choir(path))


def written(part):
    """The steps, octaves and accidentals of a part's notes in the score."""
    return [
        (
            n.findtext("pitch/step") + {"1": "#", "-1": "b"}.get(n.findtext("pitch/alter"), ""),
            n.findtext("accidental"),
        )
        for n in part.iter("note")
        if n.find("pitch") is not None
    ]


def sounding(root):
    """The note heads of all parts: begin and length in quarters, pitch, and ties to the left."""
    found = read_score(None, root)
    return sorted(
        (
            Fraction(begin + item.begin, found.quarter),
            Fraction(item.duration, found.quarter),
            ("C D EF G A B".index(item.element.findtext("pitch/step")))
            + int(item.element.findtext("pitch/alter", "0"))
            + 12 * int(item.element.findtext("pitch/octave"))
            + 12,
            item.element.find("tie[@type='stop']") is not None,
        )
        for part in found.parts
        for begin, measure in zip(found.begins, part.measures, strict=False)
        for item in measure
        if item.element.find("pitch") is not None
    )


def without_sound(monkeypatch):
    """Let kits have empty files of sound, and a page without voices."""

    def save(writer, _, mix, percent):
        writer._path(mix, percent, writer.suffix).touch()

    monkeypatch.setattr(practice, "record", lambda *_: None)
    monkeypatch.setattr(practice.practice_page, "voices_for_page", lambda _: [])
    monkeypatch.setattr(practice._Writer, "_save", save)
