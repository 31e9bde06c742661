"""Run every command and all Python code of the README and the guides, on short pieces.

    python scripts/run_guides.py [--quick] [GUIDE...]

The guides run side by side, each in a folder of its own with the files that its commands read: the
lines of its ``sh`` blocks in order, then its ``python`` blocks as one program. A command that fails
ends the run with its output. What never ends (a service, a watched folder) is started, probed, and
stopped at the end of the guide; ``curl`` lines ask the service that runs. ``SKIPPED`` lists what
cannot run here. With ``--quick`` a choir's kit has one tempo, the fastest, if its command names
none.

Other commands are processes that a server forks after it imported what they need. This takes half
of the time that a new interpreter takes for each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import guide_files
import side_by_side

from musicae.daw.practice import FASTEST

ROOT = Path(__file__).resolve().parent.parent
FIRST = tuple(
    f"docs/guides/{name}" for name in ("practice", "training", "new_pieces", "four_parts")
)
"""Those that take longest, so that no processor waits for them at the end."""
GUIDES = tuple(
    dict.fromkeys(
        (
            *FIRST,
            "README",
            *(f"docs/guides/{path.stem}" for path in sorted((ROOT / "docs/guides").glob("*.md"))),
            "docs/reference/formats",
        )
    )
)
SKIPPED = {
    "play": "needs a MIDI port, which CI's machines do not have",
    "harmonize songs/ -o hymns/ --skip-existing --scheduler": (
        "needs several machines; tests/daw/test_cluster.py has them in one"
    ),
    "train minibach --data my_chorales.npz --devices 2": (
        "takes as long as all the rest of its guide; tests/training/test_run.py does it"
    ),
}
"""How commands begin that are not run, and why."""
FURNISHED = "http://127.0.0.1:8321"
"""The address that ``curl`` lines name; the service under test has another port."""
IMPORTED = (
    *("__main__", "musicae.cli", "musicae.api.harmonize", "musicae.daw.harmonize_files"),
    *("musicae.latent.compose", "musicae.rendering.engraving", "onnxruntime", "onnx"),
    *("musicae.training.run", "musicae.evaluation"),
)
"""Modules that the server of processes imports once for all commands."""
WAIT = 60
"""Seconds until a service answers or a watched folder has its first result."""

FORKED = multiprocessing.get_context("forkserver")


class GuideError(Exception):
    """A command of a guide failed, or did not do what the guide says."""


def blocks(guide: str, language: str) -> Iterator[str]:
    """The code blocks of a guide in a language; those in a list without its indentation."""
    text = (ROOT / f"{guide}.md").read_text(encoding="utf-8")
    for indent, block in re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.M | re.S):
        yield re.sub(rf"^{indent}", "", block, flags=re.M)


def commands(guide: str) -> list[list[str]]:
    """The shell lines of a guide, each as its words, but for the README's scripts.

    CI has steps of its own for these.
    """
    lines = "\n".join(blocks(guide, "sh")).replace("\\\n", " ").splitlines()
    each = (shlex.split(line, comments=True) for line in lines)
    return [words for words in each if words and words[0] != "python3"]


def reason_to_skip(words: list[str]) -> str | None:
    """Why a command is not run; None if it is."""
    for begins, reason in SKIPPED.items():
        if words[1 : 1 + len(begins.split())] == begins.split():
            return reason
    return None


def _perform(task: str | list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    """Run a program, or a command's words, in a folder; the output goes into a file.

    Ends the process with the command's exit status.
    """
    os.chdir(folder)
    os.environ.update(environment)
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    if isinstance(task, str):
        exec(compile(task, "guide", "exec"), {"__name__": "__main__"})
    else:
        from musicae.cli import main as musicae_main

        sys.argv = ["musicae", *task]
        musicae_main()


@dataclass
class Guide:
    """A guide that runs in its folder."""

    name: str
    folder: Path
    quick: bool
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    address: str | None = None
    """Of the service that runs, with its token after ``#token=``."""
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self) -> str:
        """Run commands and code; how long each took. Raises GuideError if one fails."""
        told = [f"{self.name}.md"]
        try:
            for words in commands(self.name):
                told.append(self._timed(words))
            if code := "\n".join(blocks(self.name, "python")):
                began = time.perf_counter()
                self._perform(code, "its Python code")
                told.append(f"{time.perf_counter() - began:5.1f} s  its Python code")
        finally:
            for process in self.running:
                process.terminate()  # a shell in the background lets its processes ignore SIGINT
            for process in self.running:
                process.communicate(timeout=WAIT)
        return "\n".join(told)

    def _timed(self, words: list[str]) -> str:
        began, line = time.perf_counter(), shlex.join(words)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment[name] = value
            return f"         {line}"
        if words[0] == "curl":
            self._curl(words[1:])
        elif words[0] != "musicae":
            raise GuideError(f"{self.name}.md: {line}\nis no command that can be run")
        elif reason := reason_to_skip(words):
            return f"skipped  {line}: {reason}"
        elif words[1] in ("studio", "serve"):
            self._serve(words[1:])
        elif words[1] == "watch":
            self._watch(words[1:])
        else:
            self._command(words[1:])
        return f"{time.perf_counter() - began:5.1f} s  {line}"

    def _command(self, words: list[str]) -> None:
        if self.quick and words[0] == "practice" and "--tempo" not in words:
            words = [*words, "--tempo", str(FASTEST)]
        for made in (guide_files.KIT, guide_files.PACK):  # folders that are never written twice
            shutil.rmtree(self.folder / made, ignore_errors=True)
        self._perform(words, f"musicae {shlex.join(words)}")

    def _perform(self, task: str | list[str], told: str) -> None:
        log = self.folder.parent / f"{self.folder.name}.log"
        process = FORKED.Process(target=_perform, args=(task, self.folder, self.environment, log))
        process.start()
        process.join()
        if process.exitcode:
            raise GuideError(f"{self.name}.md: {told}\n{log.read_text()}")

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "musicae", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        return process

    def _serve(self, words: list[str]) -> None:
        """Start the page or the service at any port, and ask whether it is well."""
        quiet = ["--no-browser"] if words[0] == "studio" and "--no-browser" not in words else []
        process = self._start([*words, "--port", "0", *quiet])
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+?:(\d+)/(#token=\S+)?", line)
        if not found:
            raise GuideError(f"{self.name}.md: {shlex.join(words)}\n{line}")
        self.address = f"http://127.0.0.1:{found[1]}/{found[2] or ''}"
        if self._ask("/api/health") != b'{"ok":true}':
            raise GuideError(f"{self.name}.md: {shlex.join(words)}\ndoes not answer")

    def _watch(self, words: list[str]) -> None:
        """Watch a folder, until the melody that lies in it has its result."""
        process = self._start(words)
        out = self.folder / words[words.index("-o") + 1 if "-o" in words else 1]
        until = time.monotonic() + WAIT
        while not list(out.glob("*-harmonized.mid")):
            if time.monotonic() > until or process.poll() is not None:
                raise GuideError(f"{self.name}.md: {shlex.join(words)}\nnothing came")
            time.sleep(0.1)

    def _curl(self, words: list[str]) -> None:
        """Ask as curl does, with ``-H`` and ``-d``; an answer other than 200 raises HTTPError."""
        parser = argparse.ArgumentParser(prog="curl")
        parser.add_argument("-H", action="append", default=[])
        parser.add_argument("-d")
        parser.add_argument("url")
        args = parser.parse_args(words)
        pairs = (re.sub(r"\$(\w+)", lambda m: self.environment[m[1]], each) for each in args.H)
        headers = dict(each.split(": ", 1) for each in pairs)
        self._ask(args.url.removeprefix(FURNISHED), headers, args.d)

    def _ask(
        self, path: str, headers: dict[str, str] | None = None, data: str | None = None
    ) -> bytes:
        if self.address is None:
            raise GuideError(f"{self.name}.md: {path}\nno service runs")
        url = self.address.partition("/#")[0].rstrip("/") + path
        request = urllib.request.Request(url, data.encode() if data else None, headers or {})
        with urllib.request.urlopen(request, timeout=WAIT) as answer:
            content: bytes = answer.read()
        return content


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("guides", nargs="*", metavar="GUIDE", help=f"of {', '.join(GUIDES)}")
    parser.add_argument("--quick", action="store_true", help="kits at one tempo")
    args = parser.parse_args()
    FORKED.set_forkserver_preload([*IMPORTED])
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each of the workers has a processor
    with tempfile.TemporaryDirectory() as name:
        files = Path(name, "files")
        files.mkdir()
        guide_files.furnish(files)

        def in_its_folder(guide: str) -> str:
            folder = shutil.copytree(files, Path(name, guide), symlinks=True)
            return Guide(guide, folder, args.quick).run()

        try:
            side_by_side.run(in_its_folder, args.guides or GUIDES)
        except GuideError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
