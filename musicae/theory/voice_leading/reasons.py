"""Why each rule of voice leading is a rule: a sentence for a singer or a student."""

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
        "Two voices that move apart or together from a fifth to a fifth in another octave still"
        " sound like parallel fifths; give one of them another note of the chord."
    ),
    "contrary octaves": (
        "Two voices that move apart or together from an octave or a unison to another still sound"
        " like one doubled line; give one of them another note of the chord."
    ),
    "direct fifths": (
        "Where soprano and bass go the same way into a fifth and the soprano leaps, the bare fifth"
        " stands out between the outer voices; let the soprano step, or the bass go the other way."
    ),
    "direct octaves": (
        "Where soprano and bass go the same way into an octave and the soprano leaps, the bare"
        " octave stands out between the outer voices; let the soprano step, or the bass go the"
        " other way."
    ),
    "voice crossing": (
        "A voice that sings below the one beneath it is heard as that one, and singers lose their"
        " line; keep the voices in their order."
    ),
    "voice overlap": (
        "A voice that moves beyond the note which its neighbour has just left is heard as that"
        " neighbour going on; keep within the note that the other voice leaves."
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
        "A leap of more than an octave tears a line apart and is hard to sing; stay within an"
        " octave."
    ),
    "doubled leading tone": (
        "The leading tone pulls to the tonic; two voices that have it either both follow, in"
        " parallel octaves, or one leaves it hanging, so one voice has it alone."
    ),
    "unresolved leading tone": (
        "In a cadence the ear expects the leading tone to rise to the tonic; in the soprano or the"
        " bass everybody hears when it does not."
    ),
    "unresolved seventh": (
        "The seventh of a chord is a dissonance that wants to go down a step; a voice that leaves"
        " it otherwise leaves it open."
    ),
    "parallels behind an ornament": (
        "A passing note or another ornament between two fifths or octaves does not hide that the"
        " voices move in parallel from beat to beat."
    ),
    "diminished to perfect fifth": (
        "A diminished fifth wants to close inwards; where it moves on to a perfect fifth the voices"
        " sound almost like parallel fifths."
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
        "The seventh of a chord is a dissonance that goes down a step; going up, it leaves the"
        " dissonance without its answer."
    ),
}
"""By the name of the rule, for all of ``RULES`` and ``STRICT_RULES``."""
