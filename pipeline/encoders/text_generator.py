"""A language model that continues a text, through ``transformers``."""

from __future__ import annotations

from typing import Any, Final

from ..errors import ModelError
from .device import choose_device

LONGEST_PROMPT: Final = 1024
"""Tokens; longer prompts lose their end, as far as the model reads so much."""


class TextGenerator:
    """An encoder-decoder such as T5 or a decoder, its weights in a local folder or on the hub.

    Decoding is greedy: the same model says the same.
    """

    def __init__(self, model: str, device: str = "auto") -> None:
        """Load a model.

        Args:
            model: Local folder or hub id. Only safetensors are read, never pickles.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

        Raises:
            ModelError: It is not there, of another type, or the device is not there.
        """
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

        self._device = choose_device(device)
        try:
            config = AutoConfig.from_pretrained(model)
            self._continues = not config.is_encoder_decoder
            kind = AutoModelForCausalLM if self._continues else AutoModelForSeq2SeqLM
            loaded: Any = kind.from_pretrained(model, config=config, use_safetensors=True)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model)
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise ModelError(
                f"the model {model!r} cannot write text: {' '.join(str(error).split())[:300]}; name a folder or a model"
                " of the hub for text generation, with weights as safetensors"
            ) from error
        self._model = loaded
        self._model.to(self._device)
        self._model.eval()
        # Prompt and answer share the positions of a decoder.
        positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
        self._positions = min(LONGEST_PROMPT, int(positions)) if positions else LONGEST_PROMPT

    def generate(self, prompt: str, tokens: int) -> str:
        """What the model writes after a prompt, at most so many tokens."""
        import torch

        room = self._positions - tokens if self._continues else self._positions
        inputs = self._tokenizer(prompt, return_tensors="pt", truncation=True, max_length=max(room, 1))
        ids = inputs["input_ids"].to(self._device)
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids,
                attention_mask=inputs["attention_mask"].to(self._device),
                max_new_tokens=tokens,
                do_sample=False,
                num_beams=1,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id or 0,
            )[0]
        return str(self._tokenizer.decode(made[ids.shape[1] if self._continues else 0 :], skip_special_tokens=True))
