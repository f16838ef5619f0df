"""The one command that makes the shipped speech encoder: corpora, phones, the space of words, checkpoint.

::

    octavo train speech --speech DIR --lexicon cmudict.zip --text DIR --out DIR [--trunk MODEL]

What is finished is not made again: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..encoders.hearing_network import HearingNetwork, network_on
from ..encoders.speech import FORMAT
from ..encoders.speech_network import SpeechShape
from ..encoders.speech_trunk import TrunkIdentity, find_trunk, trunk_name
from ..errors import ModelError
from .pronunciation_choice import rechosen
from .speech import Progress, SpeechRecipe, train
from .speech_corpus import WORDLESS, SpeechCorpus
from .speech_frontend import LogMel, TrunkStates
from .speech_sources import SYNTHETIC, build_real, build_synthetic, say_word
from .speech_texts import Transcriber, read_cmudict
from .word_space import WordSpaceRecipe, train_word_space
from .wordless_sound import build_wordless

HOURS: Final = {"flite": 3.0, "espeak": 3.0, "festival": 1.0, WORDLESS: 0.4}
"""Synthetic speech to make, and sound without any. More speech from the same few voices did not help the trial."""

OPTIONAL: Final = frozenset({"festival"})
"""Left out where it is not installed: its voices are packages of their own."""

WEIGHTS: Final = {"real": 2.2, "flite": 1.0, "espeak": 0.6, "festival": 1.0, WORDLESS: 6.0}
"""How often an utterance of a corpus is drawn: people count most, formant synthesis least; 6 % are without words."""

Tell = Callable[[str], None]


def build_corpora(speech: Path, lexicon: Path, text: Path, out: Path, *, seed: int, workers: int, tell: Tell) -> None:
    """People, synthesisers and sound without words as corpora below ``out``, those that are not there yet.

    Raises:
        ModelError: There are no recordings, or a synthesiser is missing that cannot be left out.
    """
    if not (out / "real" / ".done").exists():
        tell(f"real: {json.dumps(build_real(speech, lexicon, out / 'real'))}")
    for name in SYNTHETIC:
        if (out / name / ".done").exists():
            continue
        try:
            report = build_synthetic(name, lexicon, text, out / name, HOURS[name], seed, workers)
        except ModelError as error:
            if name not in OPTIONAL:
                raise
            tell(f"{name}: left out ({error})")
        else:
            tell(f"{name}: {json.dumps(report)}")
    if not (out / WORDLESS / ".done").exists():
        tell(f"{WORDLESS}: {json.dumps(build_wordless(out / WORDLESS, HOURS[WORDLESS], seed))}")


def train_speech(
    speech: Path,
    lexicon: Path,
    text: Path,
    out: Path,
    *,
    recipe: SpeechRecipe | None = None,
    words: WordSpaceRecipe | None = None,
    device: str = "cpu",
    processes: int = 1,
    tell: Tell = print,
) -> Path:
    """Makes ``speech.safetensors`` in ``out``; its header says of what and how. The card is for whoever ships it.

    Args:
        speech: Folder with ``train/manifest.jsonl`` and, for speechocean762, its canonical phones.
        lexicon: CMUdict as a zip.
        text: Books that the synthesisers read from.

    Raises:
        ModelError: Something of this is missing, no synthesiser is installed, the trunk cannot be loaded, or what is in
            the folder was trained on another one.
    """
    recipe, words = recipe or SpeechRecipe(), words or WordSpaceRecipe()
    network_file = out / "speech_network.safetensors"
    _check_trunk(network_file, recipe.trunk)
    corpora = out / "corpora"
    build_corpora(speech, lexicon, text, corpora, seed=recipe.seed, workers=max(processes, 1), tell=tell)
    names = [name for name in WEIGHTS if (corpora / name / ".done").exists()]

    def report(progress: Progress) -> None:
        judged = progress.phone_error_rate
        error = "" if judged is None else f"  held-out phone error rate {judged:.1f} %"
        tell(
            f"step {progress.step}/{progress.steps}  loss {progress.loss:.3f}  {progress.hours_heard:.1f} h heard at "
            f"{progress.times_real_time:.0f} times real time{error}"
        )

    scores: dict[str, str] = {}
    folders = {name: corpora / name for name in names}
    heard = corpora / "real-heard"

    def train_on(until: int | None = None) -> Path:
        weighted = [(folder, WEIGHTS[name]) for name, folder in folders.items()]
        return train(weighted, out, recipe, device=device, processes=processes, tell=report, until=until)

    if recipe.choose_at < 1:
        if not (heard / ".done").exists():
            midway = train_on(round(recipe.choose_at * recipe.steps))
            transcriber = Transcriber(read_cmudict(lexicon), say_word)
            free, other = rechosen(folders["real"], transcriber, _trained(midway, device), heard, device)
            tell(f"{free:,} words with a choice, {other:,} said otherwise than the dictionary's first")
        folders["real"] = heard
    if not network_file.exists():
        train_on()
    # Log-mel frames are heard on the CPU, as always: the same network gives the same space of words everywhere.
    listens_on = device if recipe.trunk else "cpu"
    return finish(network_file, [*folders.values()], out, recipe, words, scores=scores, tell=tell, device=listens_on)


def _check_trunk(network_file: Path, trunk: str) -> None:
    """Looks at the trunk before hours go into the corpora.

    Raises:
        ModelError: It cannot be loaded, or another one is under what is trained already.
    """
    if network_file.exists():
        stated = _header_of(network_file).get("trunk")
        before = TrunkIdentity.from_json(stated).model if stated else ""
        if before != (trunk and trunk_name(trunk)):
            raise ModelError(
                f"{network_file} was trained on {before or 'no trunk'}, not on {trunk or 'none'}: take another folder"
                " for --out"
            )
    elif trunk:
        from ..encoders.speech_trunk import load_trunk

        load_trunk(trunk)


def _header_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def _trained(network_file: Path, device: str) -> HearingNetwork:
    """What :func:`~.speech.train` wrote, ready to hear.

    Raises:
        ModelError: The network's trunk is gone, or another one.
    """
    header = _header_of(network_file)
    identity = TrunkIdentity.from_json(header["trunk"]) if "trunk" in header else None
    network = network_on(identity, SpeechShape.from_json(json.loads(header["shape"])))
    network.load_state_dict({name: value.float() for name, value in load_file(network_file).items()})
    trunk = find_trunk(identity, network_file).to(device) if identity else None
    return HearingNetwork(network, trunk).to(device).eval()


def finish(
    network_file: Path,
    corpora: Sequence[Path],
    out: Path,
    recipe: SpeechRecipe,
    words: WordSpaceRecipe,
    *,
    scores: dict[str, str],
    tell: Tell,
    device: str = "cpu",
) -> Path:
    """Trains the space of words on a trained network and writes the checkpoint.

    Raises:
        ModelError: The network's trunk is gone, or another one.
    """
    header = _header_of(network_file)
    hearing = _trained(network_file, device)
    network, frontend = hearing.network, TrunkStates(hearing.trunk, device) if hearing.trunk else LogMel()

    def report(step: int, loss: float, found: float) -> None:
        scores["nearest"] = f"{found:.3f}"
        tell(f"words: step {step}/{words.steps}  loss {loss:.3f}  own phones nearest of 1,000: {found:.3f}")

    windows, sequences = train_word_space(network, corpora, words, frontend=frontend, device=device, tell=report)
    tensors: dict[str, Tensor] = {}
    for name, module in (("network", network), ("windows", windows), ("sequences", sequences)):
        tensors |= {f"{name}.{key}": value.half().cpu().contiguous() for key, value in module.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "shape": json.dumps(asdict(recipe.shape)),
        "recipe": json.dumps({"phones": asdict(recipe), "words": asdict(words)}, default=str),
        "corpora": json.dumps({folder.name: described(folder) for folder in corpora}),
        "made": datetime.now(UTC).date().isoformat(),
        **{key: value for key, value in header.items() if key not in ("shape", "format")},
        **scores,
    }
    path = out / "speech.safetensors"
    save_file(tensors, path, metadata)
    return path


def described(folder: Path) -> str:
    """A corpus in one line: utterances, hours, voices."""
    corpus = SpeechCorpus(folder)
    voices = len({utterance.speaker for utterance in corpus.utterances})
    return f"{len(corpus)} utterances, {corpus.seconds / 3600:.2f} h, {voices} voices"
