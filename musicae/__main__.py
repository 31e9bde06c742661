"""``python -m musicae`` is the command ``musicae``."""

from musicae.cli import main

if __name__ == "__main__":
    main()
