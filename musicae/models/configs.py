"""The settings of every kind of model: plain data, read without torch."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.models.vocabulary import COLUMNS, POOLS


@dataclass(frozen=True)
class MiniBachConfig:
    """The sizes of MiniBach's layers. Raises ValueError if one is below 1."""

    inputs: int
    """Length of the flattened one-hot soprano: steps times the soprano's symbols."""
    outputs: int
    """Length of the flattened one-hot accompaniment: steps times the symbols of A, T and B."""
    hidden: int = 200
    """Units of the hidden layer; 200 as in Briot, Hadjeres and Pachet 2020."""

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs, self.hidden) < 1:
            raise ValueError(f"every layer needs at least one unit: {self}")


@dataclass(frozen=True)
class AutoencoderConfig:
    """The sizes of the layers.

    Raises ValueError unless ``1 <= bottleneck <= hidden <= inputs``.
    """

    inputs: int
    """Length of the flattened one-hot piece, input and output: steps times all symbols."""
    hidden: int = 200
    """Units of the hidden layers before and after the bottleneck."""
    bottleneck: int = 64
    """Units of the code."""

    def __post_init__(self) -> None:
        if not 1 <= self.bottleneck <= self.hidden <= self.inputs:
            raise ValueError(f"layers must narrow towards the bottleneck: {self}")


@dataclass(frozen=True)
class VoiceTransformerConfig:
    """Vocabulary and layer sizes. Raises ValueError if they contradict each other."""

    lowest: tuple[int, ...]
    """The lowest MIDI pitch of each voice, S A T B."""
    symbols: tuple[int, ...]
    """The number of symbols of each voice."""
    order: tuple[int, ...]
    """The order in which the voices of a step are written."""
    context: tuple[int, ...]
    """The number of values of each column of the context."""
    width: int = 256
    """Channels of the layers; a multiple of ``2 * heads``."""
    encoder_layers: int = 3
    """Transformer layers of the encoder."""
    decoder_layers: int = 3
    """Transformer layers of the decoder."""
    head_layers: int = 2
    """Feedforward layers before the scores of the symbols."""
    heads: int = 4
    """Attention heads of each layer."""
    stride: int = 2
    """Steps in a frame: attention is over frames, symbols are written step by step."""
    span: int = 32
    """Frames on either side to which a layer attends."""
    depth: int = 32
    """Length of the vectors whose dot products score a pitch."""
    dropout: float = 0.3
    """Dropout rate in training, 0 to 0.9."""
    chords: tuple[tuple[int, ...], ...] = ()
    """The members of each chord quality of a plan, in semitones above the root; empty if the model
    follows no plan. If not empty, the context ends with ``models.vocabulary.COLUMNS``."""

    def __post_init__(self) -> None:
        # JSON turns tuples into lists.
        object.__setattr__(self, "chords", tuple(tuple(members) for members in self.chords))
        for name in ("lowest", "symbols", "order", "context"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.lowest) == len(self.symbols) == len(self.order):
            raise ValueError("lowest, symbols and order must have one entry for each voice")
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order must have each voice once, not {self.order}")
        if min(self.stride, self.span, self.depth, self.heads) < 1:
            raise ValueError(f"stride, span, depth and heads must be at least 1: {self}")
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of twice the {self.heads} heads, not {self.width}"
            )
        if self.chords and len(self.context) < len(COLUMNS):
            raise ValueError(f"the context of a model that follows a plan must end with {COLUMNS}")
        if not 0 <= self.dropout <= 0.9:
            raise ValueError(f"dropout must be between 0 and 0.9, not {self.dropout}")


class HarmonizerConfig(VoiceTransformerConfig):
    """The settings of the harmonizer: those of ``VoiceTransformer`` and no others."""


