"""Questions by a language model: one a paragraph."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Protocol

from ...pipeline.scale import PARAGRAPH, Scale
from .passages import Passage
from .question_styles import Draft, asked_words, is_prose, plain

if TYPE_CHECKING:
    import numpy as np

LONGEST_PASSAGE = 3000
"""Characters of a paragraph that the model reads."""
LONGEST_QUESTION = 48
"""Tokens."""

PROMPT = "Text: {text}\n\nWrite one short question in your own words that this text answers.\n\nQuestion:"

_AFTER = re.compile(r"(?<=[?？؟])(?s:.*)|\n(?s:.*)")
"""What comes after the question."""


class Generator(Protocol):
    """What is asked of a language model: :class:`octavo.pipeline.encoders.text_generator.TextGenerator`."""

    def generate(self, prompt: str, tokens: int) -> str:
        """What it writes after a prompt, at most so many tokens."""
        ...


class Generated:
    """A language model's question about a paragraph (Alberti et al. 2019, *Synthetic QA Corpora Generation*)."""

    name: ClassVar[str] = "generated"
    scale: ClassVar[Scale] = PARAGRAPH

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        """The question, if the model wrote one that shares a word with the paragraph."""
        if not is_prose(passage.text):
            return None
        prompt = PROMPT.format(text=plain(passage.text)[:LONGEST_PASSAGE])
        text = plain(_AFTER.sub("", self._generator.generate(prompt, LONGEST_QUESTION).strip()))
        stems = asked_words(passage, text)
        return Draft(text, stems) if stems else None
