"""Learns the axes along which token states are kept: the principal axes of the states in some books.

    python -m octavo.pipeline.training.token_axes --text gutenberg [--model MODEL] [--out token_axes.safetensors]

``octavo train text`` does the same for its model. Every book gives as many characters from within it. The axes are the
eigenvectors of the states' second moments: of unit states around zero, so that what stays is inner products, not
variance. Told: the share of the states' squared length that some numbers of axes keep, in the books learnt from and in
the last two, which are held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..encoders.checkpoint import DEFAULT_MODEL, load_transformer
from ..encoders.token_axes import FORMAT, WEIGHTS
from ..encoders.weights_file import write_weights
from ..errors import ModelError
from ..token_states import TOKEN_WIDTH
from .books import book_paths, book_text

if TYPE_CHECKING:
    import torch

    from ..encoders.checkpoint import Checkpoint

CHARACTERS: Final = 20_000
"""Of each book, behind its first so many, which are titles and tables of contents."""
HELD_OUT: Final = 2
_WINDOW: Final = 256
"""Tokens that are read together, as in an ingest; less where the transformer reads less."""


def states_of(text: str, checkpoint: Checkpoint) -> torch.Tensor:
    """Unit token states of a text, read in windows. *Shape:* (n, width)"""
    import torch

    device = next(checkpoint.transformer.parameters()).device
    ids = checkpoint.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    room = min(_WINDOW, checkpoint.positions) - len(checkpoint.prefix) - len(checkpoint.suffix)
    made = []
    for at in range(0, len(ids), room):
        window = [*checkpoint.prefix, *ids[at : at + room], *checkpoint.suffix]
        with torch.inference_mode():
            states = checkpoint.transformer(input_ids=torch.tensor([window], device=device)).last_hidden_state[0]
        made.append(states[len(checkpoint.prefix) : len(window) - len(checkpoint.suffix)])
    unit: torch.Tensor = torch.nn.functional.normalize(torch.cat(made).float().cpu(), dim=1)
    return unit


def principal_axes(states: torch.Tensor) -> torch.Tensor:
    """Eigenvectors of the second moments, largest first, their largest number positive. *Shape:* (width, width)"""
    import torch

    _, axes = torch.linalg.eigh(states.double().T @ states.double())
    axes = axes.flip(1)
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    turned: torch.Tensor = (axes * signs).float()
    return turned


def learn(books: Sequence[str], checkpoint: Checkpoint) -> tuple[torch.Tensor, list[str]]:
    """The axes, and a line for each number of them that says what they keep."""
    import torch

    own = [states_of(_within(book), checkpoint) for book in books]
    axes = principal_axes(torch.cat(own[:-HELD_OUT]))
    kept = [(torch.cat(part) @ axes).square().mean(0).cumsum(0) for part in (own[:-HELD_OUT], own[-HELD_OUT:])]
    axes = torch.nn.functional.pad(axes, (0, max(0, TOKEN_WIDTH - axes.shape[1])))  # of a very small transformer
    told = [
        f"{number} axes keep {kept[0][number - 1]:.1%} of what was learnt from, {kept[1][number - 1]:.1%} held out"
        for number in (16, TOKEN_WIDTH, 64, 128)
        if number <= len(kept[0])
    ]
    return axes[:, :TOKEN_WIDTH], told


def _within(book: str) -> str:
    """As many characters behind its first so many; of a shorter book the last ones."""
    at = max(0, min(CHARACTERS, len(book) - CHARACTERS))
    return book[at : at + CHARACTERS]


def make_axes(
    folders: Sequence[Path], model: str, out: Path, *, device: str = "cpu", tell: Callable[[str], None] = print
) -> None:
    """Learns the axes of a transformer from folders of books and writes them to a file.

    Raises:
        ModelError: There are too few books, or the model cannot be loaded.
    """
    paths = book_paths(folders)
    if len(paths) <= HELD_OUT:
        raise ModelError(f"{len(paths)} books in {', '.join(map(str, folders))}: give {HELD_OUT + 1} at least")
    checkpoint = load_transformer(model)
    checkpoint.transformer.to(device)
    axes, told = learn([book_text(path) for path in paths], checkpoint)
    for line in told:
        tell(line)
    write_weights({"axes": axes}, out, {"format": FORMAT, "digest": checkpoint.digest, "model": model})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--text", type=Path, required=True, help="folder of books")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    make_axes([options.text], options.model, options.out)


if __name__ == "__main__":
    main()
