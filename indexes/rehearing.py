"""All recordings heard anew by another speech encoder, in one commit: what an ingest with ``--rehear`` adds to others.

Sound is not kept, so this needs the files. What was heard before answers until the commit, and stays if there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..pipeline.errors import KnowledgeBaseError
from .store.recipe import written_by

if TYPE_CHECKING:
    from ..pipeline.ingest import Listener
    from .store.sources import StoredSource
    from .store.writer import Writer
    from .taken import Taken

_NAMED: Final = 3
"""Files named in an error."""


@dataclass(frozen=True, slots=True)
class Rehearing:
    """What hears all recordings of a knowledge base anew.

    Attributes:
        kb: Its folder.
        phoneme, prosody: Fingerprints of what listens.
        lost: Recognisers whose words would be lost, as nobody writes them down again.
    """

    kb: Path
    phoneme: str
    prosody: str
    lost: tuple[str, ...] = ()

    @classmethod
    def by(cls, listener: Listener, kb: Path, sources: Sequence[StoredSource], *, writes: bool) -> Rehearing:
        """A listener's.

        Args:
            writes: Whether a recogniser writes down what is heard.
        """
        lost = () if writes else tuple(sorted(written_by(sources)))
        return cls(kb, listener.phoneme_fingerprint, listener.prosody_fingerprint, lost)

    def begin(self, writer: Writer) -> bool:
        """Makes room, if another encoder heard what is there; whether it did.

        Raises:
            KnowledgeBaseError: Words would be lost.
        """
        begun = writer.renew_sound(self.phoneme, self.prosody)
        if begun and self.lost:
            raise KnowledgeBaseError(
                f"recordings in {self.kb} were written down by {' and '.join(self.lost)}, and would lose their words:"
                " name a recogniser with --asr"
            )
        return begun

    def end(self, writer: Writer, taken: Sequence[Taken]) -> None:
        """Checks that every recording was heard anew: one among them would be of an encoder that is gone.

        Args:
            taken: What became of the files.

        Raises:
            KnowledgeBaseError: One was not among the files, or gave nothing.
        """
        if not (left := writer.heard_before()):
            return
        why = {str(one.path): one.detail for one in taken if not one.done}
        named = [f"{uri} ({why[uri]})" if uri in why else uri for uri in left[:_NAMED]]
        others = " and others" if len(left) > _NAMED else ""
        raise KnowledgeBaseError(
            f"{len(left):,} of the recordings in {self.kb} were not among these files, or could not be heard:"
            f" {', '.join(named)}{others}; name them too, or take them out with octavo delete. Nothing was changed"
        )
