"""``python -m musicae`` runs the command ``musicae``."""

from musicae.cli import main

if __name__ == "__main__":
    main()
