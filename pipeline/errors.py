"""Every error Octavo raises on purpose.

::

    OctavoError
    |- SourceError              one file cannot be used; a batch goes on without it
    |  |- SourceMissing         nothing there, or no permission
    |  |- UnsupportedSource     no reader for this kind of file
    |  |- EncryptedSource       needs a password or a key
    |  |- DamagedSource         the parser gave up
    |  |- EmptySource           parsed, but holds nothing that could be found again
    |  |  |- NoAudioTrack       a video without sound
    |  |  `- SilentSource       a recording of silence
    |  |- ReaderTimeout         the parser was killed: too slow
    |  |- ReaderOutOfMemory     the parser was killed: too large
    |  `- ReaderCrashed         the parser died by itself
    |- KnowledgeBaseError
    |  |- NotAKnowledgeBase     the folder holds none, or one of a format this version cannot read
    |  |- KnowledgeBaseBusy     another process is writing
    |  |- DamagedFile           a checksum does not match
    |  `- FingerprintMismatch   vectors of another encoder
    |- ModelError               an encoder cannot be loaded
    `- QueryError               a question, filter or option that makes no sense

A message says what happened, with which value, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class OctavoError(Exception):
    """Root of the tree. ``code`` is the reason code that reports and JSON carry."""

    code: ClassVar[str] = "error"


class SourceError(OctavoError):
    """One file cannot be used. A batch reports it and goes on."""

    code = "unreadable"


class SourceMissing(SourceError):
    """There is no such file, or it may not be read."""

    code = "missing"


class UnsupportedSource(SourceError):
    """No reader knows this kind of file."""

    code = "unsupported"


class EncryptedSource(SourceError):
    """The file needs a password, or a key that its seller keeps."""

    code = "encrypted"


class DamagedSource(SourceError):
    """The parser could not make sense of the bytes."""

    code = "damaged"


class EmptySource(SourceError):
    """The file was parsed and holds no text or sound that could be found again."""

    code = "empty"


class NoAudioTrack(EmptySource):
    """A media file in which no track holds sound."""

    code = "no-audio"


class SilentSource(EmptySource):
    """A recording that is silent from beginning to end."""

    code = "silent"


class ReaderTimeout(SourceError):
    """The parser ran past its time limit and was killed."""

    code = "timeout"


class ReaderOutOfMemory(SourceError):
    """The parser ran past its memory limit and was killed."""

    code = "out-of-memory"


class ReaderCrashed(SourceError):
    """The parser's process ended by itself."""

    code = "crashed"


class KnowledgeBaseError(OctavoError):
    """A knowledge base cannot do what was asked."""

    code = "knowledge-base"


class NotAKnowledgeBase(KnowledgeBaseError):
    """The folder holds no knowledge base that this version can read."""

    code = "not-a-knowledge-base"


class KnowledgeBaseBusy(KnowledgeBaseError):
    """Another process is writing to the knowledge base."""

    code = "busy"


class GenerationGone(KnowledgeBaseError):
    """An earlier generation can no longer be read in full."""

    code = "generation-gone"


class DamagedFile(KnowledgeBaseError):
    """A file of the knowledge base is not what was committed."""

    code = "damaged-file"


class FingerprintMismatch(KnowledgeBaseError):
    """Vectors of another encoder were offered or asked for."""

    code = "fingerprint"


class ModelError(OctavoError):
    """An encoder cannot be loaded or used."""

    code = "model"


class QueryError(OctavoError):
    """A question, filter or option makes no sense."""

    code = "query"
