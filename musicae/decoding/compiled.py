"""Write voices with a compiled program: the result of ``writing.Writing``, many times faster.

The loop of turns, the features of notes, attention, the costs and the choices are a small program
in C (``kernel``). ONNX Runtime multiplies the matrices. It reads and writes arrays in the program's
memory, so no array is copied or converted between calls.

All voices of a step are scored at once, as if each of them held its note, unless a voice moved one
quarter before. To score more steps at once would cost more matrix products than it saves calls.

Axes: ``N`` candidates, ``D`` decoders, ``P`` pieces, ``T`` steps, ``V`` voices, ``S`` symbols,
``W`` width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

import numpy as np

from musicae.core.arrays import Floats, Floats32, Ints
from musicae.core.constants import N_VOICES, STEPS_PER_QUARTER
from musicae.core.processes import own_cores
from musicae.core.progress import CountProgress, Tally, report
from musicae.decoding.choice import GUIDANCE
from musicae.decoding.drafts import LOOK, hopeless
from musicae.decoding.given_chords import GivenCosts
from musicae.decoding.kernel.program import (
    GRAPHS,
    MOST_FEATURES,
    MOST_SPAN,
    MOST_SYMBOLS,
    RING,
    Array,
    Program,
    Zeros,
)
from musicae.decoding.sonority_tilt import class_of
from musicae.decoding.writing import Samples, Writing
from musicae.models.checkpoint import Checkpoint
from musicae.models.configs import VoiceTransformerConfig
from musicae.models.onnx_engine import OnnxEngine
from musicae.models.vocabulary import (
    AGES,
    CHORD_RELATIONS,
    FIRST_PITCH,
    INTERVALS,
    MEMBERS,
    NONE,
    PARTS,
    PLACES,
    RELATIONS,
    WIDEST_LEAP,
)
from musicae.theory.spelling import places_near

SCORES, FIRST_LAYER = 0, 1
"""The numbers of graphs that the program asks for. Each layer is one graph; the graph ``state``
follows the last layer."""
SHARED = 4
"""The least number of candidates that is divided among the cores. With fewer it does not pay,
because each core makes as many calls as a single core would."""
READ = 64
"""The number of frames whose conditioning is read at once."""
PAIRS = N_VOICES * (N_VOICES - 1) // 2
OCTET = 256
"""The number of values that a byte can have."""


def write(writing: Writing) -> Samples:
    """The result of ``writing.write()``, up to rounding.

    The compiled program writes if ``can_write``; else NumPy does.
    """
    if not can_write(writing):
        return writing.write()
    count = len(writing.lengths)
    # The drafts of a group are compared, so they stay together.
    groups = range(count) if writing.groups is None else writing.groups.tolist()
    begins = [i for i, group in enumerate(groups) if not i or group != groups[i - 1]]
    threads = min(own_cores(), len(begins)) if count >= SHARED else 1
    first = [begins[len(begins) * part // threads] for part in range(threads)]
    shares = zip(first, [*first[1:], count], strict=True)
    parts = [Compiled(writing, slice(*share)) for share in shares]
    if len(parts) == 1:
        return parts[0].write(report)
    from concurrent.futures import ThreadPoolExecutor

    tally = Tally(threads)
    reports = [partial(tally.report, part) for part in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(Compiled.write, parts, reports))
    return Samples(*(np.concatenate(each) for each in zip(*found, strict=True)))


def can_write(writing: Writing) -> bool:
    """Whether the compiled program can write this.

    It needs Wasmtime, a model that ONNX Runtime runs, and sizes within the program's bounds.
    """
    model = writing.decoders[0].model
    config = model.config
    features = N_VOICES * PARTS + PAIRS + N_VOICES + len(config.context)
    depth = config.width // config.heads
    return (
        isinstance(model.engine, OnnxEngine)
        and "scores" in model.engine.graphs
        and find_spec("wasmtime") is not None
        and depth % 4 == 0
        and config.depth % 4 == 0
        and config.span < MOST_SPAN
        and config.stride * 2 < RING
        and config.stride * features <= MOST_FEATURES
        and config.decoder_layers + 2 <= GRAPHS
        and max(config.symbols) <= MOST_SYMBOLS
        and max(config.context) <= OCTET
    )


class Compiled:
    """The writing of some of the candidates of a ``Writing``."""

    def __init__(self, writing: Writing, some: slice) -> None:
        """``some`` is the range of candidates."""
        self.decoders = writing.decoders
        model = self.decoders[0].model
        assert isinstance(model.engine, OnnxEngine)
        self.engine, self.layers = model.engine, model.config.decoder_layers
        self.steps, self.stride = writing.steps, model.config.stride
        self.groups = None if writing.groups is None else writing.groups[some]
        self.piece = self.decoders[0].of[some]
        count = len(self.piece)
        arrays: dict[str, Array | Zeros] = {
            **_of_model(model),
            **_of_pieces(writing, some),
            **_of_costs(writing, some),
            **_room(model.config, count, len(self.decoders)),
        }
        limits = writing.weighed.ensemble.limits if writing.weighed.ensemble else None
        numbers = _sizes(model.config) | {
            "calibration": float(model.tensors["calibration"][0]),
            "candidates": count,
            "decoders": len(self.decoders),
            "pieces": len(self.decoders[0].context),
            "steps": writing.steps,
            "padded": writing.notes.tokens.shape[1],
            "hand": -1 if limits is None or limits.hand is None else limits.hand,
            "absent": int(bool(limits and limits.absent)),
        }
        self.program = Program(arrays, numbers)
        self.bound: dict[int, Callable[[], None]] = {}
        self.read = range(0)
        """The frames whose conditioning is in ``conditioning``."""
        self.conditioning: list[Floats32] = []
        """For each decoder ``(P, READ, W)``."""

    def write(self, progress: CountProgress) -> Samples:
        """The completed scores; ``progress`` gets the number of finished steps and of all steps."""
        arrays, go_on = self.program.arrays, self.program.function("next")
        while asked := go_on():
            rows, graph = divmod(asked, GRAPHS)
            if graph == FIRST_LAYER:
                step = int(arrays["frame_number"][0]) * self.stride
                progress(step, self.steps)
                self._end_hopeless(step)
                self._begin_frames(rows // len(self.decoders))
            run = self.bound.get(asked)
            if run is None:
                run = self.bound[asked] = self._bind(graph, rows)
            run()
        tokens = arrays["tokens"][:, : self.steps].astype(np.int64)
        return Samples(tokens, arrays["nats"].copy())

    def _end_hopeless(self, step: int) -> None:
        """End drafts that are hopeless at the beginning of a step; see ``drafts``."""
        if self.groups is not None and step % LOOK == 0:
            arrays = self.program.arrays
            gone = hopeless(arrays["nats"], self.groups, self.steps - step)
            arrays["nats"][gone], arrays["lengths"][gone] = np.inf, 0

    def _begin_frames(self, count: int) -> None:
        """Copy the conditioning of the next frame of ``count`` candidates into the program.

        All these candidates are at the same frame.
        """
        arrays = self.program.arrays
        frame, piece = int(arrays["frame_number"][0]), self.piece[arrays["frame_of"][:count]]
        if frame not in self.read:
            self.read = range(frame, frame + READ)
            ahead = slice(frame, frame + READ)
            self.conditioning = [each.conditioning[:, ahead] for each in self.decoders]
        for i, conditioning in enumerate(self.conditioning):
            found = conditioning[piece, frame - self.read.start]
            arrays["conditioning"][i * count : (i + 1) * count] = found

    def _bind(self, graph: int, rows: int) -> Callable[[], None]:
        """A function that runs a graph on the first ``rows`` rows of its arrays."""
        arrays = {name: array[:rows] for name, array in self.program.arrays.items()}
        if graph == SCORES:
            outputs = {name: arrays[name] for name in ("queries", "hold_or_rest")}
            return self.engine.bound("scores", {"rows": arrays["rows"]}, outputs)
        layer, passed = graph - FIRST_LAYER, self.program.arrays["passed"][:, :rows]
        if layer == 0:
            inputs = {"past": arrays["summed"], "heard": arrays["conditioning"]}
        else:
            inputs = {"past": passed[layer - 1], "heard": arrays["heard"]}
        if layer == self.layers:
            inputs["conditioning"] = arrays["conditioning"]
            return self.engine.bound("state", inputs, {"state": arrays["state"]})
        outputs = {"passed": passed[layer], "parts": arrays["parts"]}
        return self.engine.bound(f"layer{layer}", inputs, outputs)


def _sizes(config: VoiceTransformerConfig) -> dict[str, Any]:
    """The numbers of a job that depend on the model alone."""
    return {
        "width": config.width,
        "depth": config.depth,
        "stride": config.stride,
        "span": config.span,
        "layers": config.decoder_layers,
        "heads": config.heads,
        "columns": len(config.context),
        "chords": int(bool(config.chords)),
        "floor": min(config.lowest),
        "lowest": config.lowest,
        "symbols": config.symbols,
        "order": config.order,
    }


def _of_model(model: Checkpoint) -> dict[str, Array]:
    """The arrays of a job that depend on the model alone."""
    config, tensors = model.config, model.tensors
    floor = min(config.lowest)
    ranges = zip(config.lowest, config.symbols, strict=True)
    highest = max(low + size - FIRST_PITCH for low, size in ranges)
    # The features of a step as models.voice_transformer has them.
    voice = [4, highest - floor, 12, len(AGES) + 1, 2 * WIDEST_LEAP + 1]
    step = [*voice * N_VOICES, *[INTERVALS] * PAIRS]
    places = [PLACES] * N_VOICES if config.chords else []
    before = [*step, *places, *config.context]
    now = [*step, *[INTERVALS] * N_VOICES, *places, N_VOICES]
    table = np.tile(np.arange(MEMBERS, PLACES), (1 + len(config.chords), 1))
    for row, members in zip(table[1:], config.chords, strict=True):
        row[list(members)] = np.arange(len(members))
    return {
        "past": tensors["past.weight"],
        "before": tensors["before.weight"],
        "now": tensors["now.weight"],
        "past_first": _first(before * config.stride),
        "before_first": _first(before),
        "now_first": _first(now),
        "intervals": tensors["intervals"],
        "member_place": table.astype(np.uint8),
    }


def _first(sizes: Sequence[int]) -> Array:
    """The first row of embeddings of each feature; ``sizes`` are their numbers of rows."""
    return np.array([*accumulate(sizes, initial=0)][:-1], dtype=np.int32)


def _of_pieces(writing: Writing, some: slice) -> dict[str, Array]:
    """The arrays of a job about the pieces and their length, and the random numbers."""
    decoders, notes = writing.decoders, writing.notes
    frames = notes.tokens.shape[1] // writing.stride
    angle = np.arange(frames, dtype=np.float32)[:, None] * decoders[0].speed
    return {
        "cos": np.cos(angle),
        "sin": np.sin(angle),
        "context": np.stack([each.context for each in decoders]).astype(np.uint8),
        "tonic": decoders[0].tonics.astype(np.uint8),
        "piece": decoders[0].of[some].astype(np.int32),
        "lengths": writing.lengths[some].astype(np.int32),
        "known": _bits(notes.known).astype(np.uint8),
        "uniform": writing.uniform[some, : writing.steps],
        "tokens": notes.tokens[some].astype(np.uint8),
    }


def _of_costs(writing: Writing, some: slice) -> dict[str, Array]:
    """The arrays of a job about how symbols are chosen."""
    weighed, tilts, options = writing.weighed, writing.tilts, writing.options
    rules, rhythm = weighed.rules, options.rhythm_temperature
    fifths, steps = weighed.fifths[some].tolist(), slice(writing.steps)
    beside = np.zeros((N_VOICES, N_VOICES), dtype=np.uint8)
    beside[tuple(np.array(list(weighed.table.beside)).reshape(-1, 2).T)] = 1
    found: dict[str, Array] = {
        "options": np.array(
            [options.temperature, -1.0 if rhythm is None else rhythm, options.top_p, GUIDANCE]
        ),
        "rules": np.array(
            [
                *(rules.parallel, rules.direct, rules.crossing, rules.overlap),
                *(rules.spacing, rules.leap, rules.augmented, rules.rest),
            ]
        ),
        "beside": beside,
        "line": np.array([places_near(signature % 12) for signature in fifths], dtype=np.int8),
        "class_of": class_of().astype(np.uint8),
    }
    if weighed.plan:
        plan, weights = weighed.plan, weighed.plan.weights
        found |= {
            "weights": np.array(
                [
                    *(weights.bass, weights.foreign, weights.suspended, weights.on_beat),
                    *(weights.incomplete, weights.thin, weights.doubled, weights.restruck),
                    weights.unresolved,
                ]
            ),
            "members": _bits(plan.member[steps, some]).astype(np.uint16),
            "numbers": plan.numbers[steps, some].astype(np.int8),
            "firm": plan.firm[steps, some].astype(np.float32),
            "closing": plan.closing[some].astype(np.int32),
        }
    if weighed.given:
        found["given"] = _given(weighed.given, writing.steps)
    if weighed.ensemble:
        found["of_pitch"] = _padded(weighed.ensemble.of_pitch)
    if tilts:
        for name, tilt in (("motion", tilts.motion), ("sonority", tilts.sonority)):
            if tilt:
                found[name] = tilt.tilt.astype(np.float64)
                found["places"] = tilt.places[some, steps].astype(np.uint8)
        if tilts.levers:
            found["levers"] = tilts.levers.amounts[some].astype(np.float64)
            found["outside"] = _bits(tilts.levers.outside[some]).astype(np.uint16)
    if writing.repeats.some:
        found["source"] = writing.repeats.source[some].astype(np.int32)
    return found


def _given(costs: GivenCosts, steps: int) -> Array:
    """``(T, 3)`` for each step at which a given chord begins: its members and its needed pitch
    classes, both as bits, and its bass."""
    found = np.zeros((steps, 3), dtype=np.int16)
    for step, chord in costs.given.items():
        sets = (sum(1 << each for each in set(part)) for part in (chord.members, chord.needed))
        found[step] = *sets, NONE if chord.bass is None else chord.bass
    return found


def _padded(costs: Sequence[Floats]) -> Floats:
    """``(V, MOST_SYMBOLS)`` the costs ``(S,)`` of each voice, padded with 0."""
    return np.stack([np.pad(each, (0, MOST_SYMBOLS - len(each))) for each in costs])


def _bits(flags: Array) -> Ints:
    """``(...)`` flags ``(..., K)`` as numbers. The first flag is the lowest bit."""
    found: Ints = flags @ (1 << np.arange(flags.shape[-1]))
    return found


def _room(config: VoiceTransformerConfig, count: int, decoders: int) -> dict[str, Array | Zeros]:
    """The arrays of a job that are its working memory, for ``count`` candidates."""
    width, layers, streams = config.width, config.decoder_layers, decoders * count
    depth, rows = width // config.heads, N_VOICES * count
    relations = RELATIONS + N_VOICES + (CHORD_RELATIONS if config.chords else 0)
    cache = (streams, layers, config.heads, config.span + 1, depth)
    floats: dict[str, tuple[int, ...]] = {
        "states": (streams, width),
        "keys": cache,
        "values": cache,
        "summed": (streams, width),
        "conditioning": (streams, width),
        "passed": (layers, streams, width),
        "parts": (streams, 3 * width),
        "heard": (streams, width),
        "state": (streams, width),
        "rows": (decoders * rows, width),
        "queries": (decoders * rows, relations * config.depth),
        "hold_or_rest": (decoders * rows, 2 * N_VOICES),
    }
    by_candidate = ("derived", "begun", "next_step", "next_turn", "frame_of", "frame_number")
    by_row = ("row_of", "row_step", "row_voice")
    # At first each voice counts as likely to move.
    moved = np.tile(np.arange(-STEPS_PER_QUARTER, 0, dtype=np.int32), (count, 1))
    return {
        "notes": np.full((count, RING, 4, N_VOICES), NONE, dtype=np.int16),
        "moved": moved,
        "nats": Zeros((count,), np.float64),
        **{name: Zeros(shape, np.float32) for name, shape in floats.items()},
        **{name: Zeros((count,), np.int32) for name in by_candidate},
        **{name: Zeros((rows,), np.int32) for name in by_row},
        "turn": Zeros((2 * N_VOICES + 2 * 5,), np.int16),
        "cost": Zeros((MOST_SYMBOLS,), np.float64),
    }
