"""A project's harmony follows its tune, its locks, its words and its settings."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musicae
from musicae import Project
from musicae.api.project_values import LockedChord, Locks, PhraseEnd, Settings, TuneNote
from musicae.core.errors import ChoraleError
from musicae.theory.voice_leading.reasons import REASONS
from musicae.theory.voice_leading.rules import RULES, STRICT_RULES

BAR = 96
PITCHES = (67, 67, 69, 71, 72, 71, 69, 67, 67, 69, 71, 72, 74, 72, 71, 69)


def tune(pitches=PITCHES, last=67):
    """Quarters, then a whole note."""
    notes = [TuneNote(24 * i, 24, pitch) for i, pitch in enumerate(pitches)]
    return (*notes, TuneNote(24 * len(notes), BAR, last))


def project(**facts):
    return Project(**{"tune": tune(), "length": 5 * BAR, "key": "G major"} | facts)


def with_note(old, index, pitch):
    """A project in which one note of the tune has another pitch."""
    notes = list(old.tune)
    notes[index] = notes[index]._replace(pitch=pitch)
    return replace(old, tune=tuple(notes))


def outside(old, *bars):
    """The notes of all voices that lie outside some bars of 4/4."""
    spans = [((bar - 1) * BAR, bar * BAR) for bar in bars]
    return [
        [n for n in notes if all(n.end <= start or n.start >= stop for start, stop in spans)]
        for notes in old.harmony.voices
    ]


def begins_in(bar, notes):
    """The notes that begin in a bar of 4/4."""
    return [note for note in notes if (bar - 1) * BAR <= note.start < bar * BAR]


@pytest.fixture(scope="module")
def first():
    return project().harmonized()


def test_a_tune_gets_four_voices_chords_and_phrases(first):
    assert first.harmony.voices[0] == first.tune
    assert all(notes[-1].end == first.length for notes in first.harmony.voices)
    assert first.harmony.key == "G major"
    assert first.harmony.chords[0].numeral == "I"
    assert [chord.start for chord in first.harmony.chords] == sorted(
        {chord.start for chord in first.harmony.chords}
    )
    assert first.harmony.phrases[-1] == 4 * BAR
    assert first.harmonized() == first


def test_only_changed_bars_are_written_again(first):
    changed = with_note(first, 5, 74)
    assert changed.changed_bars() == (2,)
    after = changed.harmonized()
    assert after.changed_bars() == ()
    assert outside(after, 2) == outside(first, 2)
    assert after.harmony.voices[0] == changed.tune


def test_bars_are_appended_and_cut_off_and_the_rest_stays(first):
    more = (*first.tune, TuneNote(5 * BAR, BAR, 72), TuneNote(6 * BAR, BAR, 67))
    longer = replace(first, tune=more, length=8 * BAR)
    assert longer.changed_bars() == (6, 7, 8)
    grown = longer.harmonized()
    assert outside(grown, 6, 7, 8) == outside(first, 6, 7, 8)
    assert [notes[-1].end for notes in grown.harmony.voices] == [7 * BAR] * 4
    assert grown.harmony.phrases[-1] == 6 * BAR
    back = replace(grown, tune=first.tune, length=first.length)
    assert back.changed_bars() == ()
    assert back.harmonized().harmony.voices == first.harmony.voices


def test_a_tune_that_grows_bar_by_bar_is_harmonized_in_the_key_it_comes_to():
    grown = Project(tune=(TuneNote(0, 24, 72),), length=5 * BAR).harmonized()
    for count in range(4, len(PITCHES) + 2, 4):
        grown = replace(grown, tune=tune()[:count]).harmonized()
    grown = replace(grown, tune=tune()).harmonized()
    assert grown.harmony.key == "G major"
    assert grown.harmony.phrases[-1] == 4 * BAR
    assert 24 not in grown.harmony.phrases


@pytest.mark.parametrize(
    "facts",
    [
        {"key": "E minor"},
        {"meters": ((0, 2, 4),)},
        {"settings": Settings(style="hymn")},
        {"settings": Settings(rules="strict")},
        {"settings": Settings(rhythm="flowing")},
    ],
)
def test_other_settings_rewrite_everything(first, facts):
    other = replace(first, **facts)
    assert len(other.changed_bars()) == len(other.measures)
    after = other.harmonized()
    assert after.changed_bars() == ()
    assert after.harmony.voices[0] == first.tune
    assert after.harmony.key == (other.key or "")


def test_another_pickup_rewrites_everything(first):
    moved = tuple(note._replace(start=note.start + 24) for note in first.tune)
    upbeat = (TuneNote(0, 24, 62), *moved)
    other = replace(first, tune=upbeat, pickup=24, length=first.length + 24)
    assert other.changed_bars() == (0, 1, 2, 3, 4, 5)
    assert other.harmonized().harmony.voices[0] == upbeat


def test_bars_are_counted_as_they_are_drawn():
    """A short first bar that is no pickup is bar 1, although models read it as a pickup."""
    meters = ((0, 2, 4), (48, 4, 4), (96, 4, 4), (144, 4, 4))
    odd = project(meters=meters, length=144 + 4 * BAR).harmonized()
    assert [measure.length for measure in odd.measures] == [8, 8, 8, 16, 16, 16, 16]
    assert with_note(odd, 0, 71).changed_bars() == (1,)
    changed = with_note(odd, 9, 74)
    assert changed.changed_bars() == (4,)
    after = changed.harmonized()
    assert after.changed_bars() == ()
    same = [[n for n in notes if n.end <= 144] for notes in odd.harmony.voices]
    assert [[n for n in notes if n.end <= 144] for notes in after.harmony.voices] == same
    drawn = replace(odd, locks=Locks(bars=(2,))).harmonized((1, 1), redraw=1)
    assert drawn.harmony.voices[0] == odd.harmony.voices[0]
    with pytest.raises(ChoraleError, match="which has 7 bars"):
        odd.harmonized((0, 1))


def test_a_draw_changes_its_bars_alone_and_each_number_is_its_own(first):
    draws = [first.harmonized((2, 3), redraw=number) for number in (1, 2)]
    assert draws[0].harmony.voices != draws[1].harmony.voices
    for draw in draws:
        assert draw.harmony.voices[0] == first.tune
        assert outside(draw, 2, 3) == outside(first, 2, 3)
    assert first.harmonized((2, 3), redraw=1) == draws[0]


def test_alternatives_have_other_chords(first):
    found = first.alternatives(3, (2, 3))
    assert len({each.harmony.plan for each in found}) == len(found) == 3
    assert all(outside(each, 2, 3) == outside(first, 2, 3) for each in found)
    assert len(project().alternatives(2)) == 2


def test_locked_voices_bars_and_notes_stay_through_draws(first):
    note = first.harmony.voices[1][2]
    locks = Locks(voices=(3,), bars=(2,), notes=((1, note.start),))
    for number in (1, 2, 3):
        draw = replace(first, locks=locks).harmonized(redraw=number)
        assert draw.harmony.voices[3] == first.harmony.voices[3]
        assert note in draw.harmony.voices[1]
        for before, after in zip(first.harmony.voices, draw.harmony.voices, strict=True):
            inside = [n for n in before if n.start >= BAR and n.end <= 2 * BAR]
            assert [n for n in after if n.start >= BAR and n.end <= 2 * BAR] == inside


def test_locks_hold_when_everything_is_rewritten(first):
    locked = replace(first, locks=Locks(voices=(2,)), settings=Settings(style="hymn"))
    assert locked.harmonized().harmony.voices[2] == first.harmony.voices[2]


def test_nothing_changes_if_all_voices_are_locked(first):
    locked = replace(first, locks=Locks(voices=(1, 2, 3)))
    assert locked.harmonized(redraw=1).harmony.voices == first.harmony.voices


@pytest.mark.parametrize("name", ["D7", "V7", "D7/F#", "V65"])
def test_a_locked_chord_sounds_after_every_draw(first, name):
    chord = LockedChord(BAR + 48, 24, name)
    locked = replace(first, locks=Locks(chords=(chord,)))
    assert locked.changed_bars() == (2,)
    after = locked.harmonized()
    for draw in (after, after.harmonized((1, 3), redraw=1), with_note(after, 5, 74).harmonized()):
        sounding = {
            note.pitch % 12
            for notes in draw.harmony.voices
            for note in notes
            if note.start <= chord.start < note.end
        }
        assert sounding <= {2, 6, 9, 0}
        assert {6, 0} <= sounding
        there = next(c for c in draw.harmony.chords if c.start <= chord.start < c.start + c.length)
        assert there.symbol.startswith("D7")
    assert after.changed_bars() == ()
    assert replace(after, locks=Locks()).changed_bars() == ()


def test_a_chord_that_cannot_be_read_is_reported_with_its_bar(first):
    wrong = replace(first, locks=Locks(chords=(LockedChord(BAR, 24, "Hx9"),)))
    with pytest.raises(ChoraleError, match="bar 2"):
        wrong.harmonized()


def test_phrases_and_cadences_that_are_asked_for_are_kept(first):
    ends = (PhraseEnd(3 * BAR + 72, "half"), PhraseEnd(4 * BAR, "authentic"))
    after = replace(first, phrases=ends).harmonized()
    assert after.harmony.phrases == (3 * BAR + 72, 4 * BAR)
    there = next(c for c in after.harmony.chords if c.start <= 3 * BAR + 72 < c.start + c.length)
    assert there.numeral.startswith("V")
    assert after.changed_bars() == ()


def test_phrase_ends_are_found_again_once_they_are_no_longer_asked_for(first):
    own = replace(first, phrases=(PhraseEnd(BAR), PhraseEnd(4 * BAR, "half"))).harmonized()
    assert own.harmony.phrases != first.harmony.phrases

    found = replace(own, phrases=None)
    assert {2, 5} <= set(found.changed_bars())  # the end on bar 2, and the half cadence on bar 5
    assert found.harmonized().harmony.phrases == first.harmony.phrases


def test_found_phrase_ends_can_become_requests(first):
    found = tuple(PhraseEnd(at) for at in first.harmony.phrases)
    assert replace(first, phrases=found).changed_bars() == ()
    half = {end.at: end for end in (*found, PhraseEnd(3 * BAR + 72, "half"))}
    asked = tuple(half[at] for at in sorted(half))
    assert replace(first, phrases=asked).changed_bars() == (4,)


def test_a_locked_silence_stays_until_it_is_unlocked(first):
    silence = Locks(chords=(LockedChord(BAR, BAR, "N.C."),))
    silent = replace(first, locks=silence).harmonized()
    assert not any(begins_in(2, notes) for notes in silent.harmony.voices[1:])
    lifted = replace(silent, locks=Locks())
    assert lifted.changed_bars() == (2,)
    after = lifted.harmonized()
    assert all(begins_in(2, notes) for notes in after.harmony.voices)


def test_choices_name_the_present_chord_and_a_chosen_one_can_be_locked(first):
    found = first.chord_choices(BAR)
    assert found.start <= BAR < found.start + found.length
    (present,) = [choice for choice in found.choices if choice.chosen]
    there = next(c for c in first.harmony.chords if c.start <= BAR < c.start + c.length)
    assert (present.symbol, present.numeral) == (there.symbol, there.numeral)
    assert [c.probability for c in found.choices] == sorted(
        (c.probability for c in found.choices), reverse=True
    )


def test_a_violation_is_explained_and_repaired(first):
    bad = [list(notes) for notes in first.harmony.voices]
    for voice, above in ((1, 12), (2, 19)):  # in parallel octaves and fifths with the tune
        bad[voice] = [note._replace(pitch=note.pitch - above) for note in first.tune]
    harmony = replace(first.harmony, voices=tuple(map(tuple, bad)))
    broken = replace(first, harmony=harmony, locks=Locks()).harmonized((5, 5))
    parallel = next(each for each in broken.harmony.breaks if each.rule == "parallel octaves")
    assert parallel.text.startswith("parallel octaves: soprano G4 A4")
    assert parallel.why == REASONS["parallel octaves"]
    assert parallel.start < parallel.end
    mended = broken.mended(parallel)
    assert mended is not None
    assert not any(
        each.rule == parallel.rule and each.start == parallel.start
        for each in mended.harmony.breaks
    )
    with pytest.raises(ChoraleError, match="does not break this rule"):
        mended.mended(replace(parallel, rule="spacing", start=0, end=6))


@st.composite
def edits(draw):
    """Changes of a tune's notes, and locks."""
    pitches = draw(st.dictionaries(st.integers(0, 16), st.integers(62, 76), max_size=3))
    voices = draw(st.sets(st.integers(1, 3), max_size=2))
    bars = draw(st.sets(st.integers(1, 5), max_size=2))
    return pitches, Locks(voices=tuple(sorted(voices)), bars=tuple(sorted(bars)))


