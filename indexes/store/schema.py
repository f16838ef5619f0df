"""The tables of a catalog, format by format.

A catalog carries its format number. Each entry of :data:`MIGRATIONS` lifts it by one, in one transaction, so that
a catalog made by any earlier version opens in this one; a new catalog is format 0 lifted all the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import apsw

Migration = Callable[[apsw.Connection], None]


def _first_tables(connection: apsw.Connection) -> None:
    """Format 1.

    ``content`` is what the bytes of a file became; ``source`` is a path at which those bytes were found. Rows with
    ``removed`` set are tombstones: out of every answer, physically there until compaction. Spans of a content have
    consecutive ids in depth-first preorder, so that a content and every subtree of it is a range of ids, and so
    that a set of contents is a handful of ranges.
    """
    connection.execute(
        """
        CREATE TABLE setting (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        INSERT INTO setting VALUES ('next_span', 1);

        CREATE TABLE generation (number INTEGER PRIMARY KEY, committed_at TEXT NOT NULL, what TEXT NOT NULL);
        INSERT INTO generation VALUES (0, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), '{"action": "create"}');

        CREATE TABLE scale (name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, width INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE content (
            id INTEGER PRIMARY KEY,
            sha256 TEXT NOT NULL,
            media_type TEXT NOT NULL,
            recipe TEXT NOT NULL,
            title TEXT NOT NULL,
            author TEXT NOT NULL,
            language TEXT NOT NULL,
            created TEXT NOT NULL,
            modified TEXT NOT NULL,
            text_length INTEGER NOT NULL,
            first INTEGER NOT NULL,      -- ids of its spans: first <= id < stop
            stop INTEGER NOT NULL,
            paragraphs INTEGER NOT NULL,
            stems INTEGER NOT NULL,      -- stems counted over its paragraphs
            vectors TEXT NOT NULL,       -- JSON: vectors by name of scale
            flags TEXT NOT NULL,         -- JSON: [[code, detail], ...]
            manifest TEXT NOT NULL,      -- JSON object
            added INTEGER NOT NULL,      -- generation
            removed INTEGER
        );
        CREATE UNIQUE INDEX content_live ON content (sha256, media_type, recipe) WHERE removed IS NULL;
        CREATE INDEX content_first ON content (first);
        CREATE INDEX content_dead ON content (id) WHERE removed IS NOT NULL;

        CREATE TABLE source (
            id INTEGER PRIMARY KEY,
            uri NOT NULL,                -- TEXT, or BLOB where a path is no valid Unicode
            content_id INTEGER NOT NULL REFERENCES content,
            bytes INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            dated REAL NOT NULL,         -- seconds since 1970, UTC
            added INTEGER NOT NULL,
            removed INTEGER
        );
        CREATE UNIQUE INDEX source_live ON source (uri) WHERE removed IS NULL;
        CREATE INDEX source_content ON source (content_id);

        CREATE TABLE refusal (       -- bytes that gave nothing, so that they are not read again for nothing
            sha256 TEXT NOT NULL,
            media_type TEXT NOT NULL,
            recipe TEXT NOT NULL,
            code TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (sha256, media_type, recipe)
        ) WITHOUT ROWID;

        CREATE TABLE text (
            content_id INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
            body BLOB NOT NULL           -- UTF-8, of consecutive pieces
        );
        CREATE UNIQUE INDEX text_place ON text (content_id, start);

        CREATE TABLE page (
            content_id INTEGER NOT NULL, number INTEGER NOT NULL,
            start INTEGER NOT NULL, stop INTEGER NOT NULL,
            width REAL NOT NULL, height REAL NOT NULL,
            boxes BLOB NOT NULL          -- zlib of rows of BOXES_DTYPE
        );
        CREATE INDEX page_place ON page (content_id, start);

        CREATE TABLE span (
            id INTEGER PRIMARY KEY,
            content_id INTEGER NOT NULL,
            rank INTEGER NOT NULL,       -- of its scale
            start INTEGER NOT NULL, stop INTEGER NOT NULL,
            parent INTEGER NOT NULL,     -- id, or -1
            last INTEGER NOT NULL,       -- id of the last span inside it, its own id if there is none
            label TEXT NOT NULL,
            stems BLOB NOT NULL          -- int32 stem ids of a sentence in reading order, else empty
        );

        CREATE TABLE stem (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        CREATE TABLE term (
            id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, stem_id INTEGER NOT NULL, UNIQUE (text, stem_id)
        );

        -- rowid = id of a paragraph, stems = its stem ids in base 36; positions are kept because BM25 counts them
        CREATE VIRTUAL TABLE lexical USING fts5 (stems, content='', contentless_delete=1, tokenize='ascii');
        CREATE VIRTUAL TABLE lexical_terms USING fts5vocab ('lexical', 'row');

        CREATE TABLE shard (
            name TEXT PRIMARY KEY,
            scale TEXT NOT NULL,
            count INTEGER NOT NULL,
            width INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            checksum TEXT NOT NULL,
            kind TEXT NOT NULL,
            index_bytes INTEGER NOT NULL,
            index_checksum TEXT NOT NULL,
            probes INTEGER NOT NULL,
            recall REAL NOT NULL,        -- at 10, measured against brute force when it was built
            fingerprint TEXT NOT NULL,
            added INTEGER NOT NULL
        ) WITHOUT ROWID;
        """
    )


def _recordings(connection: apsw.Connection) -> None:
    """Format 2: recordings.

    ``sound`` shares its ids with ``span``: a content's spans come first, then its sounds, all of them consecutive. An
    utterance's phrases follow it. The phoneme vectors of an utterance have no rows: their ids are the utterance's
    shifted by twelve bits, with the number of the window in the lower ones.
    """
    connection.execute(
        """
        CREATE TABLE recording (
            content_id INTEGER PRIMARY KEY REFERENCES content,
            samples INTEGER NOT NULL,
            start_us INTEGER NOT NULL,   -- file time of the first sample
            format TEXT NOT NULL,        -- for people
            utterances INTEGER NOT NULL,
            speech INTEGER NOT NULL,     -- samples in utterances
            measures TEXT NOT NULL       -- JSON: names of the columns of ``manner``
        );

        CREATE TABLE sound (
            id INTEGER PRIMARY KEY,
            content_id INTEGER NOT NULL,
            start INTEGER NOT NULL, stop INTEGER NOT NULL,   -- samples
            parent INTEGER NOT NULL,     -- a phrase's utterance, or -1
            last INTEGER NOT NULL        -- id of an utterance's last phrase, its own id if there is none
        );

        CREATE TABLE heard (
            span_id INTEGER PRIMARY KEY, -- of an utterance
            content_id INTEGER NOT NULL,
            posteriors BLOB NOT NULL     -- Posteriors.to_bytes
        );

        CREATE TABLE manner (
            first INTEGER PRIMARY KEY,   -- ids first <= id < stop, all of one content
            stop INTEGER NOT NULL,
            content_id INTEGER NOT NULL,
            measures BLOB NOT NULL       -- float32, a row an id
        );

        CREATE TABLE time (
            content_id INTEGER NOT NULL,
            start INTEGER NOT NULL, stop INTEGER NOT NULL,         -- characters
            sample INTEGER NOT NULL, sample_stop INTEGER NOT NULL, -- the earliest and the latest of the rows
            rows BLOB NOT NULL           -- zlib of rows of TIMES_DTYPE
        );
        CREATE UNIQUE INDEX time_place ON time (content_id, start);
        """
    )


def _manifests(connection: apsw.Connection) -> None:
    """Format 3: what made each generation stays on record.

    ``source`` and ``content`` say it for as long as their rows are there; what compaction drops leaves its facts, never
    its text, in ``past_source`` and ``past_content``. Ids of contents are not given out twice from here on.
    """
    connection.execute(
        """
        INSERT INTO setting VALUES ('manifests_from', (SELECT max(number) + 1 FROM generation));

        CREATE TABLE past_content (
            id INTEGER PRIMARY KEY,
            sha256 TEXT NOT NULL,
            media_type TEXT NOT NULL,
            recipe TEXT NOT NULL,
            text_length INTEGER NOT NULL,
            paragraphs INTEGER NOT NULL,
            vectors TEXT NOT NULL,
            flags TEXT NOT NULL,
            manifest TEXT NOT NULL,
            added INTEGER NOT NULL,
            removed INTEGER NOT NULL,
            dropped INTEGER NOT NULL     -- generation of the compaction
        );

        CREATE TABLE past_source (
            uri NOT NULL,
            content_id INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            added INTEGER NOT NULL,
            removed INTEGER NOT NULL
        );

        CREATE TABLE failure (           -- files that gave nothing
            generation INTEGER NOT NULL, -- that would have held them
            uri NOT NULL,
            sha256 TEXT NOT NULL,        -- empty where the file could not even be read
            media_type TEXT NOT NULL,
            code TEXT NOT NULL,
            detail TEXT NOT NULL
        );
        CREATE INDEX failure_generation ON failure (generation);

        CREATE VIRTUAL TABLE lexical_places USING fts5vocab ('lexical', 'instance');
        """
    )


def _token_states(connection: apsw.Connection) -> None:
    """Format 4: what each word piece of a sentence means in its context.

    The setting ``token_states`` names what made them. It is there if every sentence has a row: text of before has none
    until its vectors are made anew.
    """
    connection.execute(
        """
        CREATE TABLE token_states (
            span_id INTEGER PRIMARY KEY, -- of a sentence
            codes BLOB NOT NULL          -- int8, TOKEN_WIDTH a word piece
        );
        """
    )


MIGRATIONS: Sequence[Migration] = (_first_tables, _recordings, _manifests, _token_states)
"""``MIGRATIONS[n]`` makes format ``n + 1`` of format ``n``. Append; never edit one that was released."""

FORMAT = len(MIGRATIONS)


APPLICATION_ID = 0x4F435456  # "OCTV"; `file` and SQLite's shell show it


def format_of(connection: apsw.Connection) -> int | None:
    """The format of an open catalog; ``None`` if the database is no catalog of Octavo."""
    if connection.pragma("application_id") != APPLICATION_ID:
        return None
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Lifts a catalog step by step to the newest format; what was committed before a failing step stays."""
    while (format_ := int(connection.pragma("user_version"))) < len(migrations):
        with connection:
            migrations[format_](connection)
            connection.pragma("user_version", format_ + 1)
            connection.pragma("application_id", APPLICATION_ID)
