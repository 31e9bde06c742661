"""The graphs of the harmonizer."""

from __future__ import annotations

from musicae.models.graphs import Graph, voices
from musicae.models.harmonizer import Harmonizer


def graphs(network: Harmonizer) -> dict[str, Graph]:
    """``known`` encodes the known notes; the graphs of ``graphs.voices`` write the others."""
    return {"known": voices.encoder(network)} | voices.graphs(network)
