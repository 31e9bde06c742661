"""Local keys of plans: short passages, and properties of any plan."""

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.key import MODES, Key
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord, SecondChord, beats_of
from musicae.theory.harmonic_search import (
    COSTS,
    PENDING,
    TRANSITIONS,
    cost_of_keys,
    cost_of_leaving,
)
from musicae.theory.local_keys import FOREIGN, local_keys
from musicae.theory.numerals import NUMERALS, QUALITIES

C, A_MINOR = Key(0), Key(0, "minor")
BEAT = 4


def plan_in(key: Key, text: str) -> HarmonicPlan:
    """A plan of quarters in one long bar from chords between spaces."""
    count = len(text.replace("|", " ").split())
    return HarmonicPlan.parse(text, beats_of(Chorale.from_notes([[(0, BEAT * count, 60)]])), key)


def read(key: Key, text: str) -> str:
    """The plan with its local keys; a bar line in the text marks the end of a phrase."""
    phrases = [len(phrase.split()) for phrase in text.split("|")]
    ends = [BEAT * (sum(phrases[: i + 1]) - 1) for i in range(len(phrases))]
    plan = plan_in(key, text)
    return str(replace(plan, local=local_keys(plan, ends))).replace(" |", "")


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (C, "C F G7 C | G D7 Em D7 G | F G7 C", "I IV V7 I G: I V7 vi V7 I C: IV V7 I"),
        (C, "C D7/F# G C F G7 C", "I V65/V V I IV V7 I"),
        (C, "C D7 G | C F G7 C", "I V7/V V I IV V7 I"),
        (C, "C E7/G# Am F G7 C", "I V65/vi vi IV V7 I"),
        (A_MINOR, "Am E Am | C F C/G G7 C | Dm E Am", "i V i C: I IV I64 V7 I a: iv V i"),
        (A_MINOR, "Am Dm/F Bdim/D E7 A", "i iv6 ii°6 V7 I"),
        (A_MINOR, "Am Dm E | Am E7 Am", "i iv V i V7 i"),
        (C, "C Am E7 Am | Am Dm E7 Am | G7 C",
         "I a: i V7 i . iv V7 i C: V7 I"),
        (Key(-6), "Gb Cb Db7 Gb | Db Ab7 Bbm Ab7 Db | Cb Db7 Gb",
         "I IV V7 I Db: I V7 vi V7 I Gb: IV V7 I"),
    ],
)  # fmt: skip
def test_a_phrase_that_closes_in_another_key_is_in_it(key: Key, text: str, expected: str) -> None:
    assert read(key, text) == expected


def test_a_diminished_seventh_is_the_same_chord_on_each_of_its_members() -> None:
    keys = {
        local_keys(plan_in(A_MINOR, f"Am Dm {seventh} Am | F C G7 C"), [12])
        for seventh in ("G#dim7", "Bdim7", "Ddim7", "Fdim7")
    }
    assert len(keys) == 1


def test_at_the_end_of_a_phrase_a_key_changes_more_easily() -> None:
    plan = plan_in(C, "C G C Em F#m B7 Em Em B Em")
    marked, unmarked = local_keys(plan, [8]), local_keys(plan)
    assert marked[3:] == unmarked[3:] == (Key(1, "minor"),) * 7
    plan = plan_in(C, "C F C D7 G C G7 C")
    marked, unmarked = local_keys(plan, [8, 16]), local_keys(plan)
    assert marked == (C, C, C, Key(1), Key(1), C, C, C)
    assert unmarked == (C,) * 8


def test_a_beat_without_a_chord_has_the_key_of_the_chord_before() -> None:
    keys = local_keys(plan_in(C, "- C G C - D7 Em A7 D7 G - - F G C"), [12, 36])
    assert [key.short_name for key in keys] == [*"CCCCC", *"GGGGGGG", *"CCC"]
    assert local_keys(plan_in(A_MINOR, "- - -")) == (A_MINOR,) * 3
    assert local_keys(HarmonicPlan(C, (), ())) == ()


def test_second_chords_count_and_share_the_key_of_their_beat() -> None:
    first = plan_in(C, "C,2:F G,2:G7 C G,2:G/B D7 Em,2:A7 D7 G C,2:F G7 C")
    keys = local_keys(first, [8, 28])
    assert [key.short_name for key in keys] == [*"CCC", *"GGGGG", *"CCC"]
    assert keys == local_keys(replace(first, local=keys), [8, 28])


