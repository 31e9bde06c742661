"""Training the planner's networks: averages over cycles, resumed runs, second chords."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale
from musicae.core.errors import TrainingError
from musicae.core.key import Key
from musicae.encoding.melody_features import COLUMNS, FEATURES
from musicae.evaluation.plan_accuracy import measure_plans
from musicae.models.chord_planner import second_chords_of
from musicae.models.configs import ChordPlannerConfig
from musicae.models.torch_engine import live
from musicae.theory.plan_reading import plan_of
from musicae.training.planner import Augmentation, augmented, common_states, example
from musicae.training.planner_fit import (
    PlannerSettings,
    assemble,
    calibrate,
    fit_network,
    nats_a_beat,
)
from musicae.training.second_chords import SecondSettings, fit_seconds, nats_of_seconds

C = Key(0)
QUICK = PlannerSettings(cycles=(2, 1, 2), averaged=2, batch=2, warmup=1)
CHORDS = {
    "I": (72, 67, 64, 48),
    "IV": (72, 69, 65, 53),
    "V": (71, 67, 62, 55),
    "vi": (72, 69, 64, 57),
}


def piece(names, second=None):
    """One chord a beat; with ``second``, that chord in the second half of the last beat."""
    voices = [[(4 * i, 4, CHORDS[name][v]) for i, name in enumerate(names)] for v in range(4)]
    if second:
        for v, line in enumerate(voices):
            start, _, pitch = line[-1]
            line[-1:] = [(start, 2, pitch), (start + 2, 2, CHORDS[second][v])]
    return Chorale.from_notes(voices, key=C)


PIECES = [
    piece(["I", "IV", "V", "I"]),
    piece(["I", "vi", "IV", "V"], second="I"),
    piece(["vi", "IV", "V", "I"]),
    piece(["I", "V", "vi", "IV"], second="V"),
]
STATES = common_states((plan_of(one, C) for one in PIECES), at_least=1)
EXAMPLES = [example(one, C, "hymn", STATES) for one in PIECES]
MODE = COLUMNS["mode"].start
CONFIG = ChordPlannerConfig(
    FEATURES, STATES, (MODE, MODE + 1), width=8, tables=2, rank=2, second_width=8
)


def fitted(settings, state=None, log=None):
    return fit_network(
        EXAMPLES,
        {"valid": EXAMPLES},
        CONFIG,
        settings,
        state=state,
        report=(lambda epoch, *_: log.append(epoch)) if log is not None else None,
    )


def test_a_stopped_run_resumes_to_the_same_weights(tmp_path):
    whole = fitted(QUICK)
    state = tmp_path / "member.pt"

    class StoppedError(Exception):
        """Stands for a machine that stops."""

    def stop(epoch, *_):
        if epoch == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        fit_network(EXAMPLES, {"valid": EXAMPLES}, CONFIG, QUICK, state=state, report=stop)
    log = []
    again = fitted(QUICK, state, log)
    assert log == [3, 4]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    with pytest.raises(TrainingError, match="other settings or data"):
        fitted(replace(QUICK, seed=1), state)


def test_the_average_of_the_last_cycles_is_kept():
    one, two, both = (
        fitted(replace(QUICK, cycles=cycles, averaged=averaged)).state_dict()
        for cycles, averaged in (((2, 1), 1), ((2, 1, 2), 1), ((2, 1, 2), 2))
    )
    for name in both:
        expected = (one[name].double() + two[name].double()) / 2
        torch.testing.assert_close(both[name].double(), expected)


def test_the_learning_rate_begins_each_cycle_at_its_peak():
    settings = PlannerSettings(cycles=(4, 2, 2), learning_rate=4e-3, restart=0.5, least_peak=1.5e-3)
    assert [settings.rate(epoch) for epoch in (0, 4, 6)] == [4e-3, 2e-3, 1.5e-3]
    assert settings.rate(3.99) < 1e-3
    assert [epoch for epoch in range(8) if settings.ends_cycle(epoch)] == [3, 5, 7]


def test_a_planner_learns_plans_and_second_chords():
    settings = replace(
        QUICK, cycles=(30,), averaged=1, augmentation=Augmentation(0, 0, 0, 0, 0, 0, 0)
    )
    network = fitted(settings)
    assert nats_a_beat(network, EXAMPLES) < 1.0
    model = assemble([network])
    before = nats_of_seconds(model.seconds.eval(), EXAMPLES)
    fit_seconds(model.seconds, EXAMPLES, EXAMPLES, SecondSettings(epochs=60, learning_rate=1e-2))
    assert nats_of_seconds(model.seconds, EXAMPLES) < before / 2


def test_a_planner_is_calibrated_on_held_out_plans():
    model = assemble([fitted(replace(QUICK, learning_rate=3e-2))])

    def nats(temperature):
        model.temperature.fill_(temperature)
        return measure_plans(live("planner", model), EXAMPLES).nats

    found = calibrate(model, EXAMPLES)
    assert model.temperature.item() == pytest.approx(found)
    assert nats(found) < min(nats(1.0), nats(found + 0.05))


def test_second_chords_are_learned_as_they_stand_in_the_voices():
    assert [np.flatnonzero(one.seconds).tolist() for one in EXAMPLES] == [[], [3], [], [3]]
    for one in EXAMPLES:
        assert one.possible[np.arange(4), one.seconds].all()
        assert not one.possible[np.arange(4), 1 + one.states].any()
    torch.manual_seed(0)
    network = second_chords_of(CONFIG).eval()
    one = EXAMPLES[1]
    with torch.no_grad():
        logits = network(torch.from_numpy(one.features), torch.from_numpy(one.states))
    assert logits.shape == one.possible.shape


def test_a_hidden_melody_reads_like_one_that_rests():
    silent = Chorale.from_notes([[], *([(0, 16, p)] for p in (67, 64, 48))], key=C)
    expected = example(silent, C, "hymn", STATES).features
    how = Augmentation(0, 0, 0, 0, 0, silent=1.0)
    hidden = augmented(EXAMPLES[0].features, how, np.random.default_rng(0))
    for name in ("slots", "motion", "held", "before", "after"):
        assert (hidden[:, COLUMNS[name]] == expected[:, COLUMNS[name]]).all(), name
