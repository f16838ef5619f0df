"""E-mails (RFC 5322, MIME): subject, who and when, and the body in the form that reads best."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Final, cast

from ..document import BlockKind, Document, Flag, Metadata, Source
from ..errors import DamagedSource
from .compose import Composer, Draft, one_line, tidy
from .dates import iso_date
from .decoding import decode, decode_html, known_codec
from .html import main_content, read_page
from .media_type import utf16_order
from .plain import plain_blocks

_SHOWN_HEADERS: Final = ("From", "To", "Cc", "Date")
_MOST_PARTS: Final = 1_000
_SEPARATOR: Final = re.compile(rb"(?<=\n\n)(?=From [^\s]+ [^\n]{10,60}\d{4}\n[A-Za-z-]+:)")
"""Before each further message of a mailbox file (RFC 4155)."""


def read_mail(path: Path, source: Source) -> Document:
    """Read a message, or a mailbox of them.

    Attached messages are read after it; other attachments are named in a flag, not read.

    Raises:
        DamagedSource: The bytes are not a message.
        EmptySource: Neither a subject nor text.
    """
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or utf16_order(data[:4096]):
        data = decode(data).text.encode("utf-8")  # saved by an editor; messages themselves are never UTF-16
    try:
        message, *rest = [
            email.message_from_bytes(part.lstrip(), policy=email.policy.compat32) for part in _SEPARATOR.split(data)
        ]
    except (ValueError, LookupError, RecursionError) as error:
        raise DamagedSource(f"{path}: not a readable message ({error})") from error
    flags: list[Flag] = []
    composer = Composer()
    composer.add(_messages([message, *rest], flags))
    metadata = Metadata(
        title=_header(message, "Subject"), author=_header(message, "From"), created=iso_date(_header(message, "Date"))
    )
    return composer.document(source, metadata, flags, empty="the message has neither subject nor text")


def _messages(messages: list[Message], flags: list[Flag]) -> Iterator[Draft]:
    """The messages and, after them, those attached to them."""
    waiting = list(messages)
    read = 0
    while waiting and read < _MOST_PARTS:
        current = waiting.pop(0)
        read += 1
        if subject := _header(current, "Subject"):
            yield Draft(subject, BlockKind.HEADING, 1)
        stated = [f"{name}: {value}" for name in _SHOWN_HEADERS if (value := _header(current, name))]
        if stated:
            yield Draft("\n".join(stated))
        for part in _body(current, waiting, flags):
            yield from _text(part, flags)


def _body(message: Message, attached: list[Message], flags: list[Flag]) -> Iterator[Message]:
    """The parts that hold text, of alternatives one; HTML before plain text, which is often made from it."""
    stack = [message]
    seen = 0
    while stack and seen < _MOST_PARTS:
        part = stack.pop()
        seen += 1
        kind = part.get_content_type()
        name = part.get_filename()
        if kind == "message/rfc822" and part.is_multipart():
            attached.extend(cast("list[Message]", part.get_payload()))
        elif part.is_multipart():
            children = cast("list[Message]", part.get_payload())
            stack.extend([_best(children)] if kind == "multipart/alternative" and children else reversed(children))
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            yield part
        elif name or not kind.startswith("text/"):
            flags.append(Flag("attachment-not-read", f"{one_line(_decoded_words(name or 'without a name'))} ({kind})"))


def _best(alternatives: list[Message]) -> Message:
    for kind in ("text/html", "multipart/related", "multipart/mixed", "text/plain"):
        for part in alternatives:
            if part.get_content_type() == kind and (part.is_multipart() or part.get_payload(decode=True)):
                return part
    return alternatives[0]


def _text(part: Message, flags: list[Flag]) -> Iterator[Draft]:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    stated = part.get_content_charset() or ""
    if part.get_content_type() == "text/html":
        markup = _decoded(data, stated) or decode_html(data).text
        drafts, _, doubts = read_page(markup)
        flags.extend(doubts)
        yield from main_content(drafts)
        return
    text = _decoded(data, stated) or decode(data).text
    if re.search(r"format\s*=\s*\"?flowed", str(part.get("Content-Type", "")), re.IGNORECASE):
        text = re.sub(r" \r?\n(?=[^\s>])", " ", text)  # RFC 3676: a line that ends in a space goes on
    for block in plain_blocks(text, 0, len(text)):
        if shown := tidy(text[block.start : block.stop]):
            yield Draft(shown, block.kind, block.level)


def _decoded(data: bytes, charset: str) -> str:
    """The text in the stated charset; empty where there is none or the bytes are not in it."""
    codec = known_codec(charset) if charset else ""
    try:
        return data.decode(codec) if codec else ""
    except (UnicodeDecodeError, LookupError):
        return ""


def _header(message: Message, name: str) -> str:
    """A header with its encoded words (RFC 2047) decoded; malformed ones as they stand."""
    value = message.get(name)
    return "" if value is None else one_line(_decoded_words(str(value)))


def _decoded_words(value: str) -> str:
    from email.errors import HeaderParseError
    from email.header import decode_header

    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    texts = []
    for data, charset in parts:
        if isinstance(data, str):
            texts.append(data)
        else:
            texts.append(_decoded(data, charset or "") or data.decode("utf-8", "replace"))
    return "".join(texts)
