"""The settings of every kind of model: plain data, read without torch."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.models.vocabulary import COLUMNS, POOLS


@dataclass(frozen=True)
class MiniBachConfig:
    """The sizes of MiniBach's layers. Raises ValueError where one is below 1."""

    inputs: int
    """Length of the flattened one-hot soprano: steps times the soprano's symbols."""
    outputs: int
    """Length of the flattened one-hot accompaniment: steps times the symbols of A, T and B."""
    hidden: int = 200
    """Units of the hidden layer; 200 in the book."""

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs, self.hidden) < 1:
            raise ValueError(f"every layer has at least one unit: {self}")


@dataclass(frozen=True)
class AutoencoderConfig:
    """The sizes of the layers. Raises ValueError unless they narrow towards the bottleneck."""

    inputs: int
    """Length of the flattened one-hot piece, input and output: steps times all symbols."""
    hidden: int = 200
    """Units of the hidden layers before and after the bottleneck."""
    bottleneck: int = 64
    """Units of the code."""

    def __post_init__(self) -> None:
        if not 1 <= self.bottleneck <= self.hidden <= self.inputs:
            raise ValueError(f"layers narrow towards the bottleneck: {self}")


@dataclass(frozen=True)
class VoiceTransformerConfig:
    """Vocabulary and layer sizes. Raises ValueError where they contradict each other."""

    lowest: tuple[int, ...]
    """The lowest MIDI pitch of each voice, S A T B."""
    symbols: tuple[int, ...]
    """The number of symbols of each voice."""
    order: tuple[int, ...]
    """The order in which the voices of a step are written."""
    context: tuple[int, ...]
    """The number of values of each column of the context."""
    width: int = 256
    """A multiple of twice ``heads``."""
    encoder_layers: int = 3
    decoder_layers: int = 3
    head_layers: int = 2
    heads: int = 4
    stride: int = 2
    """Steps of a frame: attention is over frames, symbols are written step by step."""
    span: int = 32
    """Frames to which a layer attends on either side."""
    depth: int = 32
    """Length of the vectors whose dot products score a pitch."""
    dropout: float = 0.3
    chords: tuple[tuple[int, ...], ...] = ()
    """The members of each quality of the chords of a plan, in semitones above the root; none where
    the model follows no plan. With them the context ends with ``models.chords.COLUMNS``."""

    def __post_init__(self) -> None:
        # JSON turns tuples into lists.
        object.__setattr__(self, "chords", tuple(tuple(members) for members in self.chords))
        for name in ("lowest", "symbols", "order", "context"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.lowest) == len(self.symbols) == len(self.order):
            raise ValueError("lowest, symbols and order speak of the same voices")
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"each voice has its turn once, not {self.order}")
        if min(self.stride, self.span, self.depth, self.heads) < 1:
            raise ValueError(f"stride, span, depth and heads are at least 1: {self}")
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads do not share a width of {self.width} evenly")
        if self.chords and len(self.context) < len(COLUMNS):
            raise ValueError(f"the context of a model that follows a plan ends with {COLUMNS}")
        if not 0 <= self.dropout <= 0.9:
            raise ValueError(f"dropout is a share up to 0.9, not {self.dropout}")


class HarmonizerConfig(VoiceTransformerConfig):
    """The settings of ``VoiceTransformer``; there are no others."""


