"""Text in pictures: RapidOCR's detection and recognition -> lines of words with boxes.

The models (PP-OCR, Apache-2.0) come with the wheel of the extra ``[ocr]``; nothing is downloaded. About 4 s for a full
page on two cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from ..document import Box
from .pdf_characters import is_unspaced, normalised
from .pdf_lines import Frame, Line, Piece, directed_frame

INSTALL = "pip install 'octavo[ocr]'"
LONG_SIDE = 2000
"""Pixels; RapidOCR shrinks larger pictures to this itself."""
MAX_DPI = 200

Point = tuple[float, float]


def available() -> bool:
    """Whether the extra ``[ocr]`` is installed; looks without importing."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def page_frames(page: Any) -> list[Frame]:
    """Recognises the text on a page.

    Args:
        page: A PyMuPDF page; it is rendered as displayed.

    Returns:
        Lines running to the right first, then those running down the page.
    """
    import pymupdf

    width, height = float(page.rect.width), float(page.rect.height)
    zoom = min(LONG_SIDE / max(width, height, 1.0), MAX_DPI / 72)
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csRGB, alpha=False)
    picture = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    return frames(recognise(picture), 1 / zoom, width, height)


def recognise(picture: npt.NDArray[np.uint8]) -> list[tuple[str, npt.NDArray[np.float32], list[tuple[str, Box]]]]:
    """Lines found in a picture.

    Args:
        picture: RGB. *Shape:* (height, width, 3)

    Returns:
        Text of the line, its four corners in pixels (*Shape:* (4, 2)), and its parts with their boxes: words, or
        single characters where the line is not wholly Latin.
    """
    found = _engine()(np.ascontiguousarray(picture[:, :, ::-1]), return_word_box=True)
    if found.txts is None or found.boxes is None:
        return []
    words = found.word_results if len(found.word_results) == len(found.txts) else [None] * len(found.txts)
    lines = []
    for text, corners, parts in zip(found.txts, found.boxes, words, strict=True):
        boxed = [(part, _around(quad)) for part, _, quad in parts or () if quad is not None]
        lines.append((text, np.asarray(corners, np.float32), boxed))
    return lines


def _around(corners: Sequence[Sequence[float]]) -> Box:
    xs, ys = [float(corner[0]) for corner in corners], [float(corner[1]) for corner in corners]
    return min(xs), min(ys), max(xs), max(ys)


def frames(
    recognised: Sequence[tuple[str, npt.NDArray[np.float32], list[tuple[str, Box]]]],
    scale: float,
    width: float,
    height: float,
) -> list[Frame]:
    """Recognised lines as frames for the layout, the page's skew taken out.

    Args:
        scale: Points per pixel.
        width, height: Of the page, in points.
    """
    flat: list[Line] = []
    tall: list[Line] = []
    angles = [
        math.atan2(float(corners[1][1] - corners[0][1]), float(corners[1][0] - corners[0][0]))
        for _, corners, _ in recognised
        if np.ptp(corners[:, 0]) > 4 * np.ptp(corners[:, 1])
    ]
    skew = median(angles) if angles else 0.0
    skew = skew if abs(skew) < 0.35 else 0.0
    for text, corners, parts in recognised:
        pieces = _pieces(text, corners * scale, [(part, _scaled(box, scale)) for part, box in parts])
        if not pieces:
            continue
        points = [_turned((float(x) * scale, float(y) * scale), -skew) for x, y in corners]
        x0, y0 = min(x for x, _ in points), min(y for _, y in points)
        x1, y1 = max(x for x, _ in points), max(y for _, y in points)
        if y1 - y0 >= 1.5 * (x1 - x0) and len(text) > 2:
            x0, y0, x1, y1 = y0, width - x1, y1, width - x0
            tall.append(_line(pieces, x0, y0, x1, y1))
        else:
            flat.append(_line(pieces, x0, y0, x1, y1))
    _even_sizes(flat)
    _even_sizes(tall)
    found = []
    if flat:
        found.append(directed_frame(flat, lambda box: box, width, height))
    if tall:
        found.append(directed_frame(tall, lambda box: (box[1], width - box[2], box[3], width - box[0]), height, width))
    return sorted(found, key=lambda frame: -sum(len(line.text) for line in frame.lines))


def _turned(point: Point, angle: float) -> Point:
    x, y = point
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def _scaled(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = box
    return x0 * scale, y0 * scale, x1 * scale, y1 * scale


def _line(pieces: list[Piece], x0: float, y0: float, x1: float, y1: float) -> Line:
    high = y1 - y0
    # Detection boxes stand off from the print by about a sixth on either side.
    return Line(pieces, x0, y0 + 0.15 * high, x1, y1 - 0.15 * high, y1 - 0.28 * high, 0.75 * high)


def _even_sizes(lines: list[Line]) -> None:
    """Sets sizes that differ by the detector's noise to their common value, in place."""
    pending = sorted(lines, key=lambda line: line.size)
    start = 0
    for at in range(1, len(pending) + 1):
        if at < len(pending) and pending[at].size <= 1.3 * pending[start].size:
            continue
        common = median(line.size for line in pending[start:at])
        for line in pending[start:at]:
            line.size = common
        start = at


def _pieces(text: str, corners: npt.NDArray[np.float32], parts: list[tuple[str, Box]]) -> list[Piece]:
    """The line's words with boxes, in the order of the recognised text.

    RapidOCR gives words for Latin lines and single characters for others; where its parts do not add up to the text,
    the line's box is divided by counting characters.
    """
    if "".join("".join(part.split()) for part, _ in parts) != "".join(text.split()):
        x0, y0, x1, y1 = _around(corners.tolist())
        step = (x1 - x0) / max(len(text), 1)
        parts = [(char, (x0 + at * step, y0, x0 + (at + 1) * step, y1)) for at, char in enumerate(text)]
    boxes = iter([placed for part, box in parts for placed in _characters("".join(part.split()), box)])
    words: list[Piece] = []
    gap = True
    for char in text:
        if char.isspace():
            gap = True
            continue
        _, box = next(boxes)
        if gap or is_unspaced(char) or is_unspaced(words[-1].text[-1]):
            words.append(Piece(char, box, gap and bool(words)))
        else:
            last = words[-1]
            words[-1] = Piece(last.text + char, _hull(last.box, box), last.gap)
        gap = False
    plain = [word._replace(text=normalised(word.text)) for word in words]
    return [word for word in plain if word.text]


def _hull(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _characters(word: str, box: Box) -> list[tuple[str, Box]]:
    x0, y0, x1, y1 = box
    step = (x1 - x0) / max(len(word), 1)
    return [(char, (x0 + at * step, y0, x0 + (at + 1) * step, y1)) for at, char in enumerate(word)]
