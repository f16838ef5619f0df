"""Words of a recording that has no transcript, by a speech recogniser that the user brings (``--asr``)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..document import Document, Flag
from ..errors import EmptySource, ModelError
from ..reading.cues import Cue, Piece
from ..reading.transcripts import compose_transcript
from ..recording import SAMPLE_RATE
from .device import choose_device
from .pretrained import digest_of, from_disk_or_hub

if TYPE_CHECKING:
    import torch

    from ..recording import Recording

RECOGNISER_VERSION: Final = "1"
"""Part of the fingerprint; changes whenever the same model would give other text."""

LONGEST: Final = 28 * SAMPLE_RATE
"""Samples heard at once: Whisper takes 30 s."""

_SHORTEST: Final = SAMPLE_RATE // 4
"""Shorter speech is filled up with silence: the convolutions of a model need some."""

_NO_SPEECH: Final = 0.6
"""As in openai-whisper: text is dropped if this likely there is no speech, and the text itself is unlikely."""
_UNLIKELY: Final = -1.0
"""Mean log-probability of a token, in nats, as in openai-whisper."""

_REPETITIVE: Final = 2.4
"""Bytes of a text over bytes of it deflated, as in openai-whisper: more is a decoder that runs in circles."""

_WORD_US: Final = 20_000
"""A word said to begin later than this before the end of its utterance is moved there."""

_LISTEN: Final = 8
"""Utterances from which the language of a recording is told."""

Samples = npt.NDArray[np.float32]
Span = tuple[int, int]


class Recogniser:
    """A Whisper or CTC model through ``transformers``, its weights in a local folder or on the hub.

    Attributes:
        fingerprint: Names the model, its weights and the settings.
    """

    def __init__(self, model: str, device: str = "auto", *, language: str = "", batch: int = 8) -> None:
        """Load a model.

        Args:
            model: Local folder or hub id. Only safetensors are read, never pickles; nothing is downloaded if the hub's
                cache holds the model.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; half precision (bfloat16) on a GPU.
            language: What is spoken, such as ``en``, for Whisper models of many languages; otherwise they tell.

        Raises:
            ModelError: It is not there, incomplete, of another type, or the device is not there.
        """
        self._device = choose_device(device)
        self._model, tokenizer, features = _load(model)
        digest = digest_of(self._model, tokenizer)  # as stored, so that it is the same on every device
        self._model.to(self._device, _dtype(self._device))
        self._features = features
        self._batch = batch
        self._whisper = self._model.config.model_type == "whisper"
        settings = self._model.generation_config if self._whisper else None
        self._languages: Mapping[str, int] = getattr(settings, "lang_to_id", None) or {}
        if language and self._languages and f"<|{language}|>" not in self._languages:
            raise ModelError(f"the model {model!r} does not know the language {language!r}: name one such as en or de")
        self._language = language
        self._words = not self._whisper or bool(getattr(settings, "alignment_heads", None))
        self._no_speech = _no_speech_token(tokenizer) if self._whisper else None
        self._start = int(self._model.config.decoder_start_token_id) if self._whisper else 0
        self._tokenizer = tokenizer
        self.fingerprint = f"recogniser/{RECOGNISER_VERSION} {Path(model).name} {digest} {language}".rstrip()
        import torch
        from transformers import AutomaticSpeechRecognitionPipeline

        self._pipeline = AutomaticSpeechRecognitionPipeline(
            model=self._model, tokenizer=tokenizer, feature_extractor=features, device=torch.device(self._device)
        )

    def transcribe(self, recording: Recording, utterances: Iterable[Span]) -> Document:
        """What is said in the utterances; what lies between them is not listened to.

        Args:
            utterances: First and last-but-one sample of each stretch of speech, by time. Longer ones than 28 s are
                heard in parts.

        Returns:
            As :func:`octavo.pipeline.reading.transcripts.compose_transcript` makes it, with times by word where the
            model tells them, else by utterance. Without text if no word was heard. Flagged ``asr-dropped`` where the
            model invented text: it took silence for speech, or ran in circles.
        """
        cues: list[Cue] = []
        dropped = 0
        language = self._language
        spans = iter(_parts(utterances))
        while batch := list(islice(spans, max(self._batch, _LISTEN))):
            sounds = [_padded(recording.read(start, stop)) for start, stop in batch]
            doubtful = [False] * len(batch)
            if self._whisper:
                doubtful, told = self._first_step(sounds)
                language = language or told
            heard = self._heard(sounds, language)
            for span, sound, doubt, result in zip(batch, sounds, doubtful, heard, strict=True):
                if _repetitive(result["text"]):
                    # Once more, without the freedom to say the same three tokens twice.
                    result = self._heard([sound], language, no_repeat_ngram_size=3)[0] if self._whisper else result
                    if _repetitive(result["text"]):
                        dropped += 1
                        continue
                if doubt and result["text"].strip() and self._likelihood(sound, result["text"], language) < _UNLIKELY:
                    dropped += 1
                    continue
                if pieces := tuple(_pieces(result, span, recording)):
                    cues.append(Cue(pieces))
        flags = (
            [Flag("asr-dropped", f"{dropped} utterances: the recogniser invented text, not kept")] if dropped else []
        )
        try:
            return compose_transcript(cues, recording, language, flags, captions=False)
        except EmptySource:
            return Document(recording.source, "", (), metadata=recording.metadata, flags=tuple(flags))

    def _heard(self, sounds: Sequence[Samples], language: str, **settings: object) -> list[dict[str, Any]]:
        """Text and, where the model tells them, times of some stretches of sound."""
        options: dict[str, Any] = {"return_timestamps": "word" if self._words else None}
        if self._whisper:
            # Greedy, so that the same sound always gives the same text.
            generate: dict[str, object] = {"num_beams": 1, "do_sample": False, **settings}
            if self._languages:
                generate |= {"task": "transcribe", **({"language": language} if language else {})}
            options["generate_kwargs"] = generate
        inputs: list[Any] = [{"raw": sound, "sampling_rate": SAMPLE_RATE} for sound in sounds]
        # By length, for a batch is padded to its longest.
        order = sorted(range(len(inputs)), key=lambda index: -len(sounds[index]))
        pipeline: Any = self._pipeline
        results = pipeline([inputs[index] for index in order], batch_size=self._batch, **options)
        heard: list[dict[str, Any]] = [{} for _ in inputs]
        for index, result in zip(order, results, strict=True):
            heard[index] = result
        return heard

    def _first_step(self, sounds: Sequence[Samples]) -> tuple[list[bool], str]:
        """Whether there may be no speech in each stretch, and the language of most, by Whisper's first token."""
        import torch

        steps = []
        for at in range(0, len(sounds), self._batch):
            spectra = self._spectra(sounds[at : at + self._batch])
            start = torch.full((len(spectra), 1), self._start, device=self._device)
            with torch.inference_mode():
                steps.append(self._model(input_features=spectra, decoder_input_ids=start).logits[:, -1].float().cpu())
        chances = torch.cat(steps).softmax(-1)
        doubtful = [False] * len(sounds)
        if self._no_speech is not None:
            doubtful = (chances[:, self._no_speech] > _NO_SPEECH).tolist()
        if not self._languages:
            return doubtful, ""
        names = list(self._languages)
        speech = [index for index, doubt in enumerate(doubtful) if not doubt]
        if not speech:
            return doubtful, ""
        votes = chances[speech][:, [self._languages[name] for name in names]].sum(0)
        return doubtful, names[int(votes.argmax())].strip("<|>")

    def _likelihood(self, sound: Samples, text: str, language: str) -> float:
        """Mean log-probability of a text's tokens, in nats, given the sound."""
        import torch

        settings = self._model.generation_config
        prompt = [self._start]
        if language and self._languages:
            tasks = getattr(settings, "task_to_id", None) or {}
            prompt += [self._languages[f"<|{language}|>"], *([tasks["transcribe"]] if "transcribe" in tasks else [])]
        if (unmarked := getattr(settings, "no_timestamps_token_id", None)) is not None:
            prompt.append(unmarked)
        most = int(self._model.config.max_target_positions) - len(prompt)
        tokens = self._tokenizer(text, add_special_tokens=False).input_ids[:most]
        given = torch.tensor([prompt + tokens], device=self._device)
        with torch.inference_mode():
            logits = self._model(input_features=self._spectra([sound]), decoder_input_ids=given).logits[0].float()
        # The logits at a token foretell the next one.
        foretold = logits.log_softmax(-1)[len(prompt) - 1 : -1]
        return float(foretold.gather(1, given[0, len(prompt) :, None]).mean())

    def _spectra(self, sounds: Sequence[Samples]) -> torch.Tensor:
        """*Shape:* (B, mel bands, frames of 30 s)"""
        features = self._features(list(sounds), sampling_rate=SAMPLE_RATE, return_tensors="pt").input_features
        spectra: torch.Tensor = features.to(self._device, self._model.dtype)
        return spectra


