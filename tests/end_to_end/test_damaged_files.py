"""Damaged files are refused in a line or read; nothing else is ever raised."""

import random

import pytest

import musicae
from musicae.core.errors import MusicaeError
from tests.support import paths

MELODIES = sorted(paths.MELODIES.glob("*.mid"))


def damaged(content, rng):
    """The bytes with some changed, lost or added."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 2, 5, 20])):
        place = rng.randrange(len(data))
        way = rng.random()
        if way < 0.6:
            data[place] = rng.randrange(256)
        elif way < 0.8:
            del data[place : place + rng.randrange(1, 20)]
        else:
            data[place:place] = rng.randbytes(rng.randrange(1, 8))
    return bytes(data)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_melodies_are_used_or_refused_in_one_line(tmp_path, untrained, seed):
    rng = random.Random(seed)
    for _ in range(12):
        path = tmp_path / "tune.mid"
        path.write_bytes(damaged(rng.choice(MELODIES).read_bytes(), rng))
        try:
            (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
            if len(piece.chorale) > 5000:
                continue
            piece.write(tmp_path / "out.mid")
            musicae.read(tmp_path / "out.mid")
        except MusicaeError:
            continue
