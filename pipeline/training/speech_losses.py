"""What the speech network is taught by: a loss at every scale, and agreement with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from ..encoders.speech_network import Heard
from ..phones import BLANK
from .speech_batches import Batch

if TYPE_CHECKING:
    from .speech import SpeechRecipe

FRAMES_A_PHONE: Final = 9.0
"""Log-mel frames that a phone usually takes."""


def loss_of(heard: Heard, batch: Batch, recipe: SpeechRecipe) -> Tensor:
    """A loss at every scale, weighed and summed."""
    loss = _ctc(heard.phones, batch, 2) + recipe.coarse_weight * _ctc(heard.coarse_phones, batch, 4)
    if recipe.frames_weight and bool((batch.labels >= 0).any()):
        loss = loss + recipe.frames_weight * framewise(heard, batch)
    known = ~batch.rate.isnan()
    if recipe.rate_weight and bool(known.any()) and heard.rate.shape[1] == batch.rate.shape[1]:
        loss = loss + recipe.rate_weight * torch.nn.functional.smooth_l1_loss(
            heard.rate.float()[known], batch.rate[known]
        )
    if recipe.consistency_weight:
        loss = loss + recipe.consistency_weight * consistency(heard.phones, batch)
    return loss


def framewise(heard: Heard, batch: Batch) -> Tensor:
    """Cross-entropy of the phone, or silence, that each frame belongs to, where that is known."""
    return torch.nn.functional.cross_entropy(
        heard.frames.flatten(0, 1).float(), batch.labels.flatten(), ignore_index=-100, label_smoothing=0.05
    )


def _ctc(logits: Tensor, batch: Batch, stride: int) -> Tensor:
    """Connectionist temporal classification (Graves et al., 2006), mean over phones."""
    lengths = (batch.lengths // stride).clamp(max=logits.shape[1])
    chances = logits.float().log_softmax(-1).transpose(0, 1)
    lost = torch.nn.functional.ctc_loss(
        chances, batch.phones, lengths, batch.counts, BLANK, reduction="none", zero_infinity=True
    )
    return (lost / _sayable(batch)).mean()


def _sayable(batch: Batch) -> Tensor:
    """Phones of each utterance; where there are none, as many as could have been said. *Shape:* (B,)"""
    return torch.where(batch.counts > 0, batch.counts, (batch.lengths / FRAMES_A_PHONE).clamp(min=1))


def consistency(logits: Tensor, batch: Batch) -> Tensor:
    """How differently the same sound is heard under two masks (CR-CTC: Yao et al., ICLR 2025), mean over phones.

    Each view learns from the other as it is: what one mask hides, the other shows.

    Args:
        logits: The utterances under one mask, then the same under the other. *Shape:* (2 B, T / 2, SYMBOLS).
        batch: Both views.
    """
    first, second = logits.float().log_softmax(-1).chunk(2)
    told = torch.nn.functional.kl_div(first, second.detach(), reduction="none", log_target=True)
    told = told + torch.nn.functional.kl_div(second, first.detach(), reduction="none", log_target=True)
    present = batch.valid.chunk(2)[0][:, 1::2]
    return ((told.sum(-1) * present).sum(1) / _sayable(batch).chunk(2)[0]).mean() / 2