@settings(max_examples=12)
@given(edits())
def test_locked_notes_and_other_bars_stay_after_any_change(first, edit):
    (pitches, locks), new = edit, replace(first, locks=edit[1])
    for index, pitch in pitches.items():
        new = with_note(new, index, pitch)
    changed, after = new.changed_bars(), new.harmonized()
    other = [i for i in pitches if new.tune[i] != first.tune[i]]
    assert changed == tuple(sorted({1 + new.tune[i].start // BAR for i in other}))
    assert outside(after, *changed)[1:] == outside(first, *changed)[1:]
    for voice in locks.voices:
        assert after.harmony.voices[voice] == first.harmony.voices[voice]
    spans = [((bar - 1) * BAR, bar * BAR) for bar in locks.bars]
    for before, now in zip(first.harmony.voices[1:], after.harmony.voices[1:], strict=True):
        assert {n for n in before if any(n.start < b and n.end > a for a, b in spans)} <= {*now}
    assert after.changed_bars() == ()


def test_every_rule_has_a_reason():
    assert set(REASONS) == {*RULES, *STRICT_RULES}
    assert all(reason.endswith(".") for reason in REASONS.values())


def test_all_voices_sing_words_and_new_words_change_no_notes(first):
    sung = replace(first, words="A-ma-zing grace, how sweet the sound").harmonized()
    soprano = next(verse for verse in sung.harmony.words if verse.voice == 0)
    assert soprano.syllables[:4] == ((0, "A-"), (24, "ma-"), (48, "zing"), (72, "grace,"))
    assert {verse.voice for verse in sung.harmony.words} == {0, 1, 2, 3}
    assert replace(sung, words="").harmonized().harmony.voices == first.harmony.voices


def test_words_that_do_not_fit_are_reported_and_stop_nothing(first):
    wordy = replace(first, words="la " * 40).harmonized()
    assert wordy.harmony.words == ()
    assert any("40 syllables" in notice for notice in wordy.harmony.notices)
    assert wordy.harmony.voices == first.harmony.voices


def test_an_ensemble_lacks_voices_and_a_tune_that_does_not_fit_is_reported():
    sab = project(settings=Settings(ensemble="sab")).harmonized()
    assert sab.harmony.voices[2] == ()
    assert all(sab.harmony.voices[voice] for voice in (0, 1, 3))
    low = project(settings=Settings(ensemble="ttbb")).harmonized()
    assert any("move it down" in notice for notice in low.harmony.notices)
    with pytest.raises(ChoraleError, match="no voice for a tune in the tenor"):
        project(voice=2, settings=Settings(ensemble="sab"))


def test_a_tune_can_be_another_voice():
    bass = tuple(note._replace(pitch=note.pitch - 24) for note in tune())
    found = project(voice=3, tune=bass).harmonized()
    assert found.harmony.voices[3] == bass
    assert all(found.harmony.voices)


def test_tunes_without_notes_with_one_note_and_with_long_silence():
    assert Project().harmonized().harmony is None
    assert Project().changed_bars() == ()
    one = Project(tune=(TuneNote(BAR + 24, 24, 67),)).harmonized()
    assert one.harmony.voices[0] == one.tune
    assert all(one.harmony.voices)
    emptied = replace(one, tune=()).harmonized()
    assert emptied.harmony is None
    silence = replace(project(), length=40 * BAR).harmonized()
    assert [notes[-1].end for notes in silence.harmony.voices] == [5 * BAR] * 4


def test_bars_outside_the_piece_are_refused(first):
    with pytest.raises(ChoraleError, match="bars 4 to 9"):
        first.harmonized((4, 9))
    with pytest.raises(ChoraleError, match="harmonize it first"):
        project().chord_choices(0)


def test_a_piece_becomes_a_project_and_a_piece_again(first):
    piece = first.piece()
    found = Project.of_piece(piece)
    assert found.harmony.voices == first.harmony.voices
    assert found.harmony.plan == first.harmony.plan
    assert found.changed_bars() == ()
    assert found.piece().chorale == piece.chorale
    (new,) = musicae.generate(bars=2)
    composed = Project.of_piece(new)
    assert composed.changed_bars() == ()
    assert composed.piece().chorale.pitch.tolist() == new.chorale.pitch.tolist()


def test_spaces_and_line_breaks_in_a_title_become_single_spaces():
    assert Project.of_dict({"format": 1, "length": 96, "title": " My \n tune "}).title == "My tune"
