"""A network that scores each tonic and mode for a melody, equivariant to transposition.

It reads the notes once, by their intervals to each other and to the first and last note, and pools
the result for each pitch class. Then the same weights score each tonic: the twelve pitch classes
are rotated so that the tonic comes first. So transposing the melody rotates the scores and changes
nothing else.

Axes: ``B`` pieces, ``K`` tonics, ``P`` pitch classes, ``N`` notes, ``F`` features, ``C`` channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.configs import KeyFinderConfig
from musicae.models.recurrent import GRU
from musicae.models.vocabulary import MODES, TONICS


class KeyFinder(nn.Module):
    """A batch of pieces -> log-probabilities ``(B, 12, 5)`` of tonic and mode."""

    def __init__(self, config: KeyFinderConfig | None = None) -> None:
        super().__init__()
        self.config = config or KeyFinderConfig()
        self.members = nn.ModuleList(_Member(self.config) for _ in range(self.config.members))

    def forward(
        self,
        pitch_class: Tensor,
        notes: Tensor,
        weight: Tensor,
        piece: Tensor,
        *,
        padded: bool = True,
    ) -> Tensor:
        """Score every tonic and mode.

        Args:
            pitch_class: ``(B, N)`` int64, 0 to 11; -1 after the last note.
            notes: ``(B, N, F)`` features of the notes.
            weight: ``(B, N)`` each note's share of the total duration; they sum to 1.
            piece: ``(B, 49)``: the shares of the twelve pitch classes; the lowest voice's first
                and last pitch class and the signature's major tonic, each one-hot; 1 if there is
                harmony, else 0.
            padded: whether some pieces are shorter than ``N``.
        """
        melody = _read(pitch_class, notes, weight, piece, padded=padded)
        scores = torch.stack([member(melody) for member in self.members])  # (M, B, K * modes)
        total = scores.log_softmax(dim=-1).mean(dim=0).log_softmax(dim=-1)
        return total.view(-1, TONICS, len(MODES))


class _Melody(NamedTuple):
    """The inputs of the members for a batch of melodies."""

    notes: Tensor
    """``(B, N, F)`` features of the notes."""
    intervals: tuple[Tensor, ...]
    """Four ``(B, N)``: the interval of each note above the lowest voice's last and first pitch
    class, from the note before, and to the next note, in semitones modulo 12."""
    lengths: Tensor | None
    """``(B,)`` notes of each piece; None if nothing is padded."""
    padding: Tensor
    """``(B, N, 1)`` 0 for a note, a large negative number for padding."""
    time: Tensor
    """``(B, N, 1)`` each note's share of the total duration."""
    by_class: Tensor
    """``(B, P, N)`` 1 if a note has a pitch class, else 0."""
    shares: Tensor
    """``(B, P, 4)`` the features of ``KeyFinder.forward``'s ``piece`` for each pitch class."""
    harmony: Tensor
    """``(B, 1)`` 1 if there is harmony, else 0."""


def _read(
    pitch_class: Tensor, notes: Tensor, weight: Tensor, piece: Tensor, *, padded: bool
) -> _Melody:
    mask = (pitch_class >= 0).to(weight.dtype)
    four, harmony = piece[:, : 4 * TONICS].view(-1, 4, TONICS), piece[:, 4 * TONICS :]
    first, last = four[:, 1].argmax(dim=1), four[:, 2].argmax(dim=1)
    steps = (pitch_class[:, 1:] - pitch_class[:, :-1]) % TONICS
    none = torch.zeros_like(pitch_class[:, :1])
    classes = torch.arange(TONICS, device=notes.device)
    return _Melody(
        notes,
        (
            (pitch_class - last[:, None]) % TONICS,
            (pitch_class - first[:, None]) % TONICS,
            torch.cat([none, steps], dim=1),
            torch.cat([steps * (pitch_class[:, 1:] >= 0), none], dim=1),
        ),
        mask.sum(dim=1).long() if padded else None,
        (mask[..., None] - 1) * 1e9,
        (weight * mask)[..., None],
        (pitch_class[:, None] == classes[:, None]).to(weight.dtype),
        four.transpose(1, 2),
        harmony,
    )


class _Member(nn.Module):
    def __init__(self, config: KeyFinderConfig) -> None:
        super().__init__()
        width = config.width
        self.from_last = nn.Embedding(TONICS, width)
        self.from_first = nn.Embedding(TONICS, width)
        self.before = nn.Embedding(TONICS, width)
        self.after = nn.Embedding(TONICS, width)
        self.embed = nn.Linear(config.n_features, width)
        self.gru = GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.value = nn.Linear(width, config.gathered)
        self.gate = nn.Linear(width, config.gathered)
        self.dropout = nn.Dropout(config.dropout)
        # For each pitch class: pooled channels, share of the duration, four features of the piece.
        seen = TONICS * (config.gathered + 1 + 4)
        self.whole = nn.Linear(seen + width + 1, config.hidden)
        self.score = nn.Linear(config.hidden, len(MODES))

    def forward(self, read: _Melody) -> Tensor:
        """``(B, K * modes)`` the scores of the keys."""
        last, first, before, after = read.intervals
        x = (
            self.embed(read.notes)
            + self.from_last(last)
            + self.from_first(first)
            + self.before(before)
            + self.after(after)
        )
        x = self.dropout(F.gelu(x))
        x = self.gru(x)[0] if read.lengths is None else self._packed(x, read.lengths)
        gate = (self.gate(x) + read.padding).softmax(dim=1)
        values = torch.cat([(gate + read.time) * self.value(x), read.time], dim=2)
        gathered = read.by_class @ values  # (B, P, C + 1)
        classes = torch.cat([gathered, read.shares], dim=2)
        tonics = torch.arange(TONICS, device=x.device)
        places = (tonics[:, None] + tonics) % TONICS  # (K, P): the pitch classes up from each tonic
        overall = torch.cat([(read.time * x).sum(dim=1), read.harmony], dim=1)[:, None]
        # (B, K, P, channels) -> (B, K, P * channels)
        turned = classes[:, places].reshape(-1, TONICS, TONICS * classes.shape[2])
        seen = torch.cat([turned, torch.cat([overall] * TONICS, dim=1)], dim=2)
        hidden = F.gelu(self.whole(self.dropout(seen)))
        scores: Tensor = self.score(self.dropout(hidden))  # (B, K, modes)
        return scores.reshape(-1, TONICS * len(MODES))

    def _packed(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``(B, N, C)`` the output of the recurrent layer for the first ``lengths`` notes of each
        piece."""
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        found = nn.utils.rnn.pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return found[0]
