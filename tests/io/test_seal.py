"""Seals of MIDI files record the source of a file and show later changes."""

import pytest

from musicae.core.chorale import Chorale
from musicae.io import midi_file, midi_reader, midi_writer
from musicae.io.seal import seal_of, sealed

CHORALE = Chorale.from_notes([[(0, 4, 72)], [(0, 4, 67)], [(0, 4, 64)], [(0, 4, 48)]])
FACTS = {"version": "1", "inputs": "abc", "title": 'a "b" ü'}


@pytest.mark.parametrize("suffix", [".mid", ".rmi"])
def test_a_file_says_what_it_was_made_from(tmp_path, suffix):
    path = tmp_path / f"sealed{suffix}"
    midi_file.save(midi_writer.arrange(CHORALE, provenance=FACTS), path)
    assert seal_of(path.read_bytes()) == ("abc", True)
    told = midi_reader.read_provenance(path)
    assert {name: told[name] for name in FACTS} == FACTS


def test_each_changed_byte_breaks_the_seal(tmp_path):
    path = tmp_path / "sealed.mid"
    midi_file.save(midi_writer.arrange(CHORALE, provenance=FACTS), path)
    content = path.read_bytes()
    for place in (10, len(content) // 2, len(content) - 6):
        changed = bytearray(content)
        changed[place] ^= 1
        assert not getattr(seal_of(bytes(changed)), "unbroken", False)


def test_other_files_have_no_seal():
    plain = midi_file.to_bytes(midi_writer.arrange(CHORALE, provenance={"version": "1"}))
    assert seal_of(plain) is None
    assert sealed(plain) == plain
