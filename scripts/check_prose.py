"""Check spelling and plain English: ``python scripts/check_prose.py [FILE...]``.

Reads the documents, the comments, docstrings and messages of the Python code, the notebooks, and
the page's sources, and refuses a short list of patterns that readers had to decode. codespell
checks the spelling of documents, docstrings and comments. Exits with 1 where it finds something,
and prints a line for each place.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
KINDS = ("*.md", "*.py", "*.ipynb", "*.ts", "*.tsx", "*.cff")
PATTERNS = {
    r"what (it|he|she|they|\w+) makes? of": "name the result",
    r"(of|in|on|from|by|with|for|until|at|to) whose": "begin a new sentence",
    r"of which": "begin a new sentence, or 'whose', 'that'",
    r"(until|from|beyond|after|before|under|over) which": "begin a new sentence",
    r"from which on": "'from ... on', or 'the first ... that'",
    r"by heart": "name the method",
    r"nothing presses": "'the weight is 0'",
    r"next to (no|nothing)\b": "'few', 'little'",
    r"for so many": "give the number or its name",
    r"what is there": "name it",
    r"as far as it goes": "give the limit",
    r"whence|thereof|therein|wherein|whereof|hitherto": "an everyday word",
    r"anew": "'again'",
    r"(network|model|encoder|harmonizer|planner|decoder) (hears|heard|sings|knows nothing)": (
        "'reads', 'encodes', 'writes'"
    ),
    r"(is|are|was|were) told to (it|the)": "'conditions the model on'",
    r"a way (has|of|through|from|between)": "'a path', 'an interpolation'",
    r"what is (asked|told|given|known) of": "name it",
}
"""Regular expressions that are not to come back, and what to write instead."""
EXEMPT = ("scripts/check_prose.py",)
"""Files that have to quote the patterns."""
NAMES = ("Excell",)
"""Names that codespell takes for slips."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The pieces of prose in a file, each with the number of its first line."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        for cell in json.loads(content)["cells"]:
            if cell["cell_type"] == "markdown":
                yield 1, "".join(cell["source"])
    elif path.suffix != ".py":
        yield 1, content
    else:
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
        yield from _comments(content)


def _comments(content: str) -> Iterator[tuple[int, str]]:
    """Each block of comments as one text."""
    block: list[str] = []
    begin = last = 0
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if block and line != last + 1:
            yield begin, "\n".join(block)
            block = []
        if not block:
            begin = line
        block.append(token.string.lstrip("# "))
        last = line
    if block:
        yield begin, "\n".join(block)


def found(path: Path) -> Iterator[str]:
    """A line for each pattern that a file has."""
    for first, text in texts(path):
        for pattern, instead in PATTERNS.items():
            spaced = r"\b" + pattern.replace(" ", r"[\s#/*>]+") + r"\b"
            for match in re.finditer(spaced, text, re.IGNORECASE):
                line = first + text.count("\n", 0, match.start())
                words = " ".join(match[0].split())
                yield f"{path.relative_to(ROOT)}:{line}: {words!r}; better: {instead}"


def misspelled(files: list[Path]) -> bool:
    """Whether codespell finds a slip in the documents, docstrings or comments; it prints each."""
    with tempfile.TemporaryDirectory() as name:
        for path in files:
            if (
                path.suffix in (".md", ".py") and TESTS not in path.parents
            ):  # tests quote all languages
                copy = Path(name, path.relative_to(ROOT))
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(_spelled(path), encoding="utf-8")
        command = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", ",".join(NAMES)]
        return subprocess.run([*command, "."], cwd=name, check=False).returncode != 0


def _spelled(path: Path) -> str:
    """The lines of a file, those of code empty."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return content
    lines = [""] * (content.count("\n") + 1)
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            for i, line in enumerate(str(node.value.value).split("\n"), start=node.lineno - 1):
                lines[i] = line
    for first, text in _comments(content):
        for i, line in enumerate(text.split("\n"), start=first - 1):
            lines[i] = line
    return "\n".join(lines)


def tracked() -> list[Path]:
    """The files of the repository that have prose."""
    listed = subprocess.run(
        ["git", "ls-files", *KINDS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = (ROOT / name for name in listed.stdout.splitlines() if name not in EXEMPT)
    return [path for path in paths if path.is_file() and "built" not in path.parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all")
    files = [path.resolve() for path in parser.parse_args().files] or tracked()
    lines = [line for path in files for line in found(path)]
    print("\n".join(lines), end="\n" if lines else "")
    sys.exit(1 if misspelled(files) or lines else 0)


if __name__ == "__main__":
    main()
