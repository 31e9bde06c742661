"""The shipped corpus, its split, and how a corpus is built, saved, loaded and refused."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from music21.corpus import getComposer

from musicae.core.chorale import Chorale, transpositions
from musicae.core.constants import REST, VOICE_RANGES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.corpus import build, corpus, load
from musicae.corpus import summary as corpus_report
from musicae.corpus.corpus import Duplicate
from musicae.io import midi_reader, midi_writer, musicxml_writer
from tests.support.strategies import differences

PASSAGE = 12
"""Sopranos of two sides share fewer equal intervals in a row than this, that is, 13 notes."""


@pytest.fixture(scope="module")
def bach():
    return load.load()


def bach_files(*names):
    return [path for path in getComposer("bach") if path.name in names]


# What is in the file


def test_every_file_of_music21_is_kept_or_accounted_for(bach):
    known = {*bach.files, *(d.file for d in bach.duplicates), *(f.file for f in bach.left_out)}
    assert known == {path.name for path in getComposer("bach")}
    assert (len(bach), len(bach.duplicates), len(bach.left_out)) == (383, 26, 24)


def test_duplicates_are_of_chorales_that_were_kept(bach):
    assert {duplicate.kept for duplicate in bach.duplicates} <= set(bach.files)
    for known in [
        Duplicate("bwv248.64-6.mxl", "bwv248.64-s.mxl"),  # with instrumental interludes
        Duplicate("bwv190.7-inst.mxl", "bwv190.7.mxl"),
        Duplicate("bwv277.krn", "bwv277.mxl"),
        Duplicate("bwv175.7.mxl", "bwv59.3.mxl"),  # one chorale in two cantatas
        Duplicate("bwv244.17.mxl", "bwv244.15.mxl"),  # a semitone apart in the St Matthew Passion
        Duplicate("bwv62.6.mxl", "bwv274.mxl"),  # a file with another one's music
    ]:
        assert known in bach.duplicates


def test_every_file_left_out_has_a_reason(bach):
    reasons = dict(bach.left_out)
    several = "several parts are named soprano; four voices are needed"
    assert reasons["bwv227.3.mxl"] == several
    assert reasons["bwv846.mxl"] == (
        "the alto, the tenor and the bass never sing; four voices are needed"
    )
    assert reasons["bwv79.3.mxl"] == "nobody sings for 52% of it"
    assert Counter(reasons.values())["an analysis in Roman numerals, not a score"] == 20


def test_a_chorale_names_its_source(bach):
    first = dict(zip(bach.files, bach.chorales, strict=True))["bwv269.mxl"]
    assert repr(first) == (
        "Chorale('Aus meines Herzens Grunde', G major, 3/4, 21 bars, pickup of 4, 252 steps, SATB)"
    )
    assert first.source == "BWV 269"
    assert all(c.source.startswith("BWV ") and c.key for c in bach.chorales)


def test_the_voices_ranges_are_those_of_the_corpus(bach):
    sounding = np.concatenate([c.pitch for c in bach.chorales]).astype(float)
    sounding[sounding == REST] = np.nan
    found = zip(np.nanmin(sounding, axis=0), np.nanmax(sounding, axis=0), strict=True)
    assert tuple(found) == VOICE_RANGES


def test_notes_off_the_grid_are_counted(bach):
    moved = {f: n for f, n in zip(bach.files, bach.quantized, strict=True) if n}
    assert sum(moved.values()) == 17
    assert moved["bwv299.mxl"] == 2  # grace notes


# The split


def test_sides_are_eight_to_one_to_one(bach):
    assert [len(bach.side(name)) for name in corpus.SIDES] == [307, 38, 38]
    with pytest.raises(MusicaeError, match="no side is called 'dev'; there are train, valid, test"):
        bach.side("dev")


def test_no_tune_is_on_two_sides(bach):
    sides = defaultdict(set)
    for tune, side in zip(bach.tunes, bach.sides, strict=True):
        sides[tune].add(side)
    assert len(sides) == 192
    assert all(len(found) == 1 for found in sides.values())


def test_no_long_passage_of_a_soprano_is_on_two_sides(bach):
    """Reads only the sopranos, without clustering or skeletons; repeated notes count."""
    sides = defaultdict(set)
    for chorale, side in zip(bach.chorales, bach.sides, strict=True):
        pitches = [note.pitch for note in chorale.notes(0)]
        intervals = [b - a for a, b in pairwise(pitches)]
        for start in range(len(intervals) - PASSAGE + 1):
            sides[tuple(intervals[start : start + PASSAGE])].add(side)
    assert not [passage for passage, found in sides.items() if len(found) > 1]


def test_titles_on_two_sides_are_of_texts_with_several_tunes(bach):
    sides = defaultdict(set)
    for chorale, side in zip(bach.chorales, bach.sides, strict=True):
        sides[chorale.title].add(side)
    assert {title for title, found in sides.items() if title and len(found) > 1} == {
        "Hilf, Herr Jesu, laß gelingen",  # Bach's own in 248.42; 344
        "In allen meinen Taten",  # 244.37 has the tune O Welt, ich muß dich lassen; 367 has its own
        "O Gott, du frommer Gott",  # 24.6 and 399; 45.7 and 398
        "O wie selig seid ihr doch, ihr Frommen",  # 405; 406
        "Wär\u2019 Gott nicht mit uns diese Zeit",  # 14.5; 257
    }


def test_sides_are_alike_in_meter_mode_and_pickup(bach):
    for trait in (
        lambda c: c.meters[0].numerator == 3,
        lambda c: c.key.mode == "minor",
        lambda c: c.pickup > 0,
    ):
        shares = [np.mean([trait(c) for c in bach.side(name)]) for name in corpus.SIDES]
        assert max(shares) - min(shares) < 0.05


# Transposing


def test_transpositions_fill_the_ranges_and_do_not_leave_them(bach):
    def fits(chorale):
        return all(
            low <= note.pitch <= high
            for v, (low, high) in enumerate(VOICE_RANGES)
            for note in chorale.notes(v)
        )

    for chorale in bach.chorales[::40]:
        shifts = transpositions(chorale)
        assert 0 in shifts
        assert all(fits(chorale.transpose(shift)) for shift in shifts)
        assert not fits(chorale.transpose(shifts[0] - 1))
        assert not fits(chorale.transpose(shifts[-1] + 1))


def test_voices_too_far_apart_have_no_transposition():
    wide = Chorale.from_notes([[(0, 4, 81)], [], [], [(0, 4, 30)]])
    assert not transpositions(wide)


# Building


def test_a_new_build_equals_the_shipped_file(bach):
    names = ("bwv277.krn", "bwv277.mxl", "bwv41.6.mxl", "bwv299.mxl", "bwv27.6.mxl")
    calls = []
    built = build.build(
        bach_files(*names), workers=2, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(n, len(names)) for n in range(1, len(names) + 1)]
    assert built.files == ("bwv41.6.mxl", "bwv277.mxl", "bwv299.mxl")
    assert built.duplicates == (Duplicate("bwv277.krn", "bwv277.mxl"),)
    assert built.left_out == tuple(f for f in bach.left_out if f.file == "bwv27.6.mxl")
    for file, chorale, quantized in zip(built.files, built.chorales, built.quantized, strict=True):
        place = bach.files.index(file)
        assert not differences(bach.chorales[place], chorale)
        assert bach.quantized[place] == quantized


def test_a_corpus_is_built_from_a_folder(bach, tmp_path):
    first, second = bach.chorales[0], bach.chorales[100]
    (tmp_path / "more").mkdir()
    midi_writer.write(first, tmp_path / "10 first.mid")
    musicxml_writer.write(replace(second, title=""), tmp_path / "more" / "9 second.musicxml")
    musicxml_writer.write(second.transpose(-2), tmp_path / "more" / "2 lower.mxl")
    musicxml_writer.write(Chorale.from_notes([first.notes(0)]), tmp_path / "tune.xml")
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    (tmp_path / "notes.txt").write_text("not music")
    built = build.build_from_folder(tmp_path, workers=1)
    assert built.files == ("10 first.mid", "more/2 lower.mxl")
    assert built.duplicates == (Duplicate("more/9 second.musicxml", "more/2 lower.mxl"),)
    assert [file for file, _ in built.left_out] == ["broken.mid", "tune.xml"]
    assert "cut off" in built.left_out[0].reason
    assert str(tmp_path) not in built.left_out[0].reason
    assert "the alto, the tenor and the bass never sing" in built.left_out[1].reason
    assert not differences(replace(first, source="10 first.mid"), built.chorales[0])
    assert built.sides == ("train", "train")
    assert load.load(tmp_path).chorales == built.chorales


def test_a_chorale_stays_in_the_corpus_if_parts_of_its_file_cannot_be_read(bach, tmp_path):
    path = tmp_path / "tune.mid"
    midi_writer.write(bach.chorales[0], path)
    data = bytearray(path.read_bytes())
    track = data.find(b"MTrk")
    no_key = bytes((0, 0xFF, 0x59, 2, 8, 255))
    data[track + 8 : track + 8] = no_key
    length = int.from_bytes(data[track + 4 : track + 8], "big") + len(no_key)
    data[track + 4 : track + 8] = length.to_bytes(4, "big")
    path.write_bytes(data)
    assert midi_reader.read_counting(path).notices
    built = build.build_from_folder(tmp_path, workers=1)
    assert (built.files, built.left_out) == (("tune.mid",), ())


def test_a_folder_without_chorales_is_refused(tmp_path):
    with pytest.raises(MusicaeError, match="nowhere: no such folder"):
        build.build_from_folder(tmp_path / "nowhere")
    with pytest.raises(
        MusicaeError, match=r"has no files that end in \.mid, \.midi, \.kar, \.smf, \.rmi"
    ):
        build.build_from_folder(tmp_path)
    (tmp_path / "empty.mid").touch()
    with pytest.raises(
        MusicaeError, match=r"none of the 1 files is a chorale; empty\.mid: is empty"
    ):
        build.build_from_folder(tmp_path)


# Saving and loading


@pytest.fixture
def small(bach):
    without_facts = Chorale.from_notes([[(0, 16, 60)], [(4, 4, 55)], [], [(0, 8, 40)]])
    return replace(
        bach,
        chorales=(*bach.chorales[:2], without_facts),
        files=("a", "b", "ü"),
        tunes=(0, 1, 1),
        sides=("train", "test", "test"),
        quantized=(0, 3, 0),
        styles=("bach",) * 3,
    )


def test_a_saved_corpus_comes_back(small, tmp_path):
    small.save(tmp_path / "small.npz")
    assert load.load(tmp_path / "small.npz") == small


def test_equal_corpora_are_equal_bytes(small, tmp_path):
    for name in ("a.npz", "b.npz"):
        small.save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_shipped_file_is_small_and_has_no_pickles():
    assert load.DEFAULT.stat().st_size < 200_000
    with np.load(load.DEFAULT, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays)


def test_a_corpus_is_written_whole_or_not_at_all(small, tmp_path):
    with pytest.raises(ChoraleError, match="there is no folder"):
        small.save(tmp_path / "none" / "small.npz")
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_corpus_are_refused(small, tmp_path):
    path = tmp_path / "some.npz"
    with pytest.raises(MusicaeError, match=r"some\.npz: no such corpus; `musicae corpus build`"):
        load.load(path)
    small.save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], b"no corpus"):
        path.write_bytes(damaged)
        with pytest.raises(MusicaeError, match="is not a corpus, or is damaged"):
            load.load(path)
    np.savez(path, format=99)
    with pytest.raises(MusicaeError, match="build the corpus again"):
        load.load(path)


# Reporting


def test_the_summary_adds_up(bach):
    summary = corpus_report.summary(bach)
    assert summary["chorales"] == sum(summary["meters"].values()) == sum(summary["keys"].values())
    assert summary["tunes"] == sum(side["tunes"] for side in summary["sides"].values())
    assert sum(summary["notes"].values()) == sum(summary["note_lengths"].values())
    assert summary["ranges"]["Bass"] == ["C2", "E4"]
    assert summary["keys"][str(Key(0, "minor"))] == 54
    assert len(summary["left_out"]) == 24


@pytest.mark.parametrize("name", ["corpus.png", "corpus.svg"])
def test_the_figures_are_drawn(bach, tmp_path, name):
    corpus_report.draw_summary(bach, tmp_path / name)
    assert (tmp_path / name).stat().st_size > 10_000


def test_chorales_without_keys_are_drawn(bach, tmp_path):
    keyless = tuple(replace(chorale, key=None) for chorale in bach.chorales)
    corpus_report.draw_summary(replace(bach, chorales=keyless), tmp_path / "corpus.png")
    with pytest.raises(MusicaeError, match="should end in"):
        corpus_report.draw_summary(bach, tmp_path / "corpus.txt")
