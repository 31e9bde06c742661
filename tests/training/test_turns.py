"""The pieces of an epoch, and its batches."""

from collections import Counter
from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from musicae.training.turns import OTHERS, Turns, batches_by_length


def test_pieces_by_others_take_turns():
    """An epoch takes some of many pieces, and all pieces come equally often."""
    turns = Turns(by_bach=2, others=8)
    assert turns.by_others == round(OTHERS * 2) == 3
    drawn = Counter()
    for epoch in range(8):
        found = [turns.piece_of(index, (7, epoch)) for index in range(2 + turns.by_others)]
        assert found[:2] == [0, 1]
        assert len(set(found)) == 5 or epoch % 8 in (2, 5)  # a turn may end within an epoch
        drawn.update(found[2:])
    assert drawn == dict.fromkeys(range(2, 10), 3)
    assert [turns.piece_of(index, ()) for index in range(10)] == list(range(10))


@given(st.integers(1, 6), st.integers(1, 20), st.integers(0, 99))
def test_a_turn_has_every_piece_once(by_bach, others, seed):
    turns = Turns(by_bach, others)
    places = range(by_bach, by_bach + turns.by_others)
    drawn = [turns.piece_of(i, (seed, epoch)) for epoch in range(others) for i in places]
    for turn in range(turns.by_others):
        part = drawn[turn * others : (turn + 1) * others]
        assert sorted(part) == list(range(by_bach, by_bach + others))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 5), st.integers(0, 9))
def test_batches_have_every_piece_once_and_similar_lengths(lengths, size, seed):
    lengths = torch.tensor(lengths)
    order = torch.randperm(len(lengths), generator=torch.Generator().manual_seed(seed))
    batches = batches_by_length(order, lengths[order], size, (seed,))
    assert sorted(torch.cat(batches).tolist()) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    if len(lengths) <= 8 * size:  # one pool: no two batches overlap in length
        spans = sorted((lengths[b].min().item(), lengths[b].max().item()) for b in batches)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
    again = batches_by_length(order, lengths[order], size, (seed,))
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
