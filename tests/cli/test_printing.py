"""What the command prints about a piece that it wrote."""

from pathlib import Path

from musicae.api.piece import Piece
from musicae.cli.printing import print_written
from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.daw.written import Written

FACTS = {
    "model": "harmonizer",
    "checksum": "0" * 64,
    "seed": 0,
    "temperature": 0.0,
    "version": "0",
    "key": "D major",
}
TO_G = [[(0, 4, 74), (4, 4, 74)], [(0, 4, 69), (4, 4, 71)], [(0, 4, 66), (4, 4, 67)]]


def test_the_summary_says_when_a_piece_does_not_end_in_its_key(capsys):
    chorale = Chorale.from_notes([*TO_G, [(0, 4, 50), (4, 4, 55)]], key=Key(2))
    print_written([Written.of(Path("ode.mid"), Piece(chorale, FACTS))], [], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "  ends on IV, not on the tonic of D major" in lines
    assert any(line.endswith("beyond Bach: the last chord") for line in lines)
