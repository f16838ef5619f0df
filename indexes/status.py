"""What a knowledge base holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..pipeline.recording import SAMPLE_RATE
from ..pipeline.scale import PHONEME, PRONUNCIATION, PROSODY, SCALES, TERM_SCALES, TEXT_SCALES
from .confidence.calibration import SETTING, CalibrationMap
from .store.catalog import Catalog
from .store.folder import folder_bytes
from .store.stored import read_flags, shard_rows
from .store.token_rows import kept_by
from .store.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class ScaleStatus:
    """What a knowledge base holds at one scale.

    Attributes:
        units: Live spans of the scale; of the prosody scale utterances and phrases, of the phoneme scale utterances, of
            the scales of terms all terms.
        vectors: On disk, those of deleted documents included until compaction.
        kinds: Kinds of index, by number of shards.
        recall: The lowest of its shards, at 10 against brute force, as measured when their indexes were built.
    """

    scale: str
    units: int
    vectors: int
    shards: int
    width: int
    kinds: dict[str, int]
    recall: float
    bytes: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Status:
    """What a knowledge base holds.

    Attributes:
        contents: Distinct documents and recordings.
        dead: Contents deleted and not yet compacted.
        flags: How many live contents carry each reason code.
        recordings: Distinct ones.
        transcribed: Those of them that have a transcript; the others are indexed by sound alone.
        sound_seconds, speech_seconds: Length of all recordings, and of the utterances in them.
        unfinished: Stretches kept of recordings whose ingest was cut off.
        bytes: Of all files.
        token_states: What made the states of single word pieces; empty where none are kept.
        token_bytes: Of these, those of deleted documents included until compaction.
        calibration: What ``octavo calibrate`` kept; ``None`` where confidence is as shipped.
    """

    path: str
    generation: int
    committed_at: str
    sources: int
    contents: int
    dead: int
    characters: int
    terms: int
    languages: dict[str, int]
    flags: dict[str, int]
    scales: tuple[ScaleStatus, ...]
    recordings: int
    transcribed: int
    sound_seconds: float
    speech_seconds: float
    unfinished: int
    bytes: int
    token_states: str = ""
    token_bytes: int = 0
    calibration: CalibrationMap | None = None


def status_of(root: Path, catalog: Catalog) -> Status:
    """Counts, sizes and settings, inside a read transaction of the caller's."""
    number, committed_at = catalog.rows("SELECT number, committed_at FROM generation ORDER BY number DESC LIMIT 1")[0]
    contents, characters = catalog.rows(
        "SELECT count(*), coalesce(sum(text_length), 0) FROM content WHERE removed IS NULL"
    )[0]
    flags: Counter[str] = Counter()
    for (text,) in catalog.rows("SELECT flags FROM content WHERE removed IS NULL AND flags <> '[]'"):
        flags.update({flag.code for flag in read_flags(text)})
    terms = int(catalog.value("SELECT count(*) FROM term"))
    ranks: dict[int, int] = dict(
        catalog.rows(
            "SELECT s.rank, count(*) FROM span AS s JOIN content AS c ON c.id = s.content_id"
            " WHERE c.removed IS NULL GROUP BY s.rank"
        )
    )
    units = {scale.name: ranks.get(scale.rank, 0) for scale in TEXT_SCALES} | dict.fromkeys(
        map(str, TERM_SCALES), terms
    )
    recordings, transcribed, samples, speech, utterances, sounds = catalog.rows(
        "SELECT count(*), coalesce(sum(c.text_length > 0), 0), coalesce(sum(r.samples), 0), coalesce(sum(r.speech), 0),"
        " coalesce(sum(r.utterances), 0),"
        " coalesce(sum((SELECT count(*) FROM sound AS s WHERE s.id >= c.first AND s.id < c.stop)), 0)"
        " FROM recording AS r JOIN content AS c ON c.id = r.content_id WHERE c.removed IS NULL"
    )[0]
    units |= {PHONEME.name: utterances, PROSODY.name: sounds}
    scales: list[ScaleStatus] = []
    fingerprints = {name: (fingerprint, width) for name, fingerprint, width in catalog.rows("SELECT * FROM scale")}
    for name in map(str, (*SCALES.values(), PRONUNCIATION)):
        if name not in fingerprints:
            continue
        rows = shard_rows(catalog, name)
        fingerprint, width = fingerprints[name]
        scales.append(
            ScaleStatus(
                scale=name,
                units=units[name],
                vectors=sum(row.count for row in rows),
                shards=len(rows),
                width=width,
                kinds=dict(Counter(row.kind for row in rows)),
                recall=min((row.recall for row in rows), default=1.0),
                bytes=sum(row.bytes + row.index_bytes for row in rows),
                fingerprint=fingerprint,
            )
        )
    kept = catalog.value("SELECT value FROM setting WHERE key = ?", (SETTING,))
    return Status(
        path=str(root),
        generation=number,
        committed_at=committed_at,
        sources=catalog.value("SELECT count(*) FROM source WHERE removed IS NULL"),
        contents=contents,
        dead=catalog.value("SELECT count(*) FROM content WHERE removed IS NOT NULL"),
        characters=characters,
        terms=terms,
        languages=dict(
            catalog.rows(
                "SELECT language, count(*) FROM content WHERE removed IS NULL GROUP BY language ORDER BY 2 DESC"
            )
        ),
        flags=dict(flags),
        scales=tuple(scales),
        recordings=recordings,
        transcribed=transcribed,
        sound_seconds=samples / SAMPLE_RATE,
        speech_seconds=speech / SAMPLE_RATE,
        unfinished=len(Unfinished(root).files()),
        bytes=folder_bytes(root),
        token_states=kept_by(catalog),
        token_bytes=catalog.value("SELECT coalesce(sum(length(codes)), 0) FROM token_states"),
        calibration=None if kept is None else CalibrationMap.from_json(str(kept)),
    )
