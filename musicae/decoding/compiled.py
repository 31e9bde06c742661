"""Writing voices with a compiled kernel: what ``writing.Writing`` does, many times as fast.

The loop of turns, the features of notes, the costs and the choices are a small program in C
(``kernel/``), compiled to WebAssembly once for every system. ONNX Runtime multiplies the matrices:
it reads and writes arrays in the program's memory, so nothing is converted from call to call.

Axes: ``N`` candidates, ``D`` decoders, ``P`` pieces, ``T`` steps, ``V`` voices, ``S`` symbols,
``M`` frames, ``W`` width.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER
from musicae.decoding.choice import GUIDANCE
from musicae.decoding.sonority_tilt import _class_of
from musicae.decoding.writing import Samples, Writing
from musicae.encoding.notes import notes_of  # noqa: F401
from musicae.models.configs import VoiceTransformerConfig
from musicae.models.onnx_engine import OnnxEngine
from musicae.models.vocabulary import (
    AGES,
    FIRST_PITCH,
    INTERVALS,
    MEMBERS,
    NONE,
    PLACES,
    WIDEST_LEAP,
)
from musicae.theory.spelling import places_near

Array = NDArray[Any]

RING = 64
MOST_SYMBOLS = 64
ALIGNED = 64
PAGE = 65_536

FIELDS = """
width depth stride span layers heads columns chords floor lowest:4 symbols:4 order:4 calibration
past before now past_first before_first now_first intervals member_place
candidates decoders pieces steps padded context tonic lengths known uniform tokens nats
options rules beside line weights members numbers firm closing of_pitch hand absent
motion sonority class_of places levers outside source
notes derived begun next_step next_turn moved states keys values
frame_of frame_number summed cos sin parts heard state
rows queries hold_or_rest row_of row_step row_voice
""".split()


class Zeros(NamedTuple):
    shape: tuple[int, ...]
    dtype: type


@cache
def _program() -> tuple[Any, Any]:
    import wasmtime

    engine = wasmtime.Engine()
    code = files("musicae.decoding.kernel").joinpath("writer.wasm").read_bytes()
    return engine, wasmtime.Module(engine, code)


class Kernel:
    """An instance of the program with a job in its memory."""

    def __init__(self, arrays: Mapping[str, Array | Zeros], numbers: Mapping[str, Any]) -> None:
        import wasmtime

        engine, module = _program()
        self.store = wasmtime.Store(engine)
        exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        memory, base = exports["memory"], exports["__heap_base"].value(self.store)
        places = {}
        for name, array in arrays.items():
            places[name] = base = -(-base // ALIGNED) * ALIGNED
            base += int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize
        missing = -(-base // PAGE) - memory.size(self.store)
        if missing > 0:
            memory.grow(self.store, missing)
        size = memory.data_len(self.store)
        start = ctypes.addressof(memory.data_ptr(self.store).contents)
        self.memory = np.frombuffer((ctypes.c_ubyte * size).from_address(start), np.uint8)
        self.arrays: dict[str, Array] = {}
        for name, array in arrays.items():
            dtype, count = np.dtype(array.dtype), int(np.prod(array.shape))
            flat = self.memory[places[name] : places[name] + count * dtype.itemsize]
            self.arrays[name] = view = flat.view(dtype).reshape(array.shape)
            if not isinstance(array, Zeros):
                view[...] = array
        at = exports["job"](self.store)
        job = self.memory[at : at + exports["size"](self.store)].view(np.int32)
        values = []
        for field in FIELDS:
            name, _, many = field.partition(":")
            value = numbers.get(name, places.get(name, 0))
            values += list(value) if many else [value]
        assert len(values) == len(job), (len(values), len(job))
        job[:] = [
            np.float32(v).view(np.int32) if isinstance(v, float) else v for v in values
        ]
        self.next = _caller(self.store, exports["next"])


def _caller(store: Any, function: Any) -> Callable[[], int]:
    from wasmtime import _ffi as ffi

    raw = (ffi.wasmtime_val_raw_t * 1)()
    trap = ctypes.POINTER(ffi.wasm_trap_t)()
    args = (store._context(), ctypes.byref(function._func), raw, 1, ctypes.byref(trap))
    call = ffi.wasmtime_func_call_unchecked

    def run() -> int:
        if call(*args):
            raise RuntimeError("trap")
        return raw[0].i32

    return run


def firsts(config: VoiceTransformerConfig) -> tuple[Ints, Ints, Ints]:
    voices = len(config.lowest)
    floor = min(config.lowest)
    highest = max(
        low + size - FIRST_PITCH for low, size in zip(config.lowest, config.symbols, strict=True)
    )
    voice = [4, highest - floor, 12, len(AGES) + 1, 2 * WIDEST_LEAP + 1]
    pairs = voices * (voices - 1) // 2
    step = [*voice * voices, *[INTERVALS] * pairs]
    places = [PLACES] * voices if config.chords else []
    before = [*step, *places, *config.context]
    sizes = (
        before * config.stride,
        before,
        [*step, *[INTERVALS] * voices, *places, voices],
    )
    return tuple(np.array([*accumulate(s, initial=0)][:-1], dtype=np.int32) for s in sizes)


def _member_places(qualities) -> Array:
    table = np.tile(np.arange(MEMBERS, PLACES, dtype=np.uint8), (1 + len(qualities), 1))
    for row, members in zip(table[1:], qualities, strict=True):
        for place, member in enumerate(members):
            row[member] = place
    return table


class Compiled:
    def __init__(self, writing: Writing) -> None:
        self.decoders = decoders = writing.decoders
        model = decoders[0].model
        config, tensors = model.config, model.tensors
        n, d = len(writing.lengths), len(decoders)
        steps = writing.steps
        notes = writing.notes
        padded = notes.tokens.shape[1]
        weighed, options = writing.weighed, writing.options
        past, before, now = firsts(config)
        pieces = len(decoders[0].context)
        W, H, L, R = config.width, config.heads, config.decoder_layers, config.span + 1
        most = N_VOICES * n
        relations = 2 + N_VOICES + (3 if config.chords else 0)
        rules = weighed.rules
        bits = 1 << np.arange(N_VOICES)
        beside = np.zeros((N_VOICES, N_VOICES), np.uint8)
        for a, b in weighed.table.beside:
            beside[a, b] = 1
        i32, f32, f64, u8 = np.int32, np.float32, np.float64, np.uint8
        depth = W // H
        arrays: dict[str, Any] = {
            "past": tensors["past.weight"],
            "before": tensors["before.weight"],
            "now": tensors["now.weight"],
            "past_first": past,
            "before_first": before,
            "now_first": now,
            "intervals": tensors["intervals"],
            "member_place": _member_places(config.chords),
            "context": np.stack([x.context for x in decoders]).astype(u8),
            "tonic": decoders[0].tonic.astype(u8) if pieces > 1 else decoders[0].tonic[:1].astype(u8),
            "lengths": writing.lengths.astype(i32),
            "known": (notes.known @ bits).astype(u8),
            "uniform": writing.uniform,
            "tokens": notes.tokens.astype(u8),
            "nats": Zeros((n,), f64),
            "options": np.array(
                [
                    options.temperature,
                    -1.0 if options.rhythm_temperature is None else options.rhythm_temperature,
                    options.top_p,
                    GUIDANCE,
                ]
            ),
            "rules": np.array(
                [
                    rules.parallel,
                    rules.direct,
                    rules.crossing,
                    rules.overlap,
                    rules.spacing,
                    rules.leap,
                    rules.augmented,
                    rules.rest,
                ]
            ),
            "beside": beside,
            "line": np.stack([places_near(f % 12) for f in weighed.fifths.tolist()]).astype(np.int8),
            "class_of": _class_of().astype(u8),
            "notes": np.full((n, RING, 4, N_VOICES), NONE, np.int16),
            "derived": Zeros((n,), i32),
            "begun": Zeros((n,), i32),
            "next_step": Zeros((n,), i32),
            "next_turn": Zeros((n,), i32),
            "moved": np.tile(np.arange(-STEPS_PER_QUARTER, 0, dtype=i32), (n, 1)),
            "states": Zeros((d, n, W), f32),
            "keys": Zeros((d * n, L, H, R, depth), f32),
            "values": Zeros((d * n, L, H, R, depth), f32),
            "frame_of": Zeros((n,), i32),
            "frame_number": Zeros((n,), i32),
            "summed": Zeros((d * n, W), f32),
            "cos": Zeros((n, depth // 2), f32),
            "sin": Zeros((n, depth // 2), f32),
            "parts": Zeros((d * n, 3 * W), f32),
            "heard": Zeros((d * n, W), f32),
            "state": Zeros((d * n, W), f32),
            "conditioning": Zeros((d * n, W), f32),
            "passed": Zeros((L, d * n, W), f32),
            "rows": Zeros((d * most, W), f32),
            "queries": Zeros((d * most, relations * config.depth), f32),
            "hold_or_rest": Zeros((d * most, 2 * N_VOICES), f32),
            "row_of": Zeros((most,), i32),
            "row_step": Zeros((most,), i32),
            "row_voice": Zeros((most,), i32),
        }
        plan = weighed.plan
        if plan:
            w = plan.weights
            arrays |= {
                "weights": np.array(
                    [
                        w.bass,
                        w.foreign,
                        w.suspended,
                        w.on_beat,
                        w.incomplete,
                        w.thin,
                        w.doubled,
                        w.restruck,
                        w.unresolved,
                    ]
                ),
                "members": (plan.member @ (1 << np.arange(12))).astype(np.uint16),
                "numbers": plan.numbers.astype(np.int8),
                "firm": plan.firm.astype(f32),
                "closing": plan.closing.astype(i32),
            }
        numbers = {
            "width": W,
            "depth": config.depth,
            "stride": config.stride,
            "span": config.span,
            "layers": L,
            "heads": H,
            "columns": len(config.context),
            "chords": int(bool(config.chords)),
            "floor": min(config.lowest),
            "lowest": config.lowest,
            "symbols": config.symbols,
            "order": config.order,
            "calibration": float(tensors["calibration"][0]),
            "candidates": n,
            "decoders": d,
            "pieces": pieces,
            "steps": steps,
            "padded": padded,
            "hand": -1,
            "absent": 0,
        }
        self.kernel = Kernel(arrays, numbers)
        self.engine: OnnxEngine = model.engine
        self.n, self.d, self.pieces = n, d, pieces
        self.last = L
        self.runs: dict[int, Callable[[], None]] = {}
        self.speed = decoders[0].speed

    def _bound(self, graph: int, rows: int) -> Callable[[], None]:
        a = {name: array[:rows] for name, array in self.kernel.arrays.items()}
        if graph == 0:
            outputs = {name: a[name] for name in ("queries", "hold_or_rest")}
            return self.engine.bound("scores", {"rows": a["rows"]}, outputs)
        passed = self.kernel.arrays["passed"][:, :rows]
        if graph == 1:
            inputs = {"past": a["summed"], "heard": a["conditioning"]}
        else:
            inputs = {"past": passed[graph - 2], "heard": a["heard"]}
        if graph == self.last + 1:
            inputs["conditioning"] = a["conditioning"]
            return self.engine.bound("state", inputs, {"state": a["state"]})
        outputs = {"passed": passed[graph - 1], "parts": a["parts"]}
        return self.engine.bound(f"layer{graph - 1}", inputs, outputs)

    def write(self) -> Samples:
        a, go_on = self.kernel.arrays, self.kernel.next
        while asked := go_on():
            if asked % 64 == 1:
                self._begin(asked // 64)
            run = self.runs.get(asked)
            if run is None:
                run = self.runs[asked] = self._bound(asked % 64, asked // 64)
            run()
        tokens = a["tokens"][:, : self.kernel_steps].astype(np.int64)
        return Samples(tokens, a["nats"].copy())

    @property
    def kernel_steps(self) -> int:
        return self.kernel.arrays["uniform"].shape[1]

    def _begin(self, rows: int) -> None:
        a = self.kernel.arrays
        m = rows // self.d
        number = a["frame_number"][:m]
        piece = a["frame_of"][:m] if self.pieces > 1 else 0
        angle = number[:, None].astype(np.float32) * self.speed
        np.cos(angle, out=a["cos"][:m])
        np.sin(angle, out=a["sin"][:m])
        for k, decoder in enumerate(self.decoders):
            a["conditioning"][k * m : k * m + m] = decoder.conditioning[piece, number]


def write(writing: Writing, **k) -> Samples:
    return Compiled(writing, **k).write()
