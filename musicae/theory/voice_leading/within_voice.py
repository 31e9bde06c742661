"""The rules for a single voice: range, leaps, leading tone and seventh.

The examples and citations are written as in ``between_voices``; ``in C major`` states the key
signature of an example.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musicae.core.constants import N_VOICES, REST, VOICE_RANGES
from musicae.theory.cadences import endings, tonic_reached
from musicae.theory.sonorities import Harmony, Sonorities
from musicae.theory.voice_leading.between_voices import STEP, RuleBreak, moving, standing

EACH_VOICE = tuple((voice,) for voice in range(N_VOICES))
"""Every voice by itself."""
AUGMENTED_FOURTH = 6
"""Places up the line of fifths; all larger distances are augmented intervals too."""
CHROMATIC_SEMITONE = 7
"""Places up the line of fifths from a note to the same note with a sharp."""
MINOR_SEVENTH, AUGMENTED_SIXTH = 2, 10
"""Places down the line of fifths, and places up."""


def out_of_range(
    chords: Sonorities, ranges: Sequence[tuple[int, int]] = VOICE_RANGES
) -> list[RuleBreak]:
    """A note beyond the voice's range in Bach's chorales, ``VOICE_RANGES``.

    The textbooks' ranges are a little narrower. (Kostka & Payne ch. 5; Piston ch. 2;
    Aldwell & Schachter unit 6)

           passes     fails
        S  G4    |    G4
        A  D4    |    D4
        T  G3    |    G3
        B  B2    |    B1
    """
    low, high = np.array(ranges).T
    begins = chords.chorale.onset[chords.steps]
    return standing(begins & ((chords.pitch < low) | (chords.pitch > high)), EACH_VOICE)


def augmented_interval(chords: Sonorities) -> list[RuleBreak]:
    """A voice leaps by an augmented second, fourth or fifth, as the score spells it.

    The chromatic semitone is no leap; diminished intervals are allowed. (Kostka & Payne ch. 5)

        in A minor
           passes        fails
        S  A4 G#4   |    F5 G#5
        A  F4 E4    |    D5 B4
        T  D4 B3    |    A4 E4
        B  D3 E3    |    D3 E3
    """
    upwards = np.sign(chords.motion) * np.diff(chords.places, axis=0)
    return moving((upwards >= AUGMENTED_FOURTH) & (upwards != CHROMATIC_SEMITONE), EACH_VOICE)


def leap_of_a_seventh(chords: Sonorities) -> list[RuleBreak]:
    """A voice leaps by a minor or major seventh. An octave is allowed.

    (Kostka & Payne ch. 5)

           passes        fails
        S  C5 C5    |    B4 C5
        A  G4 G4    |    G4 E4
        T  E4 E4    |    D4 C4
        B  C3 C4    |    G3 A2
    """
    return moving(np.isin(np.abs(chords.motion), (10, 11)), EACH_VOICE)


def leap_beyond_an_octave(chords: Sonorities) -> list[RuleBreak]:
    """A voice leaps by more than an octave.

    Between two phrases it is allowed. (Kostka & Payne ch. 5)

           passes         fails
        S  C5^ B4    |    C5 B4
        A  G4  G4    |    G4 G4
        T  C4  D4    |    C4 D4
        B  E2  G3    |    E2 G3
    """
    return moving(np.abs(chords.motion) > 12, EACH_VOICE)


def doubled_leading_tone(chords: Sonorities) -> list[RuleBreak]:
    """Two voices sing the leading tone in a dominant: V or VII of the key, or any V7.

    In other chords the same pitch class is no leading tone. The third of an augmented sixth is none
    either, if the source spells it as one. (Piston ch. 2; Aldwell & Schachter unit 6)

        in C major
           passes        fails
        S  D5 C5    |    B4 C5
        A  G4 G4    |    D4 E4
        T  B3 C4    |    B3 G3
        B  G3 E3    |    G3 C3
    """
    found = []
    for i, harmony in enumerate(chords.harmonies):
        leads_home = harmony is not None and harmony.leads_to(chords.key.tonic)
        is_dominant = harmony is not None and harmony.quality == "dominant seventh"
        if harmony and (leads_home or (is_dominant and not _is_written_sixth(chords, i, harmony))):
            leading_tone = (chords.key.tonic - 1) % 12 if leads_home else harmony.leading_tone
            voices = _singing(chords, i, leading_tone)
            held = i > 0 and (chords.pitch[i, voices] == chords.pitch[i - 1, voices]).all()
            if len(voices) > 1 and not held:
                found.append(RuleBreak(i, i, tuple(voices)))
    return found


def unresolved_leading_tone(chords: Sonorities) -> list[RuleBreak]:
    """The soprano or the bass has the leading tone in a cadence and does not go to the tonic.

    In an inner voice it may fall to the fifth of the chord, as it often does in Bach; the bass may
    take the tonic an octave lower. The rule holds for every dominant that goes to its tonic, in any
    key. (Kostka & Payne ch. 5; Piston ch. 3; Aldwell & Schachter unit 7)

        in C major
           passes         fails
        S  D5 C5^    |    B4 G4^
        A  B4 G4     |    G4 E4
        T  F4 E4     |    D4 C4
        B  G3 C3     |    G3 C4
    """
    found = []
    for ending in endings(chords):
        tonic = tonic_reached(chords, ending)
        if tonic is None or ending.approach is None or ending.final is None:
            continue
        for voice in (0, N_VOICES - 1):
            note, target = chords.pitch[[ending.approach, ending.final], voice].tolist()
            if REST not in (note, target) and (note + 1) % 12 == tonic != target % 12:
                found.append(RuleBreak(ending.approach, ending.final, (voice,)))
    return found


def unresolved_seventh(chords: Sonorities) -> list[RuleBreak]:
    """The seventh of a dominant or half-diminished seventh chord does not fall by a step.

    It may be held or repeated, move to another note of the same chord, and rise with the bass in a
    passing V4/3. Other seventh chords are ignored, because most of Bach's arise from passing notes.
    (Kostka & Payne ch. 13; Aldwell & Schachter units 7 and 9)

        in C major
           passes        fails
        S  B4 C5    |    B4 C5
        A  F4 E4    |    F4 G4
        T  D4 C4    |    D4 E4
        B  G3 C3    |    G3 C3
    """
    found = []
    for i, harmony in enumerate(chords.harmonies):
        if not harmony or harmony.quality not in ("dominant seventh", "half-diminished seventh"):
            continue
        for voice in sevenths(chords, i, harmony):
            moved = None if holds_on(chords, i, voice) else next_motion(chords, i, voice)
            if moved is not None and not _is_resolved(chords, moved, voice, harmony):
                found.append(RuleBreak(i, moved, (voice,)))
    return found


def sevenths(chords: Sonorities, index: int, harmony: Harmony) -> list[int]:
    """The voices with the seventh of a chord. An augmented sixth is no seventh.

    The spelling tells them apart. If the spelling of either note is guessed, a seventh that opens
    to an octave with the bass counts as an augmented sixth.
    """
    root = _singing(chords, index, harmony.root)[0]
    seventh = chords.places[index, root] - MINOR_SEVENTH
    candidates = _singing(chords, index, (harmony.root + 10) % 12)
    return [
        voice
        for voice in candidates
        if chords.places[index, voice] == seventh
        and (
            chords.written[index, [root, voice]].all() or not _opens(chords, index, voice, harmony)
        )
    ]


def _is_written_sixth(chords: Sonorities, index: int, harmony: Harmony) -> bool:
    """Whether the source spells an apparent dominant seventh as an augmented sixth."""
    root, upper = (_singing(chords, index, (harmony.root + above) % 12)[0] for above in (0, 10))
    apart = chords.places[index, upper] - chords.places[index, root]
    return bool(chords.written[index, [root, upper]].all() and apart == AUGMENTED_SIXTH)


def _opens(chords: Sonorities, index: int, voice: int, harmony: Harmony) -> bool:
    """Whether a seventh resolves like an augmented sixth: it rises and its root in the bass falls,
    each by a semitone."""
    bass = N_VOICES - 1
    moved = next_motion(chords, index, voice)
    if moved is None or chords.pitch[index, bass] % 12 != harmony.root:
        return False
    return bool((chords.motion[moved - 1, [voice, bass]] == (1, -1)).all())


def _is_resolved(chords: Sonorities, moved: int, voice: int, harmony: Harmony) -> bool:
    """Whether a voice that leaves the seventh for the note at ``moved`` may do so."""
    motion, bass_motion = chords.motion[moved - 1, [voice, N_VOICES - 1]].tolist()
    arrival = chords.harmonies[moved]
    bass = chords.pitch[moved - 1, N_VOICES - 1]
    return (
        -STEP <= motion < 0
        or (arrival is not None and arrival.root == harmony.root)
        or (bass % 12 == (harmony.root + 7) % 12 and 0 < motion <= STEP and 0 < bass_motion <= STEP)
    )


def _singing(chords: Sonorities, index: int, pitch_class: int | None) -> list[int]:
    """The voices that sound a pitch class in a sonority."""
    pitches = chords.pitch[index].tolist()
    return [v for v, pitch in enumerate(pitches) if pitch != REST and pitch % 12 == pitch_class]


def holds_on(chords: Sonorities, index: int, voice: int) -> bool:
    """Whether the previous sonority has the same chord, and the same note in this voice."""
    return (
        index > 0
        and chords.harmonies[index - 1] == chords.harmonies[index]
        and chords.pitch[index - 1, voice] == chords.pitch[index, voice]
    )


def next_motion(chords: Sonorities, index: int, voice: int) -> int | None:
    """The index of the next sonority in which the voice has another note.

    None if a rest or the end of a phrase comes first.
    """
    for following in range(index + 1, len(chords)):
        if chords.motion[following - 1, voice]:
            return following
        broken = chords.pitch[following, voice] != chords.pitch[following - 1, voice]
        if broken or chords.phrase_ends[following - 1]:
            return None
    return None
