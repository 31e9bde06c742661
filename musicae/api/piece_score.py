"""A piece as MusicXML, for ``Piece.to_xml``; a separate module, as MIDI files do not need it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from musicae.io import musicxml_writer, preserved_score
from musicae.io.ensemble_score import dressed
from musicae.io.preserved_parts import ANALYSED
from musicae.io.score_song import ScoreSong
from musicae.rendering.piano_reduction import piano_below, piano_score

if TYPE_CHECKING:
    from musicae.api.piece import Piece


def to_xml(piece: Piece, program: int, *, analysis: bool, keep_tracks: bool, piano: bool) -> bytes:
    """The MusicXML of a piece; see ``Piece.to_xml``."""
    kept, labels = piece.preserved, piece.labels() if analysis else ()
    if kept and isinstance(kept.song, ScoreSong):
        facts = piece.provenance | ({ANALYSED: True} if analysis else {})
        xml = preserved_score.to_xml(
            kept,
            piece.chorale,
            program,
            facts,
            labels=labels,
            figures=piece.figures,
            names=piece.names,
            words=piece.words,
            keep_parts=keep_tracks,
        )
        voices = preserved_score.engraved_voices(kept, piece.chorale) if piano else None
    else:
        xml = musicxml_writer.to_xml(
            piece.chorale,
            program,
            piece.provenance,
            labels=labels,
            names=piece.names,
            figures=piece.figures,
            words=piece.words.voices,
        )
        voices = musicxml_writer.to_tree(piece.chorale) if piano else None
    if piece.ensemble and piece.ensemble.keyboard:
        return musicxml_writer.to_bytes(piano_score(ET.fromstring(xml)))
    if piece.ensemble:
        xml = dressed(xml, piece.ensemble)
    return xml if voices is None else piano_below(xml, voices)
