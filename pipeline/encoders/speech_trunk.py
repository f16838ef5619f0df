"""A speech model of ``transformers`` as the trunk under our heads: wav2vec 2.0, HuBERT or WavLM.

Its layers' states at 20 ms take the place of the log-mel stem, see :class:`octavo.pipeline.blocks.layer_mix.LayerMix`.
It stays as it is; our network learns on top of it. A checkpoint of ours names its trunk and does not hold it: it would
be a hundred times our own size. What it holds is the trunk's configuration and the digest of its weights, so that
another trunk of the same name is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ModelError
from ..recording import SAMPLE_RATE
from .pretrained import from_disk_or_hub

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STRIDE: Final = 320
"""Samples of a frame of a trunk: 20 ms, as our own frames."""

KINDS: Final = ("wav2vec2", "hubert", "wavlm")

CORE: Final = 768
MARGIN: Final = 128
"""Frames of a recording that a trunk hears at once, and further ones that it sees on either side of them: attention and
the group norm of some models reach over all that they are given, so a recording is heard in windows of 15.36 s at
fixed places, each with 2.56 s around it. Where reading begins or is interrupted changes nothing."""

_TELLING: Final = (
    "conv_dim", "conv_kernel", "conv_stride", "conv_bias", "feat_extract_norm", "feat_extract_activation",
    "feat_proj_layer_norm", "do_stable_layer_norm", "hidden_size", "num_hidden_layers", "num_attention_heads",
    "intermediate_size", "hidden_act", "layer_norm_eps", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups",
    "num_buckets", "max_bucket_distance", "conv_pos_batch_norm",
)  # fmt: skip
"""Settings that the states depend on beside the weights; not all kinds have all of them."""

_UNUSED: Final = frozenset({"masked_spec_embed"})
"""Weights that only their own training uses; where a checkpoint lacks them they are drawn by chance."""


@dataclass(frozen=True, slots=True)
class TrunkIdentity:
    """What a checkpoint says about its trunk.

    Attributes:
        model: Hub id, or the folder it was in.
        kind: One of :data:`KINDS`.
        layers: States given, the input of the first layer included.
        width: Numbers of a state.
        normalised: Whether what it hears is brought to zero mean and unit variance first.
        config: Settings that its states depend on.
        digest: Of its weights.
    """

    model: str
    kind: str
    layers: int
    width: int
    normalised: bool
    config: Mapping[str, object]
    digest: str

    def to_json(self) -> str:
        """For the header of a checkpoint."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TrunkIdentity:
        """The inverse of :meth:`to_json`.

        Raises:
            ModelError: This names no trunk.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ModelError(f"the speech model's trunk cannot be read from its header ({error}): {text[:80]!r}") from (
                error
            )

    @property
    def fingerprint(self) -> str:
        """What our vectors depend on: not where the trunk lies."""
        return json.dumps([self.kind, self.normalised, dict(self.config), self.digest], sort_keys=True)


class Trunk:
    """A loaded trunk, in evaluation mode for good: no dropout, no masks.

    Attributes:
        identity: What it is.
        stride: Samples from one state to the next.
        reach: Samples that a state sees by convolution, before attention: 25 ms in all models that are around.
    """

    def __init__(self, module: torch.nn.Module, identity: TrunkIdentity) -> None:
        self.module, self.identity = module.eval().requires_grad_(False), identity
        kernels, strides = _convolutions(identity.config)
        self.stride = prod(strides)
        self.reach = 1 + sum((kernel - 1) * prod(strides[:at]) for at, kernel in enumerate(kernels))

    def states(self, samples: Tensor) -> Tensor:
        """All layers' states of a sound, frame ``t`` centred on samples ``[320 t, 320 (t + 1))``.

        *Shape:* (n,) -> (n // 320, layers, width).
        """
        import torch

        frames = len(samples) // self.stride
        if not frames:
            return samples.new_zeros((0, self.identity.layers, self.identity.width))
        samples = samples[: frames * self.stride]
        if self.identity.normalised:
            samples = (samples - samples.mean()) / (samples.var(correction=0) + 1e-7).sqrt()
        before = (self.reach - self.stride) // 2
        padded = torch.nn.functional.pad(samples, (before, self.reach - self.stride - before))
        heard = self.module(padded[None], output_hidden_states=True).hidden_states
        return torch.stack([layer[0] for layer in heard], 1)

    def to(self, device: torch.device | str) -> Trunk:
        """Moves it."""
        self.module.to(device)
        return self


def load_trunk(model: str) -> Trunk:
    """A trunk by hub id or local folder. Only safetensors are read, never pickles.

    Nothing is downloaded if the hub's cache holds the model.

    Raises:
        ModelError: It is not there, incomplete, of another kind, or hears at another rate or pace.
    """
    from transformers import AutoConfig, AutoModel

    _check_files(model)

    def load(local: bool) -> tuple[Any, set[str], bool]:
        import torch

        config = AutoConfig.from_pretrained(model, local_files_only=local)
        _check(model, config)
        module, report = AutoModel.from_pretrained(
            model,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            local_files_only=local,
            output_loading_info=True,
        )
        return module, set(report["missing_keys"]), _normalised(model, local)

    files = "config.json and model.safetensors"
    module, missing, normalised = from_disk_or_hub(model, load, what="speech model", files=files)
    missing = {name for name in missing if name.rpartition(".")[2] not in _UNUSED}
    if missing:
        names = ", ".join(sorted(missing)[:3])
        raise ModelError(f"the speech model {model!r} is incomplete: it has no weights for {names}")
    settings = module.config.to_dict()
    config = {name: settings[name] for name in _TELLING if name in settings}
    identity = TrunkIdentity(
        model=trunk_name(model),
        kind=module.config.model_type,
        layers=module.config.num_hidden_layers + 1,
        width=module.config.hidden_size,
        normalised=normalised,
        config=json.loads(json.dumps(config)),
        digest=_digest(module),
    )
    return Trunk(module, identity)


def trunk_name(model: str) -> str:
    """A hub id as it is; a folder by its whole path, so that it is found from anywhere."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def find_trunk(stated: TrunkIdentity, beside: Path) -> Trunk:
    """The trunk that a checkpoint was trained on.

    Args:
        beside: The checkpoint. A trunk that was a local folder is looked for where it was, then beside the checkpoint.

    Raises:
        ModelError: It cannot be loaded, or is another one than it was.
    """
    model = stated.model
    own = beside.parent / Path(model).name
    if Path(model).is_absolute() and not Path(model).is_dir():
        if not own.is_dir():
            raise ModelError(
                f"the speech model {beside} stands on another, {model}, which is gone: put it back, or put its folder"
                f" beside, as {own}"
            )
        model = str(own)
    trunk = load_trunk(model)
    found = trunk.identity
    for what in ("kind", "layers", "width", "normalised"):
        if getattr(found, what) != getattr(stated, what):
            raise _other(beside, model, what, getattr(stated, what), getattr(found, what))
    for name in sorted(set(stated.config) & set(found.config)):  # another transformers may have further settings
        if stated.config[name] != found.config[name]:
            raise _other(beside, model, name, stated.config[name], found.config[name])
    if found.digest != stated.digest:
        raise _other(beside, model, "digest of weights", stated.digest, found.digest)
    return trunk


def _other(beside: Path, model: str, what: str, was: object, found: object) -> ModelError:
    return ModelError(
        f"{beside} was trained on another {model}: {what} was {was}, is {found}. Put that model back, or train anew"
    )


def _convolutions(config: Mapping[str, object]) -> tuple[list[int], list[int]]:
    kernels, strides = config["conv_kernel"], config["conv_stride"]
    assert isinstance(kernels, list | tuple)
    assert isinstance(strides, list | tuple)
    return list(kernels), list(strides)


def _check_files(model: str) -> None:
    """
    Raises:
        ModelError: This is a folder whose weights are a pickle.
    """
    folder = Path(model)
    if folder.is_dir() and not any(folder.glob("*.safetensors")) and (found := sorted(folder.glob("*.bin"))):
        raise ModelError(
            f"the speech model {model!r} has its weights in {found[0].name} alone, a pickle, which may run anything"
            " as it is read: if you trust it, make model.safetensors of it with the save_pretrained of transformers"
        )


def _check(model: str, config: Any) -> None:
    """
    Raises:
        ModelError: This model cannot be a trunk.
    """
    if config.model_type not in KINDS:
        raise ModelError(
            f"{model!r} is a model of type {config.model_type}: a trunk is one of {', '.join(KINDS)}, whose frames are"
            " 20 ms"
        )
    stride = prod(config.conv_stride)
    if stride != STRIDE or getattr(config, "add_adapter", False):
        raise ModelError(
            f"the frames of {model!r} are {1000 * stride / SAMPLE_RATE:g} ms"
            f"{' before its adapter' if getattr(config, 'add_adapter', False) else ''}: a trunk has frames of 20 ms"
        )


def _normalised(model: str, local: bool) -> bool:
    """Whether a model wants what it hears at zero mean and unit variance; where nothing says so, it does.

    Raises:
        ModelError: It hears at another rate.
    """
    from transformers import AutoFeatureExtractor

    try:
        features = AutoFeatureExtractor.from_pretrained(model, local_files_only=local)
    except (OSError, ValueError):
        return True
    if int(features.sampling_rate) != SAMPLE_RATE:
        raise ModelError(
            f"the speech model {model!r} hears {features.sampling_rate} Hz, not {SAMPLE_RATE}: choose another"
        )
    return bool(getattr(features, "do_normalize", True))


def _digest(module: torch.nn.Module) -> str:
    """Of the weights' values and not of their names, which change with the version of transformers."""
    import torch

    parts = sorted(
        hashlib.blake2b(
            str(tuple(weights.shape)).encode() + weights.contiguous().flatten().view(torch.uint8).numpy().tobytes(),
            digest_size=16,
        ).digest()
        for name, weights in module.state_dict().items()
        if name.rpartition(".")[2] not in _UNUSED
    )
    return hashlib.blake2b(b"".join(parts), digest_size=8).hexdigest()
