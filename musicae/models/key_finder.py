"""A network that scores each tonic and mode for a melody, the same way for each tonic.

It reads the notes once, by their intervals to one another and to the last note, and gathers what
it has read by pitch class; then it looks at the twelve pitch classes from each tonic in turn with
the same weights. So transposing the melody moves the scores and changes nothing else. Axes: ``B``
pieces, ``K`` tonics, ``P`` pitch classes, ``N`` notes, ``F`` features, ``C`` channels.
"""

from __future__ import annotations

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
            pitch_class: ``(B, N)``, -1 after the last note.
            notes: ``(B, N, F)`` features of the notes.
            weight: ``(B, N)`` shares of the time, which add up to 1.
            piece: ``(B, 49)`` twelve shares of pitch classes; one-hot of the lowest voice's first
                and last pitch class and of the signature's major tonic; whether there is harmony.
            padded: whether pieces may be shorter than ``N``.
        """
        scores = [member(pitch_class, notes, weight, piece, padded) for member in self.members]
        return torch.stack(scores).mean(dim=0).flatten(1).log_softmax(dim=1).view_as(scores[0])


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
        # Of each pitch class: what was gathered, its share in the melody, and four of the piece.
        seen = TONICS * (config.gathered + 1 + 4)
        self.whole = nn.Linear(seen + width + 1, config.hidden)
        self.score = nn.Linear(config.hidden, len(MODES))

    def forward(
        self, pitch_class: Tensor, notes: Tensor, weight: Tensor, piece: Tensor, padded: bool
    ) -> Tensor:
        batch = len(pitch_class)
        mask = pitch_class >= 0
        four, harmony = piece[:, : 4 * TONICS].view(batch, 4, TONICS), piece[:, 4 * TONICS :]
        first, last = four[:, 1].argmax(dim=1), four[:, 2].argmax(dim=1)
        steps = (pitch_class[:, 1:] - pitch_class[:, :-1]) % TONICS
        x = (
            self.embed(notes)
            + self.from_last((pitch_class - last[:, None]) % TONICS)
            + self.from_first((pitch_class - first[:, None]) % TONICS)
            + self.before(F.pad(steps, (1, 0)))
            + self.after(F.pad(steps, (0, 1)) * F.pad(mask[:, 1:], (0, 1)))
        )
        x = self.dropout(F.gelu(x))
        x = self._packed(x, mask.sum(dim=1)) if padded else self.gru(x)[0]
        gate = self.gate(x).masked_fill(~mask[..., None], -1e9).softmax(dim=1)
        time = (weight * mask)[..., None]  # (B, N, 1)
        values = torch.cat([(gate + time) * self.value(x), time], dim=2)
        by_class = F.one_hot(pitch_class.clamp_min(0), TONICS).to(values.dtype)  # (B, N, P)
        gathered = by_class.transpose(1, 2) @ values  # (B, P, C + 1)
        classes = torch.cat([gathered, four.transpose(1, 2)], dim=2)
        tonics = torch.arange(TONICS, device=notes.device)
        places = (tonics[:, None] + tonics) % TONICS  # (K, P): the classes from each tonic up
        turned = classes[:, places].flatten(2)  # (B, K, P * channels)
        overall = torch.cat([(time * x).sum(dim=1), harmony], dim=1)
        seen = torch.cat([turned, overall[:, None].expand(-1, TONICS, -1)], dim=2)
        hidden = F.gelu(self.whole(self.dropout(seen)))
        scores: Tensor = self.score(self.dropout(hidden))  # (B, K, modes)
        return scores.flatten(1).log_softmax(dim=1).view_as(scores)

    def _packed(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What the recurrent layers find in ``(B, N, C)`` of which ``lengths`` notes are read."""
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        found = nn.utils.rnn.pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return found[0]
