"""The design's import rules, read off the imports themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import musicae

PACKAGE = Path(musicae.__file__).parent
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
"""By room; a package's own room has the package's name."""
ROOMS = sorted(name for name in FILES if name != "__init__")
PACKAGES = [name for name in ROOMS if FILES[name].name == "__init__.py"]
HEAVY = (
    "torch",
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
)
NEEDS_TORCH = (
    "pianoroll",
    "checkpoint",
    "windows",
    "exercises",
    "pieces",
    "calibration",
    "latents",
    "composing",
    "decoding",
    "recital",
    "threads",
    "sampling",
    "training",
    "evaluation",
    "recipes",
    "comparison",
    "latent_report",
    "sliders",
    "judging",
)


def imports(room):
    """What a room imports anywhere in it, typing-only imports left out: names from the top."""
    tree = ast.parse(FILES[room].read_text())
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            is_package = node.module.removeprefix("musicae.") in ("musicae", *PACKAGES)
            found |= names if is_package else {node.module}
    return found


def ours(room):
    prefix = "musicae."
    return {name.removeprefix(prefix) for name in imports(room) if name.startswith(prefix)}


def test_the_chorale_knows_nobody():
    assert not ours("chorale")


@pytest.mark.parametrize("room", [r for r in ROOMS if r.startswith("models.")])
def test_models_see_tensors_only(room):
    assert ours(room) <= {"models.layers", "models.writer", "vocabulary"}
    assert not {name.split(".")[0] for name in imports(room)} & {"numpy", "music21", "mido"}


@pytest.mark.parametrize(
    "room",
    [
        "theory",
        "musicxml",
        "analysis",
        "drawing",
        "engraving",
        "staves",
        "sound",
        "reaper",
        "webpage",
    ],
)
def test_rooms_around_the_chorale_do_not_know_models(room):
    assert not {r for r in ours(room) if r.startswith("models") or r in NEEDS_TORCH}


def test_inference_runs_without_data():
    reached, queue = set(), ["sampling", "api", "walks"]
    while queue:
        room = queue.pop()
        if room in reached or room not in FILES:
            continue
        reached.add(room)
        queue += ours(room)
    assert not reached & {"corpus", "training", "recipes", "evaluation"}


def of_the_command_line(room):
    return room == "cli" or room.startswith("cli.")


def test_nothing_imports_the_command_line():
    outside = [room for room in ROOMS if not of_the_command_line(room)]
    assert [room for room in outside if any(map(of_the_command_line, ours(room)))] == ["__main__"]


@pytest.mark.parametrize("room", [r for r in ROOMS if r.startswith("cli.")])
def test_commands_do_not_know_each_other(room):
    shared = {"cli.options", "cli.printing"}
    assert {r for r in ours(room) if of_the_command_line(r)} <= shared


def loaded_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("room", [r for r in ROOMS if r not in ("__main__", *NEEDS_TORCH)])
def test_importing_a_room_loads_nothing_heavy(room):
    if room.startswith("models."):
        pytest.skip("a model is made of torch")
    assert not loaded_after(f"import musicae.{room}") & set(HEAVY)


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
