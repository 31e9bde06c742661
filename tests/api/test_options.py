"""The settings of ``harmonize`` are one value; bad settings are refused when it is made."""

from dataclasses import fields

import pytest

import musicae
from musicae.api.options import HarmonizeOptions
from musicae.api.request import Request
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"n": 0}, "at least one piece can be asked for, not 0"),
        ({"seed": -1}, "a seed is 0 or more, not -1"),
        ({"temperature": 11}, "a temperature is 0 to 10, not 11"),
        ({"temperature": float("nan")}, "a temperature is 0 to 10"),
        ({"top_p": 0}, "top-p is a share above 0 and up to 1, not 0"),
        ({"rules": "loose"}, "rules are .*, not 'loose'"),
        ({"rhythm": "swing"}, "a rhythm is plain or flowing, not 'swing'"),
        ({"key": "H"}, "'H' is not a key"),
        ({"meter": "waltz"}, "'waltz' is not a meter"),
        ({"voice": "viola"}, "no voice is called 'viola'"),
        ({"lock": "none"}, "no voice locked"),
        ({"voice": "bass", "bars": "1"}, "--voice keeps one part"),
        ({"bars": "one"}, "bars are written like 5-8 or 5"),
    ],
)
def test_values_that_make_no_sense_are_refused(settings, complaint):
    with pytest.raises(ChoraleError, match=complaint):
        HarmonizeOptions(**settings)
    with pytest.raises(ChoraleError, match=complaint):
        musicae.harmonize("no such file.mid", **settings)


def test_texts_are_parsed():
    options = HarmonizeOptions(key="D minor", meter="3/4", lock="bass", bars="2-3")
    assert options.parsed_key == Key(-1, "minor")
    assert options.parsed_meter == Meter(0, 3, 4)
    assert options.request == Request(lock=(3,), bars=(2, 3))
    assert HarmonizeOptions(key=Key(-1, "minor")).parsed_key == options.parsed_key
    nothing = HarmonizeOptions()
    assert (nothing.parsed_key, nothing.parsed_meter) == (None, None)
    assert nothing.request == Request()


def test_settings_are_changed_in_a_copy():
    options = HarmonizeOptions(seed=3, key="G")
    other = options.changed(key="A minor", n=2)
    assert (other.seed, other.n, other.parsed_key) == (3, 2, Key(0, "minor"))
    assert options == HarmonizeOptions(seed=3, key="G")
    with pytest.raises(ChoraleError, match="rules are"):
        options.changed(rules="loose")


def test_unknown_settings_are_named_with_the_known_ones():
    known = ", ".join(field.name for field in fields(HarmonizeOptions))
    for unknown in (HarmonizeOptions().changed, lambda **s: musicae.harmonize("tune.mid", **s)):
        with pytest.raises(MusicaeError) as error:
            unknown(rythm="plain")
        assert str(error.value) == f"harmonize has no setting 'rythm'; there are {known}"


def test_keywords_replace_options(untrained):
    melody = "data/melodies/old_hundredth.mid"
    options = HarmonizeOptions(n=2, seed=4, model=str(untrained["minibach"]))
    by_options = musicae.harmonize(melody, options=options)
    by_keywords = musicae.harmonize(melody, 2, seed=4, model=str(untrained["minibach"]))
    assert [p.provenance for p in by_options] == [p.provenance for p in by_keywords]
    (alone,) = musicae.harmonize(melody, 1, options=options, seed=5)
    assert alone.provenance["seed"] == 5
