"""Four-part data joined with Bach's chorales: sides, styles, tunes, and what is missing."""

import csv
from dataclasses import replace

import pytest

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.corpus import corpus, join, load
from musicae.corpus import summary as corpus_report
from musicae.corpus.four_part import SOURCES, read_four_part, training_pieces
from musicae.io import midi_writer

COLUMNS = ("piece", "title", "composer", "repo", "licence", "style", "key", "church_mode",
           "parallels", "admit", "bach_tune")  # fmt: skip


def setting(low):
    """Two bars of C major, each phrase a bar."""
    tune = [(0, 4, 64), (4, 4, 65), (8, 8, 67), (16, 4, 65), (20, 4, 62), (24, 8, 60 + low)]
    return Chorale.from_notes(
        [tune, [(0, 32, 60)], [(0, 32, 55)], [(0, 32, 48)]], key=Key(0), fermatas=(8, 24)
    )


ROWS = [
    ("abide", "hymn-test", "t1", "hymn", "yes", ""),
    ("nun", "train", "t2", "chorale", "yes", "BWV 1 BWV 3"),
    ("loud", "train", "t3", "song", "no", ""),
    ("held", "held", "t4", "hymn", "yes", "BWV 2"),
]


def write(folder, rows=ROWS):
    pieces, sides = [], []
    for i, (name, side, tune, style, admit, bach) in enumerate(rows):
        midi_writer.write(setting(i), folder / f"{name}.mid")
        sides.append((name, tune, side))
        pieces.append((name, name.title(), "", "some/where", "CC BY-SA 4.0", style, "C major",
                       "ionian", "9.50", admit, bach))  # fmt: skip
    for name, header, table in (
        ("manifest.csv", COLUMNS, pieces),
        ("sides.csv", ("piece", "tune_id", "side"), sides),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *table])
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hymns").mkdir()
    return write(tmp_path / "hymns")


@pytest.fixture(scope="module")
def bach():
    """Three chorales of Bach on three tunes; the second is on the validation side."""
    sources = ("BWV 1", "BWV 2", "BWV 3")
    return corpus.Corpus(
        chorales=tuple(replace(setting(9), source=source) for source in sources),
        files=("a.mxl", "b.mxl", "c.mxl"),
        tunes=(0, 1, 2),
        sides=("train", "valid", "train"),
        quantized=(0, 0, 0),
    )


def test_a_piece_is_read_with_what_its_manifest_says(folder):
    piece = read_four_part(folder)[1]
    assert (piece.style, piece.side, piece.tune) == ("chorale", "train", "t2")
    assert piece.chorale.fermatas == (8, 24)
    assert piece.chorale.source == "some/where nun (CC BY-SA 4.0)"
    assert piece.bach_settings == ("BWV 1", "BWV 3")
    assert training_pieces(read_four_part(folder)) == [piece]


def test_bach_comes_first_and_keeps_his_sides(bach, folder):
    joined = join.build_joined(bach, folder)
    assert joined.chorales[:3] == bach.chorales
    assert joined.sides == ("train", "valid", "train", "hymn-test", "train", "held")
    assert joined.styles == ("bach", "bach", "bach", "hymn", "chorale", "hymn")
    assert joined.files[3:] == ("abide.mid", "nun.mid", "held.mid")


def test_a_tune_of_bachs_keeps_its_number(bach, folder):
    assert join.build_joined(bach, folder).tunes == (0, 1, 2, 3, 0, 1)


def test_pieces_that_are_not_admitted_are_left_out(bach, folder):
    joined = join.build_joined(bach, folder)
    reason = "not for training: 9.50 parallels per 100 chords"
    assert joined.left_out == (corpus.LeftOut("loud.mid", reason),)


def test_no_tune_of_bachs_held_out_sides_is_trained_on(bach, tmp_path):
    write(tmp_path, [("leak", "train", "t1", "hymn", "yes", "BWV 2")])
    with pytest.raises(MusicaeError, match=r"leak: .* its tune is on the valid"):
        join.build_joined(bach, tmp_path)


def test_a_joined_corpus_is_saved_with_its_styles(bach, folder, tmp_path):
    joined = join.build_joined(bach, folder)
    joined.save(tmp_path / "joined.npz")
    assert load.load(tmp_path / "joined.npz") == joined
    assert joined.styles_of("train") == ("bach", "bach", "chorale")
    assert len(joined.side("hymn-test")) == 1


def test_the_shipped_file_is_written_as_it_is(tmp_path):
    shipped = load.load()
    shipped.save(tmp_path / "chorales.npz")
    assert (tmp_path / "chorales.npz").read_bytes() == load.DEFAULT.read_bytes()
    assert set(shipped.styles) == {"bach"}


def test_styles_fit_the_chorales(bach):
    with pytest.raises(ValueError, match="1 styles for 3 chorales"):
        replace(bach, styles=("hymn",))


def test_the_summary_counts_styles_by_side(bach, folder):
    found = corpus_report.summary(join.build_joined(bach, folder))
    assert found["styles"] == {
        "bach": {"train": 2, "valid": 1},
        "chorale": {"train": 1},
        "hymn": {"hymn-test": 1, "held": 1},
    }
    assert list(found["sides"]) == ["train", "valid", "test", "hymn-test", "held"]


@pytest.mark.parametrize("name", ["nowhere", "manifest.csv", "sides.csv"])
def test_missing_data_are_reported_with_their_sources(folder, name):
    if name == "nowhere":
        folder = folder / name
    else:
        (folder / name).unlink()
    with pytest.raises(MusicaeError) as refused:
        read_four_part(folder)
    message = str(refused.value)
    assert name in message
    assert "\n" not in message
    assert "1,237 hymns" in message
    assert all(f"{source.repository} at {source.commit}" in message for source in SOURCES)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("x", "dev", "t1", "hymn", "yes", ""), "x is on no side"),
        (("x", "train", "t1", "jazz", "yes", ""), "x has the style 'jazz'"),
    ],
)
def test_tables_that_make_no_sense_are_refused(tmp_path, row, complaint):
    with pytest.raises(MusicaeError, match=complaint):
        read_four_part(write(tmp_path, [row]))


def test_the_command_joins_and_refuses_in_one_line(musicae_command, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = musicae_command("corpus", "build", "--four-part", folder)
    assert done.out.splitlines()[-1] == "hymns.npz  386 chorales, 195 tunes"
    told = musicae_command("corpus", "info", "--data", "hymns.npz").out
    assert "styles: bach (train 307, valid 38, test 38), chorale (train 1)" in told
    done = musicae_command("corpus", "build", "--four-part", "none")
    assert done.status == 2
    assert done.err.startswith("error: none: no such folder; it should hold the four-part data")
    done = musicae_command("corpus", "build", "--four-part", folder, "--from", folder)
    assert "--from replaces Bach's chorales and --four-part adds" in done.err