keys = st.builds(Key, st.integers(-7, 7), st.sampled_from(MODES))
chords = st.builds(
    PlannedChord,
    st.integers(0, 11),
    st.sampled_from([name for name, quality in QUALITIES.items() if len(quality.members) > 2]),
    st.integers(0, 2),
)


@st.composite
def plans(draw: st.DrawFn, least: int = 1, most: int = 16) -> HarmonicPlan:
    found = draw(st.lists(st.none() | chords, min_size=least, max_size=most))
    beats = beats_of(Chorale.from_notes([[(0, BEAT * len(found), 60)]]))
    seconds = tuple(
        draw(st.none() | st.builds(SecondChord, st.just(b.start + 2), chords)) for b in beats
    )
    return HarmonicPlan(draw(keys), beats, tuple(found), seconds)


@given(plans(), st.sets(st.integers(0, 15)))
def test_each_beat_has_a_key_which_only_a_chord_on_the_beat_changes(
    plan: HarmonicPlan, last_beats: set[int]
) -> None:
    found = local_keys(plan, [BEAT * beat for beat in last_beats if beat < len(plan)])
    assert len(found) == len(plan)
    for number, (before, after) in enumerate(pairwise(found), start=1):
        if before != after:
            begins = plan.chords[number] or plan.seconds[number]
            assert begins is not None


@given(plans(), keys)
def test_the_same_chords_in_a_key_of_the_same_mode_have_the_same_local_keys(
    plan: HarmonicPlan, other: Key
) -> None:
    other = replace(other, mode=plan.key.mode)

    def relative(key: Key) -> list[tuple[int, str]]:
        found = local_keys(replace(plan, key=key))
        return [((local.tonic - key.tonic) % 12, local.mode) for local in found]

    assert relative(plan.key) == relative(other)


CHORDS = ["C", "Dm", "D7", "Em", "E7", "F", "G", "G7", "Am", "A7", "Bdim", "Bb"]
KEYS = [(tonic, mode) for tonic in range(12) for mode in MODES]


def numeral(chord: PlannedChord, tonic: int, mode: str) -> int | None:
    return next(
        (
            number
            for number, one in enumerate(NUMERALS)
            if (one.mode, one.quality) == (mode, chord.quality)
            and (tonic + one.root) % 12 == chord.root
        ),
        None,
    )


@given(st.lists(st.sampled_from(CHORDS), min_size=3, max_size=3))
@settings(max_examples=8)
def test_no_other_keys_cost_less(names: list[str]) -> None:
    """Compared with all 13,824 sequences of keys; the last chord is a six-four, which is no
    cadence."""
    last = PlannedChord.parse(names[2], C)
    plan = plan_in(C, " ".join(names))
    plan = replace(plan, chords=(*plan.chords[:2], replace(last, bass=2)))
    if any(a == b for a, b in pairwise(names)):
        return
    each, edge = (table.ravel() for table in cost_of_keys("major"))
    leave = cost_of_leaving(False)
    numerals = [[numeral(chord, *key) for key in KEYS] for chord in plan.chords]

    def of(place: int, key: int) -> float:
        found = numerals[place][key]
        return float(each[key] + (FOREIGN if found is None else COSTS[found]))

    def between(place: int, key: int, other: int) -> float:
        before, after = numerals[place][key], numerals[place + 1][other]
        pending = 0.0 if before is None else float(PENDING[before])
        if key != other:
            return pending + float(leave[key, other])
        if before is None or after is None:
            return pending
        return float(TRANSITIONS[before, after])

    def cost(path: tuple[int, ...]) -> float:
        final = numerals[2][path[2]]
        return (
            edge[path[0]]
            + edge[path[2]]
            + sum(of(place, key) for place, key in enumerate(path))
            + between(0, *path[:2])
            + between(1, *path[1:])
            + (0.0 if final is None else PENDING[final])
        )

    found = tuple(KEYS.index((key.tonic, key.mode)) for key in local_keys(plan))
    assert cost(found) == pytest.approx(min(map(cost, product(range(24), repeat=3))))
