"""``octavo train``: the recipes that make the shipped weights, a command each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..pipeline.errors import ModelError
from .shell import Commands, Device

if TYPE_CHECKING:
    from ..pipeline.training.pronunciation import TrainingProgress

app = typer.Typer(
    name="train",
    cls=Commands,
    help='Train the models of sound, spelling and text anew. Needs the extra "train"; progress goes to standard error.',
    no_args_is_help=True,
)

Speech = Annotated[
    Path,
    typer.Option(metavar="DIR", exists=True, file_okay=False, help="Read speech with a manifest.jsonl."),
]
Lexicon = Annotated[Path, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="CMUdict, as text or zip.")]
Out = Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Where the weights go.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same weights on the same kind of machine.")]


@app.command()
def speech(
    speech: Annotated[
        Path, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Human speech, with train/manifest.jsonl.")
    ],
    lexicon: Lexicon,
    text: Annotated[
        Path, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Books that the synthesisers read from.")
    ],
    out: Out,
    trunk: Annotated[
        str,
        typer.Option(
            metavar="ID_OR_DIR",
            help="Learn on top of a frozen wav2vec2, HuBERT or WavLM model: hub id or folder. None by default.",
        ),
    ] = "",
    steps: Annotated[int | None, typer.Option(min=1, help="Batches for the network; else as in its recipe.")] = None,
    word_steps: Annotated[
        int | None, typer.Option(min=1, help="Batches for the space of words; else as in its recipe.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that share each batch.")] = 1,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Train the speech encoder: synthesise speech, learn phones, then the space of spoken and written words.

    What is finished in the folder of --out is not made again, so a run that was stopped is continued by running it
    again; for other steps, another seed or another trunk take another folder. Use what was made with octavo ingest
    --speech-model; on a trunk it needs that model to be where it was, or beside it.
    """
    with _extra():
        from ..pipeline.encoders.device import choose_device
        from ..pipeline.encoders.hearing_network import TRUNK_SHAPE
        from ..pipeline.training.speech import SpeechRecipe
        from ..pipeline.training.speech_recipe import train_speech
        from ..pipeline.training.word_space import WordSpaceRecipe

        recipe, words = SpeechRecipe(seed=seed), WordSpaceRecipe(seed=seed)
        if trunk:
            recipe = replace(recipe, trunk=trunk, shape=TRUNK_SHAPE)
        made = train_speech(
            speech,
            lexicon,
            text,
            out,
            recipe=replace(recipe, steps=steps or recipe.steps),
            words=replace(words, steps=word_steps or words.steps),
            device=choose_device(device),
            processes=processes,
            tell=_tell,
        )
    typer.echo(made)


@app.command()
def pronunciation(
    lexicon: Lexicon,
    out: Out,
    epochs: Annotated[int, typer.Option(min=1, help="Passes through the words.")] = 12,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Upper limit of the time.")] = None,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Train the network that pronounces words, and measure it on words held out."""

    def report(state: TrainingProgress) -> None:
        _tell(
            f"epoch {state.epoch}/{state.epochs}  loss {state.loss:.3f}  "
            f"watched phone error {state.phone_error:.2%}  {state.seconds:.0f} s"
        )

    with _extra():
        from ..pipeline.training.pronunciation import train

        scores = train(lexicon, out, seed=seed, device=device, minutes=minutes, epochs=epochs, progress=report)
    for part, scored in scores.items():
        typer.echo(f"{part}: {scored}")


@app.command()
def character(
    text: Annotated[
        list[Path], typer.Option(metavar="DIR", exists=True, file_okay=False, help="Books, *.txt or *.txt.gz.")
    ],
    lexicon: Lexicon,
    out: Out,
    typed: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="What people typed for recordings, as in CrowdSpeech."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Batches for the vectors; else as in the recipe.")] = None,
    channel_steps: Annotated[
        int | None, typer.Option(min=1, help="Batches for what compares letter by letter; else as in the recipe.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Batches between two checkpoints, each judged.")] = 500,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Train the character encoder, which finds words in spite of slips and misspellings.

    A run that was stopped is continued by running it again; for other steps or another seed take another folder.
    """
    with _extra():
        from ..pipeline.encoders.device import choose_device
        from ..pipeline.training.character import CharacterRecipe, train
        from ..pipeline.training.spelling_channel import ChannelRecipe
        from ..pipeline.training.spelling_pairs import read_material

        recipe, channel = CharacterRecipe(seed=seed), ChannelRecipe(seed=seed)
        material = read_material(text, lexicon, typed or [], seed=seed)
        made = train(
            material,
            out,
            replace(recipe, steps=steps or recipe.steps),
            device=choose_device(device),
            tell=lambda progress: _tell(str(progress)),
            every=every,
            channel=replace(channel, steps=channel_steps or channel.steps),
        )
    typer.echo(made)


@app.command()
def text(
    data: Annotated[
        list[Path],
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="Books, *.txt or *.txt.gz; three at least."),
    ],
    out: Out,
    model: Annotated[
        str, typer.Option(metavar="ID", help="The transformer below: a hub id or a folder. Default: the shipped one.")
    ] = "all-MiniLM-L6-v2",
    questions: Annotated[int, typer.Option(min=100, help="Questions made on all books together.")] = 30_000,
    characters: Annotated[int, typer.Option(min=10_000, help="Most of a book that are read.")] = 400_000,
    steps: Annotated[
        int | None,
        typer.Option(min=0, help="Batches; else as in the recipe. 0 learns no more than which numbers come first."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Batches between two checkpoints, each judged.")] = 100,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Train the text pyramid, which pools a transformer's token states into vectors of text, and find the axes along
    which single words are kept.

    What the transformer says of the books is kept in the folder of --out, and a run that was stopped is continued by
    running it again; for other steps or another seed take another folder. octavo ingest --model takes what comes out.
    """
    with _extra():
        from ..pipeline.encoders.device import choose_device
        from ..pipeline.encoders.token_axes import WEIGHTS
        from ..pipeline.training.text import TextRecipe, train
        from ..pipeline.training.text_material import read_material
        from ..pipeline.training.token_axes import make_axes

        recipe, chosen = TextRecipe(seed=seed), choose_device(device)
        material = read_material(
            *(data, model, out),
            device=chosen,
            questions=questions,
            characters=characters,
            seed=seed,
            tell=_tell,
        )
        made = train(
            material,
            out,
            replace(recipe, steps=recipe.steps if steps is None else steps),
            device=chosen,
            tell=lambda progress: _tell(str(progress)),
            every=every,
        )
        make_axes(data, model, out / WEIGHTS.name, device=chosen, tell=_tell)
    typer.echo(made)


@app.command()
def prosody(
    speech: Speech,
    out: Out,
    manners: Annotated[int, typer.Option(min=2, help="Manners of speaking to be told apart.")] = 300,
    seed: Seed = 1,
) -> None:
    """Learn the vector of prosody from read speech, and measure it on speakers held out."""
    with _extra():
        from ..pipeline.encoders.prosody import WEIGHTS
        from ..pipeline.training.prosody import save, train, utterances

        spoken = []
        for number, one in enumerate(utterances(speech), 1):
            spoken.append(one)
            if number % 500 == 0:
                _tell(f"{number:,} utterances measured")
        projection, judged = train(spoken, manners, seed=seed)
        path = out / WEIGHTS.name
        save(projection, path)
    if judged:
        typer.echo(judged)
    typer.echo(path)


@contextmanager
def _extra() -> Iterator[None]:
    """Says which extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModelError(f"training needs {error.name}: pip install 'octavo[train]'") from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
