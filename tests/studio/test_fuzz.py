"""Every request is answered with music or a sentence, never with a program error."""

import copy
import json
import socket

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

import musicae
from musicae.studio.app import create_app
from musicae.studio.messages import BUG
from musicae.studio.settings import Settings
from tests.support.service import LOOPBACK, TOKEN, serving

FEW = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ODD = st.sampled_from(
    [
        *[
            None,
            True,
            -1,
            0,
            1,
            6,
            24,
            95,
            10**9,
            10**400,
            0.5,
            1e308,
            "",
            "x",
            "1",
            "\ud800",
            "\x00",
        ],
        *[
            "C major",
            "../..",
            "satb",
            [],
            {},
            [[]],
            [0],
            [0, 0, 0],
            {"": 0},
            [None],
            [[0, 24, 60]] * 3,
        ],
    ]
)


@pytest.fixture(scope="module")
def small():
    """A service that refuses long pieces."""
    with serving(bars=8) as running:
        yield running


def spoiled(value, path, odd):
    """A copy of JSON with one value replaced; the random numbers in ``path`` choose which."""
    value = copy.deepcopy(value)
    place, (*before, last) = value, path
    for number in before:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        inner = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
        if not inner:
            break
        place = place[inner[number % len(inner)]]
    keys = list(place) if isinstance(place, dict) else range(len(place))
    key = keys[last % len(keys)]
    if odd is Ellipsis:
        del place[key]
    else:
        place[key] = odd
    return value


def is_sound(answer):
    """Whether an answer is music, or a sentence that says why there is none."""
    if answer.status_code == 200:
        return True
    return 400 <= answer.status_code < 500 and answer.json()["error"]["message"] not in ("", BUG)


PATHS = st.lists(st.integers(0, 30), min_size=1, max_size=5)
REQUESTS = st.sampled_from(
    [
        *[("/api/harmonize", {}), ("/api/harmonize", {"bars": [1, 1], "redraw": 2})],
        *[("/api/chords", {"start": 30}), ("/api/score", {"numerals": True})],
        *[("/api/export", {"format": "mid"}), ("/api/export", {"format": "musicxml"})],
    ]
)


@settings(FEW, max_examples=15)
@given(request=REQUESTS, path=PATHS, odd=ODD | st.just(...))
def test_spoiled_projects(small, harmonized, request, path, odd):
    address, others = request
    body = json.dumps({"project": spoiled(harmonized, path, odd), **others})
    as_json = {"Content-Type": "application/json"}
    answer = small.client.post(address, content=body, headers=as_json)
    assert is_sound(answer), (answer.text, body)


@st.composite
def projects(draw):
    """Any tune in any meter, with rests, triplets and requests."""
    beats, unit = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (1, 16)]))
    bar = beats * 96 // unit
    pickup = draw(st.sampled_from([0, 6, 24]))
    pickup = pickup if pickup < bar else 0
    length = pickup + bar * draw(st.integers(1, 6))
    tune, at = [], 0
    for gap, lasts, pitch in draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 0, 8, 24]),
                st.sampled_from([1, 6, 8, 24, 24, 48, 96]),
                st.integers(40, 90),
            ),
            max_size=16,
        )
    ):
        if at + gap + lasts <= length:
            tune.append([at + gap, lasts, pitch])
            at += gap + lasts
    wishes = {
        "voice": draw(st.sampled_from([0, 0, 1, 3])),
        "key": draw(st.sampled_from([None, "D minor", "Eb major", "A mixolydian"])),
        "words": draw(st.sampled_from(["", "la la la", "Ky-ri-e e-lei-son", "1. a\n2. b"])),
        "phrases": draw(
            st.sampled_from([None, [], [{"at": tune[-1][0] if tune else 0, "cadence": "half"}]])
        ),
        "settings": {
            "style": draw(st.sampled_from(["bach", "hymn"])),
            "rules": draw(st.sampled_from(["bach", "strict", "off"])),
            "ensemble": draw(st.sampled_from([None, None, "sab", "strings", "piano"])),
        },
    }
    meters = [[0, beats, unit]]
    return {
        "format": 1,
        "tune": tune,
        "length": length,
        "meters": meters,
        "pickup": pickup,
        **wishes,
    }


@settings(FEW, max_examples=5)
@given(asked=projects())
def test_any_tune(small, asked):
    answer = small.ask("/api/harmonize", {"project": asked})
    assert is_sound(answer), (answer.text, asked)
    if answer.status_code != 200:
        return
    found = musicae.Project.of_dict(asked | {"harmony": answer.json()["harmony"]})
    for address, others in (
        ("/api/export", {"format": "musicxml", "numerals": True, "piano": True}),
        ("/api/export", {"format": "mid"}),
        ("/api/score", {"open": True}),
    ):
        shown = small.ask(address, {"project": found.as_dict(), **others})
        assert is_sound(shown), (shown.text, asked)


@settings(FEW, max_examples=10)
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["mid", "musicxml", "mxl", "abc"]))
def test_any_bytes_as_a_file(small, content, suffix):
    begun = {"mid": b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk", "abc": b"X:1\nK:C\n"}.get(suffix, b"")
    answer = small.client.post(f"/api/open?name=x.{suffix}", content=begun + content)
    assert is_sound(answer), (answer.text, content)


@settings(FEW, max_examples=15)
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40),
    field=st.sampled_from(["Accept", "Content-Type", "If-None-Match", "X", "Transfer-Encoding"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_any_address_and_field(small, path, field, value):
    with socket.create_connection((LOOPBACK, small.port), timeout=10) as connection:
        lines = (f"GET /{path} HTTP/1.1", f"Host: {small.host}", f"{field}: {value}")
        lines += (f"Authorization: Bearer {TOKEN}", "Connection: close", "", "")
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        status = connection.makefile("rb").readline().split()[1]
    assert status in (b"200", b"304", b"400", b"404", b"405"), status


def operations():
    """The requests in the service's description, by name."""
    nobody = create_app(Settings(None, lambda _: True))
    schema = schemathesis.openapi.from_dict(nobody.openapi())
    found = [each.ok() for each in schema.get_all_operations()]
    return {each.label: each for each in found if each.path != "/api/soundfont"}


OPERATIONS = operations()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_requests_made_of_the_description(small, name, mode):
    operation = OPERATIONS[name]

    @settings(FEW, max_examples=4)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = case.call(base_url=f"http://{small.host}", headers=headers)
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

    ask()
