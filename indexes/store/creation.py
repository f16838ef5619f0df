"""A new knowledge base, in a folder that holds nothing else."""

from __future__ import annotations

from pathlib import Path

from ...pipeline.errors import KnowledgeBaseError, NotAKnowledgeBase
from .catalog import NAME, Catalog
from .lock import NAME as LOCK
from .lock import WriterLock
from .shard import FOLDER
from .unfinished import FOLDER as UNFINISHED


def create_folder(root: Path) -> None:
    """Makes an empty knowledge base, unless one is there.

    Raises:
        NotAKnowledgeBase: The folder holds other things.
        KnowledgeBaseError: It cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KnowledgeBaseError(f"{root} cannot be made: {error.strerror}; choose another folder") from error
    _refuse_foreign(root)  # before a lock is left in somebody's folder
    with WriterLock(root):
        if (root / NAME).exists():
            return  # another process was faster
        _refuse_foreign(root)
        (root / FOLDER).mkdir(exist_ok=True)
        Catalog.create(root / NAME)


def _refuse_foreign(root: Path) -> None:
    own = {LOCK, FOLDER, UNFINISHED}
    foreign = sorted(path.name for path in root.iterdir() if path.name not in own and not path.name.startswith(NAME))
    if foreign:
        raise NotAKnowledgeBase(
            f"{root} holds other things ({foreign[0]}) and no knowledge base: choose an empty folder or a new name"
        )
