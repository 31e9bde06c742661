"""The harmonizer's training data: whole notes, any key, and any part of the notes given."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale, transpositions
from musicae.core.constants import STYLES, VOICE_RANGES
from musicae.core.key import Key
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.encoding.plan_features import PLAN_SIZES, STYLE, plan_features
from musicae.encoding.step_features import PHRASES, RHYTHM, SIZES, step_features
from musicae.encoding.tokens import chorale_to_tokens, tokens_to_chorale, windows
from musicae.models.batches import MaskedBatch
from musicae.models.configs import HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.vocabulary import COLUMNS, FIRST_PITCH, HOLD, SILENCE
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.training import augmentation, exercises
from musicae.training.config import RECIPES
from musicae.training.exercises import LONGEST_EXERCISE, Exercises, without_plan
from musicae.training.harmonizer import HarmonyTask
from musicae.training.task import StyledPiece
from tests.support.passages import passage

S, A, T, B = range(4)

# The bass makes this A minor; the soprano alone would be C major. The tenor rests, the alto
# repeats.
PLAIN = passage(
    """
    S  C5 D5 E5 -- .. C5 C5^ --
    A  A4 G#4 A4 A4 A4 -- A4 --
    T  E4 -- -- -- .. .. E4  --
    B  A2 E3 A2 -- A3 -- A2  --
    """
)
USUAL = passage(
    """
    S  G4 A4 B4 G4^
    A  D4 D4 D4 D4
    T  B3 A3 G3 B3
    B  G3 F#3 G3 G2
    """,
    key="G major",
)
FLOWING = passage(
    """
    S  D5 -- E5 -- F5 -- D5 --
    A  A4 B4 C5 A4 A4 G4 F4 --
    T  F4 G4 G4 E4 D4 E4 F4 --
    B  D3 E3 C3 E3 F3 C3 D3 --
    """,
    column=2,
)
# Twenty bars and a quarter: too long for one exercise.
LONG = Chorale(
    np.vstack([np.tile(PLAIN.pitch, (10, 1)), USUAL.pitch[:4]]),
    np.vstack([np.tile(PLAIN.onset, (10, 1)), USUAL.onset[:4]]),
)
CHORALES = [PLAIN, USUAL, FLOWING, LONG]
LEARN = Exercises(CHORALES, every_key=True, stride=2, variants=0)
JUDGE = Exercises(CHORALES, every_key=False, stride=2)


def many(index, draws, examples=LEARN):
    """One exercise drawn with several seeds, as one batch."""
    batches = [examples.batch([index], seed) for seed in range(draws)]
    return type(batches[0])(*(torch.cat(parts) for parts in zip(*batches, strict=True)))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# Transposition and given notes


@pytest.mark.parametrize("index", range(4))
def test_given_cells_are_whole_notes(index):
    found = many(index, draws=40)
    held = found.tokens[:, 1:] == HOLD
    assert torch.equal(found.known[:, 1:][held], found.known[:, :-1][held])


@pytest.mark.parametrize("index", range(3))
def test_transposed_pieces_keep_their_notes_and_move_their_tonic(index):
    chorale = CHORALES[index]
    found = many(index, draws=60)
    keys = likely_key(chorale), PartialScore.of(chorale, voices=(S,)).key
    shifts = set()
    for tokens, tonic in zip(found.tokens, found.tonic.tolist(), strict=True):
        moved = tokens_to_chorale(tokens[: len(chorale)].numpy())
        (shift,) = set((moved.pitch - chorale.pitch)[chorale.pitch >= 0].tolist())
        expected = chorale.transpose(shift)
        assert np.array_equal(moved.pitch, expected.pitch)
        assert np.array_equal(moved.onset, expected.onset)
        assert (tonic - shift) % 12 in {key.tonic for key in keys}
        shifts.add(shift)
    possible = transpositions(chorale)
    assert shifts <= set(possible)
    assert len(shifts) > len(possible) / 2
    for voice, (low, high) in enumerate(VOICE_RANGES):
        assert found.tokens[..., voice].max() <= high - low + FIRST_PITCH


def test_the_key_is_that_of_all_voices_or_that_of_the_soprano():
    """The tonic and the mode in the context of an exercise belong to the same key."""
    found = many(0, draws=40)
    first = found.tokens[:, 0, S] - FIRST_PITCH + VOICE_RANGES[S][0]  # C5, moved
    tonic, mode = (found.tonic - first) % 12, found.context[:, 0, 7]
    assert set(zip(tonic.tolist(), mode.tolist(), strict=True)) == {(9, 1), (0, 0)}


def test_short_pieces_are_filled_up_with_known_silence():
    batches = [LEARN.batch([1, 0], seed) for seed in range(10)]
    found = MaskedBatch(
        *(torch.stack([part[0] for part in parts]) for parts in zip(*batches, strict=True))
    )
    longest = len(PLAIN)
    assert found.tokens.shape == found.known.shape == (10, longest, 4)
    assert found.context.shape == (10, longest, len(SIZES) + len(PLAN_SIZES))
    assert (found.tokens[:, len(USUAL) :] == SILENCE).all()
    assert found.known[:, len(USUAL) :].all()


def test_long_pieces_are_cut_anywhere_between_frames():
    found = many(3, draws=30)
    assert found.tokens.shape == (30, LONGEST_EXERCISE, 4)
    whole = chorale_to_tokens(LONG)
    places = step_features(PartialScore.of(LONG, voices=(S,)))[:, :5]
    frames = range(0, len(LONG) - LONGEST_EXERCISE + 1, 2)
    cuts = {}
    for shift in transpositions(LONG):
        moved = np.where(whole >= FIRST_PITCH, whole + shift, whole)
        for first, cut in zip(frames, windows(moved, frames, LONGEST_EXERCISE), strict=True):
            cuts[first, shift] = cut, places[first : first + LONGEST_EXERCISE]
    begins = []
    for tokens, context in zip(found.tokens, found.context, strict=True):
        fitting = [
            first
            for (first, _), (cut, place) in cuts.items()
            if np.array_equal(tokens, cut) and np.array_equal(context[:, :5], place)
        ]
        assert fitting
        begins.append(fitting[0])
    assert len(set(begins)) > 5


def test_exercises_give_voices_passages_and_nothing():
    found = many(0, draws=200)
    known = found.known[:, : len(PLAIN)]
    by_voice = known.all(dim=1) | ~known.any(dim=1)
    kinds = {"passages": ~by_voice.all(dim=1)}
    for name, given in (("soprano", {S}), ("nothing", set())):
        column = torch.tensor([voice in given for voice in range(4)])
        kinds[name] = (known == column).flatten(1).all(dim=1)
    kinds["bass without soprano"] = known[..., B].all(dim=1) & ~known[..., S].any(dim=1)
    kinds["soprano and more"] = known[..., S].all(dim=1) & known[..., 1:].flatten(1).any(dim=1)
    assert all(kind.any() for kind in kinds.values()), kinds
    assert kinds["soprano"].float().mean() > 0.4


def test_phrases_and_rhythm_are_known_in_some_exercises():
    found = many(0, draws=60)
    context = found.context[:, : len(PLAIN)]
    untold = (context[..., PHRASES] == 0).flatten(1).all(dim=1)
    assert untold.any()
    assert (context[..., PHRASES][~untold] > 0).all()
    assert 0 < untold.float().mean() < 0.5
    assert set(context[..., RHYTHM].unique().tolist()) == {0, 1 + RHYTHMS.index("plain")}


def test_the_rhythm_class_compares_a_piece_with_the_others():
    three = Exercises([PLAIN, USUAL, FLOWING], every_key=True, stride=2, variants=0)
    columns = [many(i, 20, three).context[..., RHYTHM] for i in range(3)]
    rhythms = [set(column.unique().tolist()) for column in columns]
    assert rhythms == [{0, 1 + RHYTHMS.index("plain")}, {0}, {0, 1 + RHYTHMS.index("flowing")}]


def test_one_exercise_does_not_change_the_draws_of_the_others():
    before = LEARN.describe()
    many(0, draws=20)
    assert LEARN.describe() == before


# Validation: untransposed, with the soprano given


def test_validation_gives_the_soprano_and_draws_nothing():
    found = JUDGE.batch([0, 1, 2], 1)
    assert same(found, JUDGE.batch([0, 1, 2]))
    assert same(found, JUDGE.batch([0, 1, 2], 7, 8))
    longest = len(PLAIN)
    assert found.tokens.shape == (3, longest, 4)
    for chorale, tokens, known, context, tonic in zip(CHORALES[:3], *found, strict=True):
        steps = len(chorale)
        partial = PartialScore.of(chorale, voices=(S,))
        assert np.array_equal(tokens[:steps], chorale_to_tokens(chorale))
        assert np.array_equal(known[:steps], partial.known)
        plan = plan_of(chorale, partial.key)
        told = plan_features(replace(partial, plan=plan, style="bach"))
        assert np.array_equal(context[:steps], np.hstack([step_features(partial), told]))
        assert tonic == partial.key.tonic
        assert (tokens[steps:] == SILENCE).all()
        assert known[steps:].all()


def test_validation_pieces_stay_whole_in_whole_frames():
    assert JUDGE.batch([3]).tokens.shape == (1, len(LONG), 4)
    odd = replace(USUAL, pitch=USUAL.pitch[:-1], onset=USUAL.onset[:-1])
    for stride, length in ((2, 16), (4, 16), (5, 15), (1, 15)):
        found = Exercises([odd], every_key=False, stride=stride).batch([0])
        assert found.tokens.shape[1] == length


# Batches


def test_the_same_seed_gives_the_same_batch_and_another_does_not():
    one, again, other = (LEARN.batch([0, 2, 3], 5, epoch) for epoch in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_an_exercise_does_not_depend_on_the_rest_of_its_batch():
    together, alone = LEARN.batch([0, 3, 2], 5, 1), LEARN.batch([3], 5, 1)
    assert same([part[1:2] for part in together], alone)


def test_batches_hold_every_exercise_once_with_like_lengths_together():
    batches = LEARN.batches(torch.tensor([2, 0, 3, 1]), 2, 5, 1)
    assert sorted(sorted(batch.tolist()) for batch in batches) == [[0, 3], [1, 2]]
    assert sorted(torch.cat(LEARN.batches(torch.randperm(4), 3, 5, 2)).tolist()) == [0, 1, 2, 3]


# Pieces by others


OTHERS = [StyledPiece(USUAL, style, Key(1)) for style in ("hymn", "carol", "psalm")]


def test_pieces_by_others_take_turns():
    examples = Exercises([PLAIN, FLOWING], True, 2, OTHERS[:2] * 4, variants=0)
    assert len(examples) == 2 + 3
    drawn = Counter()
    for epoch in range(8):
        pieces = [examples.turns.piece_of(index, (7, epoch)) for index in range(len(examples))]
        assert pieces[:2] == [0, 1]
        drawn.update(pieces[2:])
    assert drawn == dict.fromkeys(range(2, 10), 3)


def test_exercises_name_the_style_or_leave_it_open():
    examples = Exercises([PLAIN, FLOWING], True, 2, OTHERS, variants=0)
    found = [
        examples.batch([2], seed, 0).context[0, 0, len(SIZES) + STYLE].item() for seed in range(60)
    ]
    assert set(found) == {0, *(1 + STYLES.index(piece.style) for piece in OTHERS)}
    assert 0 < found.count(0) < 25


# Plans


def test_plans_are_shown_as_a_whole_in_part_and_not_at_all():
    columns = many(0, draws=150).context[:, : len(PLAIN), len(SIZES) + STYLE + 1 :]
    known = columns[..., COLUMNS.index("root")] > 0
    whole, nothing = known.all(dim=1), ~known.any(dim=1)
    assert 0.35 < whole.float().mean() < 0.75
    assert 0.04 < nothing.float().mean() < 0.25
    assert (~whole & ~nothing).any()
    assert not columns[nothing].any()


def test_the_plan_is_in_the_key_of_the_context():
    """The chord on the first beat is the same above both tonics, A and C."""
    found = many(0, draws=80)
    root = found.context[:, 0, len(SIZES) + STYLE + 1 + COLUMNS.index("root")]
    shown = root > 0
    first_bass = found.tokens[:, 0, B] - FIRST_PITCH + VOICE_RANGES[B][0]  # A2, moved
    assert len(set(found.tonic[shown].tolist())) > 2
    assert torch.equal((root[shown] - 1 + found.tonic[shown]) % 12, first_bass[shown] % 12)


def test_without_plan_takes_away_chords_only():
    given_plan = JUDGE.batch([0, 1])
    found = without_plan(given_plan)
    split = len(SIZES) + STYLE + 1
    assert torch.equal(found.context[..., :split], given_plan.context[..., :split])
    assert given_plan.context[..., split:].any()
    assert not found.context[..., split:].any()


# Augmentation


@pytest.mark.parametrize("change", augmentation.CHANGES)
@pytest.mark.parametrize("piece", [PLAIN, USUAL, FLOWING])
def test_a_change_keeps_the_order_of_the_notes(change, piece):
    for seed in range(6):
        found = change(piece, np.random.default_rng(seed))
        for voice in range(4):
            pitches = [[note.pitch for note in one.notes(voice)] for one in (piece, found)]
            assert pitches[0] == pitches[1]
        assert len(found.fermatas) <= len(piece.fermatas)
        for step in found.fermatas:
            assert found.onset[step, S]


def test_note_values_are_halved_where_the_grid_allows():
    lengths = {len(augmentation.scaled(USUAL, np.random.default_rng(s))) for s in range(8)}
    assert lengths == {len(USUAL) // 2, len(USUAL) * 2}


def test_last_notes_become_longer_and_shorter_by_beats():
    held = Chorale.from_notes(
        [[(0, 4, 67), (4, 12, 67)], [(0, 16, 62)], [(0, 16, 59)], [(0, 16, 43)]]
    )
    found = {len(augmentation.other_endings(held, np.random.default_rng(s))) for s in range(30)}
    assert found == {8, 12, 16, 20, 24, 28}


def test_a_fingerprint_distinguishes_chorales():
    digest = LEARN.describe()["sha256"]
    assert Exercises(CHORALES, every_key=True, stride=2).describe() == LEARN.describe()
    changed = replace(USUAL, fermatas=())
    other = Exercises([PLAIN, changed, FLOWING, LONG], every_key=True, stride=2)
    assert other.describe()["sha256"] != digest
    assert other.describe()["chorales"] == len(LEARN) == 4


@pytest.mark.parametrize("examples", [LEARN, JUDGE])
def test_a_process_may_have_no_share_of_a_batch(examples):
    found = examples.batch([], 5, 1)
    assert [len(part) for part in found] == [0, 0, 0, 0]


# The task


def test_every_example_has_a_loss_with_gradients():
    torch.manual_seed(0)
    small = {"width": 16, "heads": 2, "depth": 4, "span": 4}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "head_layers": 1}
    config = RECIPES["harmonizer"].config | small | layers
    model = Harmonizer(HarmonizerConfig(**config))
    task = HarmonyTask()
    examples = task.examples(CHORALES[:3], True, config)
    loss = task.loss(model, examples.batch([0, 1, 2], 0))
    assert loss.shape == (3,)
    assert loss.isfinite().all()
    loss.sum().backward()
    assert all(weights.grad.isfinite().all() for weights in model.parameters())


def test_examples_have_the_models_stride():
    odd = replace(USUAL, pitch=USUAL.pitch[:-1], onset=USUAL.onset[:-1])
    for stride in (4, 5):
        found = HarmonyTask().examples([odd], False, {"stride": stride})
        assert found.batch([0]).tokens.shape[1] % stride == 0
    assert exercises.LONGEST_EXERCISE % HarmonizerConfig.stride == 0
