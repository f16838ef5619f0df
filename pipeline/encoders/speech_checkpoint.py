"""A trained speech encoder as a file: which networks it holds, of what size, and on which trunk they stand.

A safetensors file: ``network.*``, ``windows.*`` and ``sequences.*``; in the header ``format``, ``shape``, on a trunk
``trunk``, and what calibrates its scores.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .hearing_network import HearingNetwork
    from .speech_trunk import TrunkIdentity
    from .word_space import PhoneSequenceEncoder, WindowEncoder

FORMAT: Final = "octavo-speech-1"

_PARTS: Final = ("network", "windows", "sequences")


@dataclass(frozen=True, slots=True, eq=False)
class SpeechCheckpoint:
    """An opened checkpoint; networks are built when they are asked for.

    Attributes:
        path: The file.
        tensors: By name, as stored.
        header: What it says of itself.
        trunk: What it stands on; None if it hears by itself.
        digest: Of the weights, those of the trunk included, and not of the file: a header may gain a score without
            making vectors of another kind.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    header: Mapping[str, str]
    trunk: TrunkIdentity | None
    digest: str

    @classmethod
    def open(cls, path: Path) -> SpeechCheckpoint:
        """
        Raises:
            ModelError: It is not there, or is none of this kind.
        """
        import torch
        from safetensors import SafetensorError, safe_open

        from .speech_trunk import TrunkIdentity

        try:
            with safe_open(path, framework="pt") as file:
                header: Mapping[str, str] = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"the speech weights {path} cannot be read ({error}): reinstall octavo, or train them with octavo"
                " train speech"
            ) from error
        if header.get("format") != FORMAT:
            raise ModelError(
                f"{path} holds no speech encoder of this version (format {header.get('format')!r}): reinstall octavo, "
                "or train it with octavo train speech"
            )
        missing = [part for part in _PARTS if not any(name.startswith(part + ".") for name in tensors)]
        if missing:
            raise _misfit(path, f"it holds no {' and no '.join(missing)}")
        trunk = TrunkIdentity.from_json(header["trunk"]) if "trunk" in header else None
        digest = hashlib.blake2b(header.get("shape", "").encode(), digest_size=8)
        for name, tensor in tensors.items():
            digest.update(name.encode() + tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        if trunk is not None:
            digest.update(trunk.fingerprint.encode())
        return cls(path, tensors, header, trunk, digest.hexdigest())

    def hearing(self) -> HearingNetwork:
        """The network that hears phones, on its trunk.

        Raises:
            ModelError: The tensors do not fit, or the trunk is gone or another one.
        """
        from .hearing_network import HearingNetwork, network_on
        from .speech_network import SpeechShape
        from .speech_trunk import find_trunk

        try:
            network = network_on(self.trunk, SpeechShape.from_json(json.loads(self.header["shape"])))
        except (KeyError, ValueError, TypeError) as error:
            raise _misfit(self.path, error) from error
        self._fill("network", network)
        if self.trunk is None:
            return HearingNetwork(network).eval()
        return HearingNetwork(network, find_trunk(self.trunk, self.path)).eval()

    def windows(self, channels: int) -> WindowEncoder:
        """What makes vectors of windows.

        Raises:
            ModelError: The tensors do not fit.
        """
        from .word_space import WindowEncoder

        module = WindowEncoder(channels)
        self._fill("windows", module)
        return module.eval()

    def sequences(self) -> PhoneSequenceEncoder:
        """What makes vectors of written words.

        Raises:
            ModelError: The tensors do not fit.
        """
        from .word_space import PhoneSequenceEncoder

        module = PhoneSequenceEncoder()
        self._fill("sequences", module)
        return module.eval()

    def _own(self, part: str) -> dict[str, Tensor]:
        prefix = part + "."
        return {name.removeprefix(prefix): one.float() for name, one in self.tensors.items() if name.startswith(prefix)}

    def _fill(self, part: str, module: nn.Module) -> None:
        try:
            module.load_state_dict(self._own(part))
        except RuntimeError as error:
            raise _misfit(self.path, error) from error


def _misfit(path: Path, why: object) -> ModelError:
    return ModelError(f"{path} does not fit the speech network ({why}): reinstall octavo, or train it anew")
