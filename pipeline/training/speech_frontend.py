"""What the speech network is given in training: log-mel frames, or the states of a trunk.

Both kinds of training share one loop, one set of targets and one set of losses; here lies all that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from ..encoders.hearing_network import stacked
from ..encoders.log_mel import level
from ..posteriors import FRAME
from .speech_augmentation import masked
from .speech_batches import Batch, Example, collate, examples, fits, with_targets
from .speech_corpus import SpeechCorpus
from .wave_augmentation import augmented, masked_states

if TYPE_CHECKING:
    from ..encoders.speech_trunk import Trunk, TrunkIdentity


class Frontend(Protocol):
    """What turns utterances into what the network takes.

    Attributes:
        identity: Of the trunk, if there is one.
    """

    identity: TrunkIdentity | None

    def examples(self, corpus: SpeechCorpus) -> list[Example]:
        """All utterances of a corpus that are neither too long nor too short."""
        ...

    def batch(self, chosen: Sequence[Example], generator: torch.Generator | None = None, views: int = 1) -> Batch:
        """A batch as the network takes it.

        Args:
            generator: Changes each utterance at random, and hides parts of it. As they are without one.
            views: How often each utterance is in it, each time with other parts hidden.
        """
        ...


class LogMel:
    """Levelled log-mel frames, changed at random as such: cheap enough for a network that is small itself."""

    identity: TrunkIdentity | None = None

    def examples(self, corpus: SpeechCorpus) -> list[Example]:
        return examples(corpus)

    def batch(self, chosen: Sequence[Example], generator: torch.Generator | None = None, views: int = 1) -> Batch:
        made = collate(chosen, generator).repeated(views)
        mel = level(made.sound, made.valid)
        return replace(made, sound=mel if generator is None else masked(mel, made.lengths, generator))


class TrunkStates:
    """The states of a frozen trunk. Each utterance is changed at random as sound and heard alone, as in use.

    Args:
        trunk: Already where it shall run.
    """

    def __init__(self, trunk: Trunk, device: str) -> None:
        self.identity: TrunkIdentity | None = trunk.identity
        self._trunk, self._device = trunk, torch.device(device)

    def examples(self, corpus: SpeechCorpus) -> list[Example]:
        return [
            Example(torch.from_numpy(corpus.pcm(number).astype("int16")), utterance)
            for number, utterance in enumerate(corpus.utterances)
            if fits(utterance)
        ]

    def batch(self, chosen: Sequence[Example], generator: torch.Generator | None = None, views: int = 1) -> Batch:
        sounds = [example.sound.float() / 32768 for example in chosen]
        tempo = torch.ones(len(chosen))
        if generator is not None:
            sounds, tempo = augmented(sounds, generator)
        with torch.no_grad(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            states, _ = stacked([self._trunk.states(one.to(self._device)) for one in sounds])
        lengths = torch.tensor([len(one) // FRAME * 2 for one in sounds])
        made = with_targets(states, lengths, chosen, tempo).repeated(views)
        return made if generator is None else replace(made, sound=masked_states(made.sound, made.lengths, generator))


def load_frontend(trunk: str, device: str) -> Frontend:
    """Log-mel frames, or what a speech model of ``transformers`` makes of sound.

    Args:
        trunk: Hub id or folder; empty for log-mel frames.

    Raises:
        ModelError: It cannot be loaded, or is of another kind.
    """
    if not trunk:
        return LogMel()
    from ..encoders.speech_trunk import load_trunk

    return TrunkStates(load_trunk(trunk).to(device), device)