def _dtype(device: str) -> torch.dtype:
    import torch

    return torch.bfloat16 if device.startswith("cuda") else torch.float32


def _load(model: str) -> tuple[Any, Any, Any]:
    """Model in evaluation mode, tokenizer and feature extractor.

    Raises:
        ModelError: See :class:`Recogniser`.
    """
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoTokenizer

    def load(local: bool) -> tuple[Any, Any, Any]:
        config = AutoConfig.from_pretrained(model, local_files_only=local)
        names = config.architectures or []
        ctc = any(name.endswith("ForCTC") for name in names)
        if not ctc and config.model_type != "whisper":
            raise ModelError(
                f"{model!r} is a model of type {config.model_type} ({', '.join(names) or 'no architecture named'}), no "
                "recogniser that is known here: name a Whisper model, or a CTC model such as Wav2Vec2ForCTC"
            )
        kind = AutoModelForCTC if ctc else AutoModelForSpeechSeq2Seq
        loaded = kind.from_pretrained(model, use_safetensors=True, dtype="auto", local_files_only=local)
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=local)
        return loaded.eval(), tokenizer, AutoFeatureExtractor.from_pretrained(model, local_files_only=local)

    files = "config.json, preprocessor_config.json, a tokenizer and model.safetensors"
    loaded, tokenizer, features = from_disk_or_hub(model, load, what="recogniser", files=files)
    if int(features.sampling_rate) != SAMPLE_RATE:
        raise ModelError(
            f"the recogniser {model!r} hears {features.sampling_rate} Hz, not {SAMPLE_RATE}: choose another"
        )
    if tokenizer.pad_token is None:  # the pipeline makes no batches without one
        tokenizer.pad_token = tokenizer.eos_token
    return loaded, tokenizer, features


