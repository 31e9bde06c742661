"""The reason for each rule of voice leading: one sentence for a singer or a student."""

from __future__ import annotations

REASONS = {
    "parallel fifths": (
        "Two voices that move together from one fifth to another sound like one voice, so that four"
        " parts become three; let one of them move the other way or stay."
    ),
    "parallel octaves": (
        "Two voices that move together from one octave to another sing the same line, so that a"
        " part is lost; let one of them move the other way or stay."
    ),
    "parallel unisons": (
        "Two voices that move together on one pitch are one voice, so that a part is lost; they may"
        " meet on a pitch, but leave it separately."
    ),
    "contrary fifths": (
        "Two voices that move in opposite directions from a fifth to a twelfth, or back, still"
        " sound like parallel fifths; give one of them another note of the chord."
    ),
    "contrary octaves": (
        "Two voices that move in opposite directions from an octave to a unison, or to two octaves,"
        " still sound like one doubled line; give one of them another note of the chord."
    ),
    "direct fifths": (
        "When soprano and bass move in the same direction into a fifth and the soprano leaps, the"
        " bare fifth stands out; let the soprano move by step, or the bass in the other direction."
    ),
    "direct octaves": (
        "When soprano and bass move in the same direction into an octave and the soprano leaps, the"
        " bare octave stands out; let the soprano move by step, or the bass in the other"
        " direction."
    ),
    "voice crossing": (
        "A voice that sings below the one beneath it is heard as that one, and singers lose their"
        " line; keep the voices in their order."
    ),
    "voice overlap": (
        "A voice that moves beyond the note that its neighbour has just left sounds like that"
        " neighbour; do not go beyond that note."
    ),
    "spacing": (
        "More than an octave between soprano and alto, or alto and tenor, leaves a hole in the"
        " sound; only tenor and bass may be further apart."
    ),
    "out of range": (
        "The note is higher or lower than this voice can sing or play well; give it another note of"
        " the chord, or move the tune."
    ),
    "augmented interval": (
        "An augmented second, fourth or fifth is hard to sing in tune; use a smaller step, or the"
        " same notes as a diminished interval the other way."
    ),
    "leap of a seventh": (
        "A leap of a seventh is hard to sing in tune; an octave or smaller leaps are easier."
    ),
    "leap beyond an octave": (
        "A leap of more than an octave breaks a line apart and is hard to sing; stay within an"
        " octave."
    ),
    "doubled leading tone": (
        "The leading tone pulls to the tonic. If two voices have it, either both rise, in parallel"
        " octaves, or one does not resolve it; give it to one voice only."
    ),
    "unresolved leading tone": (
        "In a cadence the ear expects the leading tone to rise to the tonic; in the soprano or the"
        " bass everybody hears when it does not."
    ),
    "unresolved seventh": (
        "The seventh of a chord is a dissonance that resolves down by step; let the voice that has"
        " it fall."
    ),
    "parallels behind an ornament": (
        "An ornament between two fifths or octaves does not hide the parallel motion from beat to"
        " beat; change a note on one of the beats."
    ),
    "diminished to perfect fifth": (
        "A diminished fifth resolves inwards; when it moves to a perfect fifth, the voices sound"
        " almost like parallel fifths."
    ),
    "cross relation": (
        "A note in one voice and its altered form in another, one right after the other, sound like"
        " a mistake; let the same voice make the change."
    ),
    "missing third": (
        "A chord without its third is neither major nor minor and sounds empty; give a voice the"
        " third."
    ),
    "rising seventh": (
        "The seventh of a chord is a dissonance that resolves down by step; if it rises, the"
        " dissonance stays unresolved."
    ),
}
"""The reason of each rule of ``RULES`` and ``STRICT_RULES``, by the rule's name."""