@dataclass(frozen=True)
class ChoraleVAEConfig(VoiceTransformerConfig):
    """Layer sizes. Raises ValueError where they contradict each other."""

    piece: int = 48
    """Dimensions of the piece's latent vector."""
    beat: int = 8
    """Dimensions of each beat's latent vector."""
    mode: int = 0
    """The column of the context that holds the mode: 0 in major, 1 in minor."""
    styles: int = 1
    """Styles of pieces, no style among them."""
    prior_layers: int = 1
    """Causal layers of the prior, over beats."""
    components: int = 8
    """Normal distributions that the prior of a beat mixes."""
    planner: int = 128
    """Units of the plan's recurrent layers in each direction."""
    lead_layers: int = 1
    """Layers over frames that turn latent vectors into the decoder's conditioning."""
    beat_span: int = 64
    """Beats to which the prior attends."""
    tilt: tuple[int, ...] = (0,)
    """The shape of ``ChoraleVAE.tilt``: voices, places in a beat, kinds of motion."""
    sonority_tilt: tuple[int, ...] = (0,)
    """The shape of ``ChoraleVAE.sonority_tilt``: places in a beat, classes of sonorities."""
    plan_tilt: int = 0
    """The length of ``ChoraleVAE.plan_tilt``."""
    levers: int = 0
    """The number of levers, which sliders move besides the vectors."""
    sliders: tuple[str, ...] = ()
    """The names of the rows of ``ChoraleVAE.directions``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sliders", tuple(self.sliders))
        object.__setattr__(self, "tilt", tuple(self.tilt))
        object.__setattr__(self, "sonority_tilt", tuple(self.sonority_tilt))
        sizes = (self.piece, self.beat, self.prior_layers, self.lead_layers, self.beat_span)
        if min(*sizes, self.components, self.planner, self.styles) < 1:
            raise ValueError(f"all sizes are at least 1: {self}")
        if not self.chords:
            raise ValueError("a VAE follows the plan that it finds: it knows chords")
        if self.width % POOLS:
            raise ValueError(f"a width is a multiple of {POOLS}, not {self.width}")

    @property
    def form(self) -> tuple[int, ...]:
        """The number of values of each column of the context that tells of the form alone."""
        return self.context[: -len(COLUMNS)]

    @property
    def states(self) -> tuple[tuple[int, int, int, int], ...]:
        """The chords of a plan, as ``ChordPlannerConfig.states``: all of every quality."""
        every = [
            (root, quality, place, (root + member) % 12)
            for quality, members in enumerate(self.chords)
            for place, member in enumerate(members)
            for root in range(12)
        ]
        return (*every, (0, len(self.chords), 0, 0))

    @property
    def beyond(self) -> int:
        """Steps of silence to append to a piece, as many as bidirectional layers look ahead.

        With these, padding a piece further changes none of its numbers.
        """
        return self.stride * self.span * max(self.encoder_layers, self.lead_layers)


@dataclass(frozen=True)
class ChordPlannerConfig:
    """The size of a planner and the chords that it knows."""

    features: int
    """Numbers a beat that it reads."""
    states: tuple[tuple[int, int, int, int], ...]
    """Of each chord the root (0 to 11), quality (from 0), bass member and bass pitch class. The
    last state stands for all other chords: ``(0, qualities, 0, 0)``."""
    modes: tuple[int, int] = (0, 1)
    """The features that say that a piece is in major and in minor."""
    width: int = 128
    """Units of the recurrent layers in each direction."""
    layers: int = 2
    """Recurrent layers."""
    tables: int = 6
    """Transition tables that are mixed."""
    rank: int = 12
    """Of the part of each table that it does not share."""
    dropout: float = 0.4
    """Between layers, while training."""
    members: int = 1
    """Networks whose log potentials are averaged."""
    second_width: int = 0
    """Units of the network for second chords of beats; 0 for a planner without them."""

    def __post_init__(self) -> None:
        states = tuple(tuple(int(value) for value in state) for state in self.states)
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "modes", tuple(self.modes))
        if min(self.width, self.layers, self.tables, self.rank, self.members) < 1:
            raise ValueError("sizes are 1 at least")
        if len(states) < 2 or any(len(state) != 4 for state in states):
            raise ValueError("a state is root, quality, bass member and bass pitch class")


@dataclass(frozen=True)
class KeyFinderConfig:
    """Sizes of a key finder."""

    n_features: int = 12
    """Features of a note beside its pitch class."""
    width: int = 48
    """Channels of the notes; half of them run forwards, half backwards."""
    gathered: int = 16
    """Channels of each pitch class."""
    hidden: int = 64
    """Channels of the layer between the whole piece and the scores."""
    dropout: float = 0.3
    """Share of channels dropped while training."""
    members: int = 1
    """Networks whose log-probabilities are averaged."""

    def __post_init__(self) -> None:
        sizes = (self.n_features, self.width, self.gathered, self.hidden, self.members)
        if self.width % 2 or min(sizes) < 1:
            raise ValueError("sizes are at least 1 and width is even")


@dataclass(frozen=True)
class PhraseSegmenterConfig:
    """Sizes of a phrase segmenter."""

    n_features: int = 191
    """Features of a note."""
    width: int = 64
    """Channels of the network."""
    rounds: int = 2
    """Rounds of convolution and attention."""
    kernel: int = 5
    """Neighbouring notes that a convolution sees; odd."""
    heads: int = 4
    """Heads of attention; they divide ``width``."""
    farthest: int = 16
    """Bars beyond which a distance is no farther."""
    dropout: float = 0.3
    """Share of channels dropped while training."""
    members: int = 1
    """Networks whose logits are averaged."""

    def __post_init__(self) -> None:
        if self.width % self.heads or self.kernel % 2 == 0:
            raise ValueError("width is a multiple of heads, and kernel is odd")
        if min(self.n_features, self.rounds, self.members, self.farthest) < 1:
            raise ValueError("sizes are at least 1")
