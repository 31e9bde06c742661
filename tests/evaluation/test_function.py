"""Tonal function, measured on short passages: chords from the soprano down."""

import pytest

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.evaluation.function import function_of, mean_figures
from musicae.theory.plan_reading import plan_of
from musicae.theory.sonorities import harmony_of

C = Key(0)
CHORDS = {
    "I": (72, 67, 64, 48),
    "I6": (72, 67, 60, 52),
    "i": (72, 67, 63, 48),
    "IV": (72, 69, 65, 53),
    "V": (71, 67, 62, 55),
    "V7": (71, 65, 62, 55),
    "V thin": (67, 67, 62, 55),
    "vi": (72, 64, 60, 57),
    "cluster": (72, 71, 62, 48),
    "V/V": (74, 69, 66, 50),
    "G": (74, 71, 67, 43),
}


def passage(*names, fermatas=(), key=C):
    """A chorale of one chord a quarter; ``fermatas`` count chords from 0."""
    voices = zip(*(CHORDS[name] for name in names), strict=True)
    return Chorale.from_notes(
        [[(4 * i, 4, pitch) for i, pitch in enumerate(voice)] for voice in voices],
        key=key,
        fermatas=tuple(4 * i for i in fermatas),
    )


@pytest.mark.parametrize(
    ("last", "key", "may_close", "closes", "clean"),
    [
        ("I", C, True, True, True),
        ("I6", C, True, False, True),
        ("IV", C, True, False, True),
        ("i", C, True, False, True),
        ("i", Key(-3, "minor"), True, True, True),
        ("I", Key(-3, "minor"), True, True, True),
        ("V", C, False, False, True),
        ("cluster", C, True, False, False),
    ],
)
def test_a_last_chord_is_right_where_it_is_the_tonic_in_root_position(
    last, key, may_close, closes, clean
):
    measured = function_of(passage("I", "V", last), key)
    assert (measured.may_close, measured.closes, measured.clean) == (may_close, closes, clean)


def test_cadences_are_counted_by_kind():
    played = ["I", "IV", "V"], ["I", "V", "vi"], ["I", "V7", "I"], ["IV", "I"]
    chords = [name for phrase in played for name in phrase]
    measured = function_of(passage(*chords, fermatas=(2, 5, 8)), C)
    assert measured.kinds == {"half": 1, "deceptive": 1, "perfect authentic": 1, "plagal": 1}
    assert (measured.phrases, measured.cadences) == (4, 1.0)


def test_phrase_ends_can_be_passed_in():
    chorale = passage("I", "IV", "V", "I", "vi", "V7", "I")
    assert function_of(chorale, C).kinds == {"perfect authentic": 1}
    measured = function_of(chorale, C, phrase_ends=(8, 16))
    assert measured.kinds == {"half": 1, "other": 1, "perfect authentic": 1}
    assert measured.cadences == pytest.approx(2 / 3)


def test_foreign_notes_tertian_beats_and_full_beats():
    measured = function_of(passage("I", "V/V", "V thin", "cluster"), C)
    assert measured.foreign == 1 / 16, "the F sharp of D major"
    assert measured.tertian == 2 / 4, "G and D alone are no triad, and a cluster is none"
    assert measured.full == 3 / 4


def test_chord_changes_are_counted_in_a_whole_note():
    assert function_of(passage("I", "I", "IV", "IV"), C).changes == 1
    assert function_of(passage("I", "IV", "V", "I"), C).changes == 3
    assert function_of(passage("I", "I6", "I", "I6"), C).changes == 0


def test_the_first_chord_is_a_tonic_or_a_dominant():
    assert [function_of(passage(name, "I"), C).opens for name in ("I", "V", "IV", "vi")] == [
        True,
        True,
        False,
        False,
    ]


def test_agreement_with_a_reference_plan():
    reference = plan_of(passage("I", "IV", "V", "I"), C)
    measured = function_of(passage("I6", "IV", "vi", "I"), C, reference)
    assert (measured.roots, measured.chords) == (0.75, 0.5)
    assert function_of(passage("I"), C).roots is None


def test_doubled_leading_tones_are_counted_per_100_chords():
    doubled = passage("I", "V", "I")
    pitch = doubled.pitch.copy()
    pitch[4:8, 2] = 59  # the tenor doubles the soprano's B
    measured = function_of(
        Chorale.from_notes(
            [[(4 * i, 4, int(pitch[4 * i, voice])) for i in range(3)] for voice in range(4)]
        ),
        C,
    )
    assert measured.doubled_leading_tones > 0
    assert function_of(doubled, C).doubled_leading_tones == 0


def test_the_means_count_last_chords_where_they_can_be_right_and_cadences_by_phrase():
    measured = [
        function_of(passage("I", "IV", "I", "V7", "I", fermatas=(2,)), C),
        function_of(passage("I", "IV"), C),
        function_of(passage("I", "V"), C),
    ]
    means = mean_figures(measured)
    assert means["pieces"] == 3
    assert (means["may_close"], means["closes"]) == (2, 0.5)
    assert means["phrases"] == 4
    assert means["cadences"] == sum(m.cadences * m.phrases for m in measured) / 4
    assert sum(means["kinds"].values()) == 1
    assert means["roots"] is None
    assert mean_figures(measured[2:])["closes"] is None


def test_a_chord_is_looked_up_in_any_octave_and_order():
    assert harmony_of((43, 62, 71, 77)) == harmony_of((77, 65, 59, 55, 50))
    assert harmony_of((43, 62, 71, 77)).quality == "dominant seventh"
    assert harmony_of((60, 61, 62)) is None
    assert harmony_of(()) is None
