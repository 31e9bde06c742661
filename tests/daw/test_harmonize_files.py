"""Many melodies in, files or packs out, by one call."""

import pytest

import musicae
from musicae.api.options import HarmonizeOptions
from musicae.core.errors import CheckpointError, ChoraleError, MusicaeError
from musicae.daw import pack as packing
from musicae.daw.harmonize_files import harmonize_files, plan_packs, write_pieces
from tests.support.midifiles import meta, save, tune


def song(path, first=60):
    notes = [(i * 480, (i + 1) * 480, first + p) for i, p in enumerate([0, 2, 4, 0])]
    path.parent.mkdir(exist_ok=True)
    return save(path, [meta(0, "time_signature", numerator=4), *tune(*notes)])


@pytest.fixture
def options(untrained):
    return HarmonizeOptions(n=2, model=str(untrained["minibach"]))


@pytest.fixture
def no_packs(monkeypatch):
    """What would be packed: the calls, in place of the packs, which take seconds."""
    calls = []

    def write(pieces, folder, name, program, **looks):
        calls.append((len(pieces), folder, name, program, looks))

    monkeypatch.setattr(packing, "write", write)
    return calls


def test_each_melody_is_written_and_told(tmp_path, options):
    one, two = song(tmp_path / "one.mid"), song(tmp_path / "two.mid", 62)
    bad = tmp_path / "bad.mid"
    bad.write_bytes(b"no music")
    told = []
    outcome = harmonize_files(
        [one, bad, str(two)],
        f"{tmp_path}/out/",
        options,
        program=19,
        tell=lambda *counts: told.append(counts),
    )
    written = [(each.path.name, each.melody) for each in outcome.written]
    assert written == [
        ("one-harmonized-1.mid", one),
        ("one-harmonized-2.mid", one),
        ("two-harmonized-1.mid", two),
        ("two-harmonized-2.mid", two),
    ]
    for each in outcome.written:
        chorale = musicae.read(each.path)
        assert all(chorale.notes(v) == each.piece.chorale.notes(v) for v in range(4))
    (error,) = outcome.errors
    assert str(error).startswith(f"{bad}: is not a MIDI file")
    assert (outcome.notices, outcome.pages) == ((), ())
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_notices_name_their_melody_where_there_are_several(tmp_path, untrained):
    paths = [save(tmp_path / f"{name}.mid", tune((0, 480, 60), (480, 960, 62))) for name in "ab"]
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    (notice,) = harmonize_files(paths[:1], options=options).notices
    assert notice.startswith("the file states no meter")
    notices = harmonize_files(paths, options=options).notices
    assert notices == tuple(f"{path}: {notice}" for path in paths)


def test_packs_of_several_melodies_have_a_folder_each(tmp_path, options, no_packs):
    folder = tmp_path / "packs"
    songs = [song(tmp_path / "songs" / f"{name}.mid") for name in ("one", "two")]
    outcome = harmonize_files([tmp_path / "songs"], options=options, pack=folder, analysis=True)
    looks = {"analysis": True, "keep_tracks": False, "piano": False}
    assert no_packs == [(2, folder / name, name, 52, looks) for name in ("one", "two")]
    assert outcome.pages == tuple(folder / name / "report.html" for name in ("one", "two"))
    assert [each.melody for each in outcome.written[::2]] == songs
    assert outcome.written[0].path == folder / "one" / "one-1.mid"


def test_the_pack_of_one_melody_is_the_folder_itself(tmp_path, options, no_packs):
    outcome = harmonize_files([song(tmp_path / "a.mid")], options=options, pack=tmp_path / "pack")
    assert [call[1] for call in no_packs] == [tmp_path / "pack"]
    assert outcome.pages == (tmp_path / "pack" / "report.html",)


def test_what_is_refused_before_anything_is_written(tmp_path, options):
    one = song(tmp_path / "one.mid")
    with pytest.raises(MusicaeError, match="leave --out away"):
        harmonize_files([one], tmp_path / "out.mid", options, pack=tmp_path / "pack")
    with pytest.raises(ChoraleError, match="is the melody itself"):
        harmonize_files([one], one, HarmonizeOptions())
    with pytest.raises(CheckpointError, match="no such weights file"):
        harmonize_files([one], options=HarmonizeOptions(model="none.safetensors"))
    (tmp_path / "full").mkdir()
    song(tmp_path / "full" / "two.mid")
    with pytest.raises(ChoraleError, match="is there already"):
        plan_packs([one], tmp_path / "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "one.mid"]


def test_two_packs_in_one_folder_are_refused(tmp_path):
    paths = [song(tmp_path / name / "tune.mid") for name in ("a", "b")]
    with pytest.raises(ChoraleError, match="would both be written to"):
        plan_packs(paths, tmp_path / "packs")


def test_pieces_are_written_to_a_folder_that_is_made(tmp_path, untrained):
    pieces = musicae.harmonize(song(tmp_path / "a.mid"), model=str(untrained["minibach"]))
    path = tmp_path / "new" / "b.musicxml"
    write_pieces(pieces, [path], folder=path.parent)
    assert musicae.read(path).notes(0) == pieces[0].chorale.notes(0)