@dataclass(frozen=True)
class ChoraleVAEConfig(VoiceTransformerConfig):
    """Layer sizes. Raises ValueError if they contradict each other."""

    piece: int = 48
    """Dimensions of the piece's latent vector."""
    beat: int = 8
    """Dimensions of each beat's latent vector."""
    mode: int = 0
    """The index of the context column that holds the mode: 0 is major, 1 is minor."""
    styles: int = 1
    """The number of styles of pieces; "no style" counts as one of them."""
    prior_layers: int = 1
    """Causal transformer layers of the prior, over beats."""
    components: int = 8
    """Normal distributions in the mixture that is the prior of a beat's vector."""
    planner: int = 128
    """Units of the plan's recurrent layers in each direction."""
    lead_layers: int = 1
    """Transformer layers over frames that turn latent vectors into the decoder's conditioning."""
    beat_span: int = 64
    """Earlier beats to which the prior attends."""
    tilt: tuple[int, ...] = (0,)
    """The shape of ``ChoraleVAE.tilt``: voices, places in a beat, kinds of motion."""
    sonority_tilt: tuple[int, ...] = (0,)
    """The shape of ``ChoraleVAE.sonority_tilt``: places in a beat, classes of sonorities."""
    plan_tilt: int = 0
    """The length of ``ChoraleVAE.plan_tilt``."""
    levers: int = 0
    """The number of levers that sliders move besides the vectors; see ``decoding.levers``."""
    sliders: tuple[str, ...] = ()
    """The names of the rows of ``ChoraleVAE.directions``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sliders", tuple(self.sliders))
        object.__setattr__(self, "tilt", tuple(self.tilt))
        object.__setattr__(self, "sonority_tilt", tuple(self.sonority_tilt))
        sizes = (self.piece, self.beat, self.prior_layers, self.lead_layers, self.beat_span)
        if min(*sizes, self.components, self.planner, self.styles) < 1:
            raise ValueError(f"all sizes must be at least 1: {self}")
        if not self.chords:
            raise ValueError("a VAE follows a plan, so chords must not be empty")
        if self.width % POOLS:
            raise ValueError(f"width must be a multiple of {POOLS}, not {self.width}")

    @property
    def form(self) -> tuple[int, ...]:
        """The number of values of each context column that describes the form, not the plan."""
        return self.context[: -len(COLUMNS)]

    @property
    def states(self) -> tuple[tuple[int, int, int, int], ...]:
        """The chords of a plan in the format of ``ChordPlannerConfig.states``.

        They are all inversions of each quality on each root, and one state for all other chords.
        """
        every = [
            (root, quality, place, (root + member) % 12)
            for quality, members in enumerate(self.chords)
            for place, member in enumerate(members)
            for root in range(12)
        ]
        return (*every, (0, len(self.chords), 0, 0))

    @property
    def beyond(self) -> int:
        """Steps of silence to append to a piece: as many as bidirectional layers look ahead.

        After that, more padding does not change the outputs for the piece.
        """
        return self.stride * self.span * max(self.encoder_layers, self.lead_layers)


@dataclass(frozen=True)
class ChordPlannerConfig:
    """The sizes of a planner and the chords that it can choose. Raises ValueError if one is out of
    range."""

    features: int
    """Input features for each beat."""
    states: tuple[tuple[int, int, int, int], ...]
    """For each chord its root (0 to 11), quality (from 0), bass member and bass pitch class. The
    last state stands for all other chords: ``(0, qualities, 0, 0)``."""
    modes: tuple[int, int] = (0, 1)
    """The indices of the features that are 1 if a piece is in major, and in minor."""
    width: int = 128
    """Units of the recurrent layers in each direction."""
    layers: int = 2
    """Recurrent layers."""
    tables: int = 6
    """Transition tables in the mixture."""
    rank: int = 12
    """Rank of the matrix that each table adds to the part that all tables share."""
    dropout: float = 0.4
    """Dropout rate between layers, in training."""
    members: int = 1
    """Networks whose log potentials are averaged."""
    second_width: int = 0
    """Units of the network for second chords of beats; 0 for a planner without second chords."""

    def __post_init__(self) -> None:
        states = tuple(tuple(int(value) for value in state) for state in self.states)
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "modes", tuple(self.modes))
        if min(self.width, self.layers, self.tables, self.rank, self.members) < 1:
            raise ValueError("width, layers, tables, rank and members must be at least 1")
        if len(states) < 2 or any(len(state) != 4 for state in states):
            raise ValueError(
                "states must be two or more of (root, quality, bass member, bass pitch class)"
            )


@dataclass(frozen=True)
class KeyFinderConfig:
    """Sizes of a key finder. Raises ValueError if one is out of range."""

    n_features: int = 12
    """Features of a note besides its pitch class."""
    width: int = 48
    """Channels of the notes: half of them for each direction of the recurrent layer. Even."""
    gathered: int = 16
    """Channels that are pooled for each pitch class."""
    hidden: int = 64
    """Channels of the layer between the whole piece and the scores."""
    dropout: float = 0.3
    """Dropout rate in training."""
    members: int = 1
    """Networks whose log-probabilities are averaged."""

    def __post_init__(self) -> None:
        sizes = (self.n_features, self.width, self.gathered, self.hidden, self.members)
        if self.width % 2 or min(sizes) < 1:
            raise ValueError("all sizes must be at least 1, and width must be even")


@dataclass(frozen=True)
class PhraseSegmenterConfig:
    """Sizes of a phrase segmenter. Raises ValueError if one is out of range."""

    n_features: int = 191
    """Features of a note."""
    width: int = 64
    """Channels of the network."""
    rounds: int = 2
    """Rounds of convolution and attention."""
    kernel: int = 5
    """Notes that a convolution reads at once; odd."""
    heads: int = 4
    """Attention heads; a divisor of ``width``."""
    farthest: int = 16
    """Distances between notes are clipped to this many bars."""
    dropout: float = 0.3
    """Dropout rate in training."""
    members: int = 1
    """Networks whose logits are averaged."""

    def __post_init__(self) -> None:
        if self.width % self.heads or self.kernel % 2 == 0:
            raise ValueError("width must be a multiple of heads, and kernel must be odd")
        if min(self.n_features, self.rounds, self.members, self.farthest) < 1:
            raise ValueError("n_features, rounds, members and farthest must be at least 1")
