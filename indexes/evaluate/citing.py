"""Whether what an answer cites can be believed, and how much of it is said twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...pipeline.posteriors import FRAME
from ...pipeline.scale import Medium
from ..choose import runs
from ..cite import cite, cite_sound
from ..evidence import Universe
from ..hit import Citation
from ..sound.audible import Audible
from ..store.snapshot import Snapshot
from .grounding import Grounder, Grounding
from .metrics import NOT_APPLICABLE


class Values(Protocol):
    """Where the signals of a question go."""

    signals: dict[str, float]


class Citing:
    """Cites answers from one generation. One an evaluation: it keeps the files it has read."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._grounder = Grounder()

    def cite(
        self,
        measured: Values,
        universe: Universe,
        audible: Audible | None,
        taken: npt.NDArray[np.bool_],
        ms: dict[str, float],
    ) -> list[tuple[int, int, Citation]]:
        """Cite the sentences that were taken, and try every citation on its source."""
        cited = []
        outcomes: Counter[Grounding] = Counter()
        spent = 0.0
        for a, b in zip(*(side.tolist() for side in runs(universe, taken)), strict=True):
            began = perf_counter()
            content = self._snapshot.content(int(universe.content[a]))
            if audible and a >= audible.sentences:
                sound = a - audible.sentences
                citation = cite_sound(self._snapshot, content, int(audible.start[sound]), int(audible.stop[sound]))
            else:
                citation = cite(self._snapshot, content, int(universe.start[a]), int(universe.stop[b - 1]))
                cited.append((a, b, citation))
            spent += (perf_counter() - began) * 1000
            # A last frame may have been filled up with silence.
            length = content.text_length if citation.medium is Medium.TEXT else content.samples + FRAME
            outcomes[self._grounder.grounding(citation, length)] += 1
        ms["cite"] = spent
        measured.signals["citations"] = float(outcomes.total())
        for outcome in Grounding:
            measured.signals[f"citations {outcome}"] = float(outcomes[outcome])
        return cited

    def duplicates(
        self,
        measured: Values,
        universe: Universe,
        packed: Iterable[tuple[int, npt.NDArray[np.bool_]]],
        cited: Sequence[tuple[int, int, Citation]],
    ) -> None:
        """Share of what was retrieved, by characters, whose words the answer holds already; sound has none."""
        words: dict[int, str] = {}
        for a, b, citation in cited:
            for at in range(a, b):
                here = slice(int(universe.start[at]) - citation.start, int(universe.stop[at]) - citation.start)
                words[at] = _bare(citation.quote[here])
        for budget, mask in packed:
            seen: set[str] = set()
            again = total = 0
            for at in np.flatnonzero(mask).tolist():
                start, stop = int(universe.start[at]), int(universe.stop[at])
                if at not in words:
                    sounds = universe.sentence[at] < 0
                    words[at] = "" if sounds else _bare(self._snapshot.text(int(universe.content[at]), start, stop))
                total += stop - start
                again += stop - start if words[at] and words[at] in seen else 0
                seen.add(words[at])
            measured.signals[f"duplicates@{budget}"] = again / total if total else NOT_APPLICABLE


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())