def _no_speech_token(tokenizer: Any) -> int | None:
    vocabulary = tokenizer.get_vocab()
    # The older vocabularies of Whisper call it a caption's absence.
    return next((vocabulary[name] for name in ("<|nospeech|>", "<|nocaptions|>") if name in vocabulary), None)


def _parts(spans: Iterable[Span]) -> Iterator[Span]:
    for start, stop in spans:
        count = -(-(stop - start) // LONGEST)
        for part in range(count):
            yield start + (stop - start) * part // count, start + (stop - start) * (part + 1) // count


def _padded(sound: Samples) -> Samples:
    return np.pad(sound, (0, max(0, _SHORTEST - len(sound))))


def _repetitive(text: str) -> bool:
    written = text.encode("utf-8", "replace")
    return len(written) > _REPETITIVE * len(zlib.compress(written))


def _pieces(result: Mapping[str, Any], span: Span, recording: Recording) -> Iterator[Piece]:
    """The words of an utterance, or all of it, with file times inside it."""
    start, stop = (recording.start_us + sample * 125 // 2 for sample in span)
    chunks = result.get("chunks")
    if not chunks:
        if result["text"].strip():
            yield Piece(result["text"], start, stop)
        return
    # Whisper's words come with their own blanks, or none (Chinese); those of CTC models always lack them.
    glued = "".join(chunk["text"] for chunk in chunks).strip() == result["text"].strip()
    latest = start
    for chunk in chunks:
        begin, end = chunk["timestamp"]
        # Times of Whisper's last words are missing at times, or lie in the silence that fills up its 30 s.
        latest = min(max(latest, start + round(1e6 * (begin or 0))), max(start, stop - _WORD_US))
        until = stop if end is None else min(max(start + round(1e6 * end), latest + 1), stop)
        if chunk["text"].strip():
            yield Piece(chunk["text"] if glued else f" {chunk['text'].strip()}", latest, until)
