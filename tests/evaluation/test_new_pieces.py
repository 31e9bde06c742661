"""The table that compares new pieces with a side of the corpus."""

from dataclasses import replace

import pytest

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.evaluation import new_pieces
from musicae.evaluation.comparison import Group
from musicae.evaluation.new_pieces import PERCENT, TRAIN, Row, cadence_share, markdown, table
from tests.support.passages import CADENCE, HYMN, OTHER, passage

SIDE = Group("side", (HYMN, OTHER), ("one", "two"))
HALF_CLOSED = passage(
    "S C5 D5 C5^ E5 B4 C5^\nA G4 G4 G4 A4 G4 G4\nT E4 B3 E4 E4 D4 E4\nB C3 G3 C3 C3 G3 Bb2",
    "C major",
)
"""Two phrases; the second does not end with a cadence."""


@pytest.fixture(scope="module")
def rows():
    found = table([HYMN, OTHER, CADENCE], SIDE, (HYMN,), {"others": (OTHER,)})
    return {row.measure: row for row in found}


def test_a_column_for_the_pieces_and_one_for_the_side(rows):
    assert rows["pieces"][1:3] == (3, 2)
    assert rows["pieces that end on their tonic"][1:3] == (1.0, 1.0)
    assert rows["length in quarters, median"][1:3] == (8.0, 10.0)


def test_pieces_of_the_train_side_are_shared_whole_and_surprise_less(rows):
    assert rows["beats shared with the train side, 95th percentile"].draws > 7
    for name in (TRAIN, "others"):
        assert rows[f"surprise of the soprano, nats a note, melodies of {name}"].draws > 0
    known = table([HYMN], SIDE, (HYMN,))
    unknown = table([OTHER], SIDE, (HYMN,))
    nats = [
        next(row.draws for row in found if row.measure.endswith(TRAIN))
        for found in (known, unknown)
    ]
    assert nats[0] < nats[1]


def test_measures_without_a_value_are_none(rows):
    assert rows["returns: steps alike in all voices"][1:3] == (None, None)
    assert "two-sample AUC" not in rows  # fewer pieces than folds
    alone = {row.measure: row for row in table([HYMN], SIDE, (HYMN,))}
    assert alone["distance of the nearest two"].draws is None


def test_enough_pieces_are_classified_by_groups():
    pytest.importorskip("sklearn")
    side = Group("side", (OTHER,) * 5, tuple(range(5)))
    auc = table([HYMN] * 5, side, (HYMN,))[1]
    assert (auc.measure, auc.draws, auc.side) == ("two-sample AUC", 1.0, None)
    assert auc.note.startswith("[1.00, 1.00]; ")


def test_pieces_with_a_silent_voice_are_left_out():
    duet = Chorale.from_notes([[(0, 4, 72), (4, 4, 72)], [], [], [(0, 8, 48)]])
    assert table([HYMN, duet], SIDE, (HYMN,))[0].draws == 1
    with pytest.raises(MusicaeError, match="no piece in four voices"):
        table([duet], SIDE, (HYMN,))


def test_a_side_without_chorales_is_an_error():
    with pytest.raises(MusicaeError, match="carols: has no chorale"):
        table([HYMN], Group("carols", (), ()), (HYMN,))


def test_without_fermatas_phrases_end_where_the_segmenter_finds_ends(monkeypatch):
    ends = HALF_CLOSED.fermatas
    monkeypatch.setattr(new_pieces, "phrase_ends", lambda _: ends)
    found = table([replace(HALF_CLOSED, fermatas=())], SIDE, (HYMN,))
    assert next(r.draws for r in found if r.measure == "phrases that end in a cadence") == 0.5


def test_cadence_share():
    assert cadence_share([HALF_CLOSED]) == 0.5
    assert cadence_share([HALF_CLOSED, CADENCE]) == pytest.approx(2 / 3)


def test_the_printed_table():
    rows = [
        Row("pieces", 3, 2),
        Row("closed", 0.5, None, PERCENT),
        Row("AUC", 0.751, 1.0, note="x"),
    ]
    assert markdown(rows, "Bach").splitlines() == [
        "| measure | draws | Bach |",
        "| --- | ---: | ---: |",
        "| pieces | 3 | 2 |",
        "| closed | 50.0% | - |",
        "| AUC | 0.75 x | 1.00 |",
    ]
