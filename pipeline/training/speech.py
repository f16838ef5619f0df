"""Trains the speech network: phones at 20 and 40 ms, frame by frame where times are known, and the rate at 80 ms.

The first half of ``octavo train speech``, see :mod:`.speech_recipe`. One loop, readable from top to bottom. The same
arguments and the same seed give the same weights on the same kind of machine. A run that was stopped goes on from its
last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..encoders.hearing_network import network_on
from ..encoders.speech_network import SpeechNetwork, SpeechShape
from ..encoders.speech_trunk import TrunkIdentity
from ..phones import BLANK
from .running_average import follow
from .speech_batches import Example, batches, rarities, split
from .speech_corpus import SpeechCorpus
from .speech_frontend import Frontend, load_frontend
from .speech_losses import framewise, loss_of
from .unfinished_run import UnfinishedRun


@dataclass(frozen=True, slots=True)
class SpeechRecipe:
    """How to train.

    Attributes:
        steps: Batches; the learning rate rises over the first ``warm_up``, stays, and falls to nothing over the last
            ``cool_down``, a share of all steps.
        batch_seconds: Sound in a batch, padding and repetition included.
        held_out: Share of the speakers, or of the utterances of a lone speaker, kept for validation.
        consistency_weight: Of the difference between what is heard under two masks, see
            :func:`.speech_losses.consistency`; with 0 every batch is heard once.
        framewise_steps: The first batches, with the framewise loss alone on utterances of which times are known; the
            CTC head goes on from the framewise one then. CTC from the first step hears nothing but blanks for long.
            At most a third of all steps, and none where no times are known.
        choose_at: Share of the steps after which people's words get the pronunciation that the network hears in place
            of the dictionary's first, see :mod:`.pronunciation_choice`; with 1 they never do.
        trunk: Hub id or folder of a speech model whose states the network takes in place of log-mel frames; its own
            weights stay as they are. Empty for log-mel frames. ``shape`` then is as
            :data:`octavo.pipeline.encoders.hearing_network.TRUNK_SHAPE`.
    """

    steps: int = 12_000
    batch_seconds: float = 96.0
    learning_rate: float = 1.5e-3
    warm_up: int = 400
    cool_down: float = 0.3
    weight_decay: float = 0.02
    average: float = 0.999
    held_out: float = 0.03
    seed: int = 1
    coarse_weight: float = 0.3
    frames_weight: float = 0.3
    rate_weight: float = 0.1
    consistency_weight: float = 0.2
    framewise_steps: int = 400
    shape: SpeechShape = field(default_factory=SpeechShape)
    choose_at: float = 0.8
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands, told now and then."""

    step: int
    steps: int
    loss: float
    hours_heard: float
    times_real_time: float
    phone_error_rate: float | None = None


def greedy(logits: Tensor, lengths: Tensor) -> list[tuple[int, ...]]:
    """Best phone of each frame, repeats and blanks dropped. *Shape:* (B, T, SYMBOLS)."""
    found = []
    for row, length in zip(logits.argmax(-1), lengths.tolist(), strict=True):
        best = torch.unique_consecutive(row[:length])
        found.append(tuple(best[best != BLANK].tolist()))
    return found


