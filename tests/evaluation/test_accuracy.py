"""Accuracies of predictors whose answers are known in advance."""

import pytest
from torch import nn

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding.tokens import ACCOMPANIMENT, unflatten
from musicae.evaluation.accuracy import (
    DEGREE,
    HOLDING,
    Accuracy,
    accuracies,
    accuracy_markdown,
    verdicts,
)
from musicae.models import checkpoint
from musicae.models.torch_engine import build_model, live
from musicae.models.vocabulary import HOLD
from musicae.training.config import RECIPES

C = Key(0)
DO, RE, MI = 60, 62, 64


def chorale(soprano, below, key=C, length=4, **facts):
    """A soprano in quarters (or of ``length``), the other voices below it by these semitones."""
    voices = [
        [(length * i, length, pitch - less[i % len(less)]) for i, pitch in enumerate(soprano)]
        for less in ([0], *below)
    ]
    return Chorale.from_notes(voices, key=key, **facts)


class Oracle(nn.Module):
    """A model that gives the answers that its input, the tokens of all voices, contains."""

    config = None

    def forward(self, flat):
        return flat


def judge(name, piece, known=()):
    """The accuracies of a model that copies the answer from its input: a perfect autoencoder."""
    return accuracies(live(name, Oracle()), [piece], known)


def test_a_perfect_model_is_always_right():
    table = judge("autoencoder", chorale([DO, RE, MI, DO] * 9, [[3], [8], [15]]))
    assert list(table) == ["Soprano", "Alto", "Tenor", "Bass"]
    for row in table.values():
        assert row["autoencoder"] == (1.0, 1.0)


def test_always_holding_is_right_three_times_of_four_in_quarters_and_never_on_onsets():
    for soprano in ([DO] * 16, [DO] * 19):
        table = judge("autoencoder", chorale(soprano, [[3], [8], [15]]))
        assert all(row[HOLDING] == (0.75, 0.0) for row in table.values())


def test_notes_that_a_window_cuts_are_not_counted():
    # Notes of 40 steps begin at 0, 40 and 80; the window from 64 on begins with a held note.
    table = judge("autoencoder", chorale([DO, RE, MI], [[3], [8], [15]], length=40))
    for row in table.values():
        assert row["autoencoder"] == (1.0, 1.0)
        assert row[HOLDING] == pytest.approx((116 / 119, 0.0))


def test_a_pickup_is_counted_and_the_silence_before_it_is_not():
    table = judge("autoencoder", chorale([DO] * 5, [[3], [8], [15]], pickup=4))
    assert all(row[HOLDING] == (0.75, 0.0) for row in table.values())


def test_the_scale_degree_predicts_the_usual_note_in_every_key():
    # The alto sings a third below do two times out of three, and a fourth below re.
    known = chorale([DO, DO, DO, RE], [[3, 3, 5, 5], [8], [15]])
    same = judge("autoencoder", chorale([DO, RE] * 8, [[3, 5], [8], [15]]), [known])
    assert same["Alto"][DEGREE] == same["Bass"][DEGREE] == (1.0, 1.0)
    higher = chorale([DO + 2, RE + 2] * 8, [[3, 5], [8], [15]], key=Key(2))
    assert judge("autoencoder", higher, [known])["Alto"][DEGREE] == (1.0, 1.0)
    other = chorale([DO, RE] * 8, [[3, 7], [8], [15]])
    assert judge("autoencoder", other, [known])["Alto"][DEGREE] == (0.875, 0.5)
    assert DEGREE not in same["Soprano"]


def test_the_scale_degree_moves_with_the_soprano_only():
    known = chorale([DO], [[3], [8], [15]])
    piece = Chorale.from_notes(
        [[(0, 8, DO)], *([(0, 4, DO - n), (4, 4, DO - n)] for n in (3, 8, 15))], key=C
    )
    assert judge("autoencoder", piece, [known])["Bass"][DEGREE] == (7 / 8, 0.5)


def test_without_a_key_the_scale_degree_holds():
    table = judge("autoencoder", chorale([DO] * 16, [[3], [8], [15]], key=None))
    assert table["Alto"][DEGREE] == table["Alto"][HOLDING]


def test_minibach_is_judged_by_what_it_writes():
    model = build_model("minibach", RECIPES["minibach"].config | {"hidden": 1})
    model.requires_grad_(False)
    for parameter in model.parameters():
        parameter.zero_()
    for bias in unflatten(model.output.bias.numpy(), ACCOMPANIMENT):
        bias[:, HOLD] = 1
    table = accuracies(live("minibach", model), [chorale([DO] * 16, [[3], [8], [15]])], [])
    assert list(table) == ["Alto", "Tenor", "Bass"]
    assert all(row["minibach"] == row[HOLDING] for row in table.values())


def test_other_meters_are_not_judged():
    waltz = chorale([DO] * 12, [[3], [8], [15]], meters=(Meter(0, 3, 4),))
    with pytest.raises(MusicaeError, match="no chorale has four consecutive bars of 4/4"):
        judge("autoencoder", waltz)


TABLE = {
    "Soprano": {"model": Accuracy(0.8, 0.3), HOLDING: Accuracy(0.7, 0.0)},
    "Bass": {
        "model": Accuracy(0.755, 0.2),
        HOLDING: Accuracy(0.75, 0.0),
        DEGREE: Accuracy(0.72, 0.25),
    },
}


def test_a_number_near_a_trivial_predictors_gets_a_verdict():
    assert verdicts(TABLE) == [
        "Bass, steps: model (75.5%) is no better than 'always hold' (75.0%)",
        "Bass, onsets: model (20.0%) is no better than 'scale degree' (25.0%)",
    ]


def test_the_accuracy_table_in_markdown():
    assert accuracy_markdown(TABLE).splitlines() == [
        "| voice | model: steps | onsets | always hold: steps | onsets"
        " | scale degree: steps | onsets |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| soprano | 80.0 | 30.0 | 70.0 | 0.0 | - | - |",
        "| bass | 75.5 | 20.0 | 75.0 | 0.0 | 72.0 | 25.0 |",
    ]


def test_a_model_that_knows_no_windows_is_sent_to_the_table(untrained):
    harmonizer = checkpoint.load_checkpoint(untrained["harmonizer"])
    with pytest.raises(MusicaeError, match="musicae evaluate harmonizer"):
        accuracies(harmonizer, [], [])
