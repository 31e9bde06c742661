"""Rests that only articulate are no gaps, in every format of melody."""

import pytest

import musicae
from musicae.core.chorale import Chorale
from tests.support.scores import bar, note, score

NAMES = ("C5", "D5", "E5", "D5", "C5", "B4", "A4", "B4")
PITCHES = (72, 74, 76, 74, 72, 71, 69, 71)


def staccato(path):
    """32 eighths, each followed by a rest of an eighth."""
    if path.suffix == ".mid":
        notes = [(4 * i, 2, PITCHES[i % 8]) for i in range(32)]
        musicae.write(Chorale.from_notes([notes]), path)
    else:
        beats = [note(NAMES[i % 8], 12) + note("R", 12) for i in range(32)]
        path.write_text(score(Melody=[bar(*beats[i : i + 4]) for i in range(0, 32, 4)]))
    return path


@pytest.mark.parametrize("suffix", [".mid", ".musicxml"])
def test_no_parallels_are_written_across_short_rests(tmp_path, suffix):
    path = staccato(tmp_path / f"tune{suffix}")
    for seed in range(2):
        (piece,) = musicae.harmonize(path, seed=seed)
        broken = {violation.rule for violation in piece.report().violations}
        assert not any("parallel" in rule for rule in broken)
        below = [n.duration for voice in (1, 2, 3) for n in piece.chorale.notes(voice)]
        assert max(below) >= 4  # the other voices do not rest with the melody