def phone_error_rate(
    network: SpeechNetwork, held_out: Sequence[Example], frontend: Frontend, device: str = "cpu"
) -> float:
    """Edits per phone of the greedy reading, in percent."""
    from rapidfuzz.distance import Levenshtein

    network.eval()
    edits = phones = 0
    with torch.inference_mode():
        for at in range(0, len(held_out), 16):
            batch = frontend.batch(held_out[at : at + 16]).to(device)
            heard = network(batch.sound, batch.valid)
            for example, said in zip(held_out[at : at + 16], greedy(heard.phones, batch.lengths // 2), strict=True):
                edits += Levenshtein.distance(example.utterance.phones, said)
                phones += len(example.utterance.phones)
    network.train()
    return 100 * edits / max(phones, 1)


def learning_rate(step: int, recipe: SpeechRecipe) -> float:
    """Rises, stays, falls linearly to nothing."""
    left = (recipe.steps - step) / max(1, recipe.cool_down * recipe.steps)
    return recipe.learning_rate * min(1.0, (step + 1) / recipe.warm_up, max(left, 0.0))


def train(
    corpora: Sequence[tuple[Path, float]],
    out: Path,
    recipe: SpeechRecipe,
    *,
    device: str = "cpu",
    processes: int = 1,
    tell: Callable[[Progress], None] = lambda progress: None,
    every: int = 500,
    until: int | None = None,
) -> Path:
    """Trains on corpora, each with a weight, and writes ``speech_network.safetensors``.

    Args:
        out: Folder of the checkpoint; training goes on from one that is there.
        until: Stops after so many steps of the recipe, and writes ``midway.safetensors`` instead.
        processes: On a CPU: so many processes of one thread, each with batches of its own, share their gradients
            after every batch. On a machine with other work this loses far less than threads that share a batch.

    Raises:
        ModelError: A corpus is not there, the trunk cannot be loaded, or the checkpoint stands on another.
    """
    out.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        return _train(0, 1, "", corpora, out, recipe, device, tell, every, until)
    with TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        context = get_context("spawn")
        others = [
            context.Process(
                target=_train,
                args=(rank, processes, meeting, corpora, out, recipe, device, _silent, every, until),
                daemon=True,
            )
            for rank in range(1, processes)
        ]
        for other in others:
            other.start()
        try:
            return _train(0, processes, meeting, corpora, out, recipe, device, tell, every, until)
        finally:
            for other in others:
                other.join(10)
                other.kill()


def begin_from_frames(state: Mapping[str, Tensor]) -> None:
    """Puts the framewise head's weights in the place of the CTC head's, which then knows all phones already."""
    for kind in ("weight", "bias"):
        state[f"phones.{kind}"].copy_(state[f"frames.{kind}"])


def _silent(progress: Progress) -> None:
    """What the other processes tell: nothing."""


def _train(
    rank: int,
    processes: int,
    meeting: str,
    corpora: Sequence[tuple[Path, float]],
    out: Path,
    recipe: SpeechRecipe,
    device: str,
    tell: Callable[[Progress], None],
    every: int,
    until: int | None,
) -> Path:
    last = recipe.steps if until is None else min(until, recipe.steps)
    if processes > 1:
        torch.set_num_threads(1)
        # Short enough to notice that another process died, long enough for the slowest to load its corpora.
        patience = timedelta(minutes=10)
        torch.distributed.init_process_group(
            "gloo", init_method=meeting, rank=rank, world_size=processes, timeout=patience
        )
    frontend = load_frontend(recipe.trunk, device)
    torch.manual_seed(recipe.seed)
    training: list[Example] = []
    weights: list[float] = []
    held_out: list[Example] = []
    for folder, weight in corpora:
        own, kept = split(frontend.examples(SpeechCorpus(folder)), recipe.held_out)
        training += own
        weights += [weight * rarity for rarity in rarities(own)]
        held_out += [
            example for example in kept if not example.utterance.synthetic
        ]  # how machines sound is not the aim
    network = network_on(frontend.identity, recipe.shape).to(device).train()
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, (0.9, 0.98), 1e-8, recipe.weight_decay)
    held = {"network": network.state_dict(), "average": average}
    unfinished = UnfinishedRun(out / "unfinished.safetensors", _told(recipe, frontend.identity), held, optimizer)
    first = step = unfinished.resume()[0]
    own_seed = recipe.seed + 1000 * step + 100 * rank
    torch.manual_seed(own_seed)
    generator = torch.Generator().manual_seed(own_seed)
    views = 2 if recipe.consistency_weight else 1
    stream = batches(training, weights, recipe.batch_seconds / views, own_seed)
    timed = [example for example in training if example.utterance.times is not None]
    opening = min(recipe.framewise_steps, recipe.steps // 3) if timed else 0
    timed_stream = batches(timed, [1.0] * len(timed), recipe.batch_seconds / views, own_seed)
    total, heard_frames, began = 0.0, 0, monotonic()
    while step < last:
        batch = frontend.batch(next(timed_stream if step < opening else stream), generator, views).to(device)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        with torch.autocast(device, torch.bfloat16):
            heard = network(batch.sound, batch.valid)
        loss = framewise(heard, batch) if step < opening else loss_of(heard, batch, recipe)
        optimizer.zero_grad()
        loss.backward()
        if processes > 1:
            _share_gradients(network, processes)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        follow(average, network.state_dict(), step, recipe.average)
        if step == opening:
            for state in (network.state_dict(), average):
                begin_from_frames(state)
        total += loss.item()
        heard_frames += int(batch.lengths.sum()) * processes
        if rank == 0 and (step % every == 0 or step == last):
            unfinished.save(step)
            error = None
            if step % (4 * every) == 0 or step == last:
                judged = network_on(frontend.identity, recipe.shape).to(device)
                judged.load_state_dict(average)
                error = phone_error_rate(judged, held_out, frontend, device)
            since = monotonic() - began
            hours = heard_frames / 360_000
            tell(Progress(step, recipe.steps, total / (step - first), hours, 3600 * hours / since, error))
            total, first = 0.0, step
    final = out / ("speech_network.safetensors" if step >= recipe.steps else "midway.safetensors")
    if rank == 0:
        tensors = {name: value.half().cpu() for name, value in average.items()}
        save_file(tensors, final, _header(recipe, frontend.identity))
    if processes > 1:
        torch.distributed.destroy_process_group()
    return final


def _share_gradients(network: SpeechNetwork, processes: int) -> None:
    """Puts the mean of all processes' gradients in place of each one's own.

    A batch of recordings without times has no gradient for the heads that need them: it counts as zero.
    """
    parameters = list(network.parameters())
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(together)
    for gradient, mean in zip(gradients, together.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient) / processes)


def _told(recipe: SpeechRecipe, trunk: TrunkIdentity | None) -> dict[str, object]:
    """What an unfinished run is of: another recipe, or another trunk under the same name, does not go on with it."""
    return asdict(recipe) | ({"trunk_identity": trunk.to_json()} if trunk else {})


def _header(recipe: SpeechRecipe, trunk: TrunkIdentity | None) -> dict[str, str]:
    """What a file of weights says of itself."""
    return {"shape": json.dumps(asdict(recipe.shape))} | ({"trunk": trunk.to_json()} if trunk else {})
