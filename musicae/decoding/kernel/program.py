"""An instance of the compiled program, with its arrays as NumPy arrays.

``scripts/build_kernel.py`` compiles ``writer.h`` and the C files beside it to ``writer.wasm``. The
same file runs on every system. Wasmtime compiles it to machine code when it is first used.
"""

from __future__ import annotations

import atexit
import ctypes
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FIELDS = """
width depth stride span layers heads columns chords floor lowest:4 symbols:4 order:4 calibration
past before now cos sin past_first before_first now_first intervals member_place
candidates decoders pieces steps padded context tonic piece lengths known uniform tokens nats
options rules beside line weights members numbers firm closing given of_pitch hand absent
motion sonority class_of places levers outside source
notes derived begun next_step next_turn moved states keys values
frame_of frame_number summed parts heard state
rows queries hold_or_rest row_of row_step row_voice turn cost
"""
FIELDS = tuple(_FIELDS.split())
"""The fields of ``Job`` in ``writer.h``: addresses of arrays, and numbers. ``:4`` marks a field of
four numbers."""
RING, MOST_SYMBOLS, MOST_SPAN, MOST_FEATURES, GRAPHS = 64, 64, 512, 512, 64
"""Bounds of the program: the steps whose notes it keeps, the symbols of a voice, the frames to
which a layer attends, the features that are summed, and the graphs that it can ask for."""
_PAGE = 65_536
_ALIGNED = 64
"""The alignment of arrays, in bytes."""


class Zeros(NamedTuple):
    """An array of zeros that is created in the program's memory."""

    shape: tuple[int, ...]
    dtype: type[np.generic]


class Program:
    """An instance of the program, with a job in its memory.

    Instances share nothing: each may run in a thread of its own.
    """

    def __init__(self, arrays: Mapping[str, Array | Zeros], numbers: Mapping[str, Any]) -> None:
        """``arrays`` and ``numbers`` are the values of ``FIELDS``, by name; a missing field is 0.

        Arrays with other names are only placed in the same memory.
        """
        import wasmtime

        engine, module = _module()
        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        memory: Any = self._exports["memory"]
        stop = self._exports["__heap_base"].value(self._store)
        places = {}
        for name, array in arrays.items():
            places[name] = start = -(-stop // _ALIGNED) * _ALIGNED
            stop = start + math.prod(array.shape) * np.dtype(array.dtype).itemsize
        memory.grow(self._store, max(0, -(-stop // _PAGE) - memory.size(self._store)))
        # The memory does not grow again, so its address does not change.
        size, first = memory.data_len(self._store), memory.data_ptr(self._store)
        whole = (ctypes.c_ubyte * size).from_address(ctypes.addressof(first.contents))
        self._memory = np.frombuffer(whole, np.uint8)
        self.arrays: dict[str, Array] = {}
        """The arrays that the program reads and writes, by name."""
        for name, array in arrays.items():
            count = math.prod(array.shape) * np.dtype(array.dtype).itemsize
            flat = self._memory[places[name] : places[name] + count]
            self.arrays[name] = flat.view(array.dtype).reshape(array.shape)
            if not isinstance(array, Zeros):
                self.arrays[name][...] = array
        self._write_job({**places, **numbers})

    def function(self, name: str) -> Callable[[], int]:
        """An exported function without arguments that returns a number.

        The call is that of Wasmtime's own wrapper, without the look-ups that the wrapper repeats
        each time.
        """
        from wasmtime import _ffi

        found: Any = self._exports[name]
        result, trap = (_ffi.wasmtime_val_raw_t * 1)(), ctypes.POINTER(_ffi.wasm_trap_t)()
        call = _ffi.wasmtime_func_call_unchecked
        context, function = self._store._context(), ctypes.byref(found._func)
        at = ctypes.byref(trap)

        def run() -> int:
            if call(context, function, result, 1, at) or trap:
                raise RuntimeError(f"the compiled program failed in {name!r}")
            number: int = result[0].i32
            return number

        return run

    def _write_job(self, values: Mapping[str, Any]) -> None:
        found: list[Any] = []
        for field in FIELDS:
            name, _, several = field.partition(":")
            value = values.get(name, 0)
            found += value if several else [value]
        at, size = (self.function(name)() for name in ("job", "size"))
        job = self._memory[at : at + size].view(np.int32)
        job[:] = [np.float32(v).view(np.int32) if isinstance(v, float) else v for v in found]


@cache
def _module() -> tuple[Any, Any]:
    """The engine and the program's machine code, which Wasmtime stores in the user's cache."""
    import wasmtime

    config = wasmtime.Config()
    # Compiling takes 40 ms. Without a writable cache the program is compiled in every process.
    with suppress(wasmtime.WasmtimeError):
        config.cache = True
    engine = wasmtime.Engine(config)
    # Free the module before the interpreter shuts down; later its destructor may be gone.
    atexit.register(_module.cache_clear)
    code = Path(__file__).with_name("writer.wasm").read_bytes()
    return engine, wasmtime.Module(engine, code)
