"""Checks beyond import-linter: an import loads nothing heavy, and ``--help`` is quick."""

import subprocess
import sys
from pathlib import Path

import pytest

import musicae
from tests.support.midifiles import save, tune

PACKAGE = Path(musicae.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE
)
HEAVY = {
    "torch",
    "onnxruntime",
    "music21",
    "matplotlib",
    "pretty_midi",
    "lightning_fabric",
    "sklearn",
    "verovio",
    "typst",
    "midirenderer",
    "soundfile",
    "watchfiles",
    "rtmidi",
    "distributed",
    "fastapi",
    "uvicorn",
    "pydantic",
}
SERVING = {"fastapi", "uvicorn", "pydantic"}
"""Modules that only the studio's service loads."""
MAY_LOAD_TORCH = ("models.", "training.", "evaluation.")
"""Packages whose modules compute with tensors; all others run without torch."""
UNUSED_FOR_MIDI = (
    *("musicae.corpus", "musicae.latent", "musicae.rendering", "musicae.daw.cluster"),
    *("musicae.daw.pack", "musicae.core.process_pool", "musicae.io.abc_", "musicae.io.mei_"),
    *("musicae.io.musicxml_", "musicae.io.score_files", "musicae.io.written_"),
    *(
        "asyncio",
        "concurrent.futures.process",
        "multiprocessing",
        "numpy.ma.",
        "rich.",
        "xml.etree",
    ),
)
"""Beginnings of the names of modules that harmonizing MIDI into MIDI must not load."""
LONGEST_MODULE = 400


def loaded_after(statement):
    code = f"import sys; {statement}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = (*MAY_LOAD_TORCH, "studio.")
    light = [module for module in MODULES if not f"{module}.".startswith(heavy)]
    everything = "; ".join(f"import musicae.{module}" for module in light)
    assert not loaded_after(everything) & HEAVY


@pytest.mark.parametrize("package", MAY_LOAD_TORCH)
def test_modules_that_compute_load_torch_and_nothing_else_heavy(package):
    modules = [module for module in MODULES if f"{module}.".startswith(package)]
    everything = "; ".join(f"import musicae.{module}" for module in modules)
    assert not loaded_after(everything) & (HEAVY - {"torch"})


def test_the_service_loads_what_it_serves_with_and_nothing_else_heavy():
    modules = [module for module in MODULES if module.startswith("studio")]
    loaded = loaded_after("; ".join(f"import musicae.{module}" for module in modules))
    assert loaded & HEAVY <= SERVING
    assert SERVING - {"uvicorn"} <= loaded


def test_the_port_is_open_before_heavy_modules_are_loaded():
    assert not loaded_after("import musicae.studio.server, musicae.cli.studio") & HEAVY


def test_harmonizing_midi_loads_only_the_modules_that_it_uses(tmp_path):
    pitches = (72, 74, 76, 77, 76, 74, 72)
    notes = [(480 * i, 480 * (i + 1), pitch) for i, pitch in enumerate(pitches)]
    melody = save(tmp_path / "tune.mid", tune(*notes))
    out = tmp_path / "piece.mid"
    arguments = ["musicae", "harmonize", str(melody), "-o", str(out)]
    loaded = loaded_after(
        f"sys.argv = {arguments}; from musicae.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )
    assert out.is_file()
    assert "onnxruntime" in loaded
    assert not loaded & (HEAVY - {"onnxruntime"})
    assert not {module for module in loaded if module.startswith(UNUSED_FOR_MIDI)}


def test_training_on_a_corpus_file_loads_no_readers_of_music():
    loaded = loaded_after("import musicae.training.run")
    assert not loaded & {*(HEAVY - {"torch"}), "mido", "typer", "rich"}


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['musicae', '--help']; from musicae.cli import main\n"
        "try: main()\n"
        "except SystemExit as stopped: print(stopped.code, *sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    status, *modules = result.stderr.split()
    assert status == "0"
    assert "harmonize" in result.stdout
    assert not set(modules) & {*HEAVY, "numpy.testing"}


@pytest.mark.parametrize("arguments", [["--help"], ["harmonize", "--help"]])
def test_help_loads_only_what_it_shows(arguments):
    code = (
        f"import sys; sys.argv = {['musicae', *arguments]}; from musicae.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    modules = set(result.stderr.split())
    assert "rich.table" in modules
    unused = {"numpy", "pydantic", "markdown_it", "rich.markdown", "rich.traceback"}
    assert not modules & unused
    assert ("musicae.cli.train" in modules) == (arguments == ["--help"])


@pytest.mark.parametrize("module", MODULES)
def test_modules_fit_on_a_few_screens(module):
    path = PACKAGE / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_the_design_names_every_module():
    design = (PACKAGE.parent / "docs" / "design.md").read_text(encoding="utf-8")
    files = [path.relative_to(PACKAGE) for path in PACKAGE.glob("*/**/*.py")]
    modules = [Path(*path.parts[1:]).as_posix() for path in files if path.name != "__init__.py"]
    assert [module for module in modules if f"| `{module}` |" not in design] == []
