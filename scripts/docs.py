"""Build the documentation: ``python3 scripts/docs.py``, then open site/index.html.

With ``--serve`` it is served at http://127.0.0.1:8000 and built again after each change.
"""

from __future__ import annotations

import argparse
import os

import environment


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--serve", action="store_true", help="serve it, and follow changes")
    serve = parser.parse_args().serve
    environment.prepare("[docs,studio]")
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # the versions are pinned
    os.chdir(environment.ROOT)
    # click 8.3 takes --livereload for off unless it is said
    environment.run("mkdocs", *(["serve", "--livereload"] if serve else ["build"]))


if __name__ == "__main__":
    main()
