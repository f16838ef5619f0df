"""Draws a recording as its knowledge base knows it: spectrogram, phones, utterances, voice, and where words were found.

``python demo/timeline.py KB RECORDING OUT.png WORD…`` draws the whole recording above, and below, larger, the stretch
around the words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pymupdf
import torch
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.sound.manner import find_recording
from octavo.indexes.store.filter import Filter
from octavo.pipeline.encoders.log_mel import HOP, log_mel
from octavo.pipeline.phones import BLANK, phone_names
from octavo.pipeline.posteriors import FRAME, Posteriors
from octavo.pipeline.reading import Reader
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.voice.contour import Contour, contour

WIDTH, LEFT, RIGHT = 1000.0, 72.0, 16.0
DPI = 90
AROUND = 1.0
"""Seconds shown before the first word and after the last."""
LONGEST = 7.0
"""Seconds of the larger stretch, so that its phones can be read."""
LOWEST, HIGHEST = 60.0, 450.0
"""Hz of the axis of F0, which is logarithmic."""

Colour = tuple[float, float, float]
INK, PALE, LINE = (0.13, 0.16, 0.20), (0.45, 0.49, 0.54), (0.80, 0.82, 0.85)
HIT, VOICE, SPEECH, LOUD = (0.80, 0.16, 0.08), (0.08, 0.36, 0.66), (0.55, 0.66, 0.78), (0.90, 0.92, 0.94)
DARK = (0.05, 0.10, 0.22)
"""The loudest colour of a spectrogram; the softest is white."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of time in seconds, with what is written at it and how sure it is."""

    start: float
    stop: float
    name: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """All that is drawn. Times are seconds from the beginning of the samples."""

    name: str
    seconds: float
    mel: npt.NDArray[np.float32]
    voice: Contour
    utterances: Sequence[Marked]
    phones: Sequence[Marked]
    hits: Sequence[Marked]


def phones_heard(posteriors: Posteriors, start: float) -> Iterator[Marked]:
    """The runs of each most likely phone."""
    chances = np.exp(posteriors.unpack())
    best = posteriors.symbols[:, 0].tolist()
    for symbol, run in groupby(range(len(best)), key=best.__getitem__):
        frames = list(run)
        if symbol != BLANK:
            begin, end = (start + at * FRAME / SAMPLE_RATE for at in (frames[0], frames[-1] + 1))
            yield Marked(begin, end, phone_names([symbol]), float(chances[frames, symbol].max()))


def gather(folder: str, path: Path, words: Sequence[str]) -> Picture:
    """Reads the knowledge base for what was heard, and the file for its sound."""
    uri = str(path.resolve())
    with KnowledgeBase.open(folder) as kb, kb.snapshot() as snapshot:
        ranges, content = find_recording(snapshot, uri)
        if content is None:
            raise SystemExit(f"{path} is no recording of {folder}")
        utterances: list[Marked] = []
        phones: list[Marked] = []
        for rows in snapshot.heard_between(ranges):
            for at, posteriors in enumerate(rows.posteriors):
                start, stop = int(rows.start[at]) / SAMPLE_RATE, int(rows.stop[at]) / SAMPLE_RATE
                utterances.append(Marked(start, stop, ""))
                phones += phones_heard(posteriors, start)
        hits = []
        for word in words:
            for hit in kb.search(word, k=1, scales=["phoneme"], where=Filter(sources=(uri,))).hits:
                cited = hit.citation
                hits.append(Marked(cited.start / SAMPLE_RATE, cited.stop / SAMPLE_RATE, word, hit.score))
    with Reader() as reader:
        recording = reader.read(path)
    assert isinstance(recording, Recording)
    with recording:
        samples = recording.read(0, recording.samples)
    mel = log_mel(torch.from_numpy(samples)).numpy()
    return Picture(path.name, len(samples) / SAMPLE_RATE, mel, contour(samples), utterances, phones, hits)


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A stretch of the recording across the page, drawn from top to bottom."""

    page: pymupdf.Page
    picture: Picture
    start: float
    stop: float

    def x(self, seconds: float) -> float:
        """Where a time lies."""
        share = (seconds - self.start) / (self.stop - self.start)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def inside(self, marks: Sequence[Marked]) -> Iterator[Marked]:
        """Those of which something is in the strip."""
        return (one for one in marks if one.stop > self.start and one.start < self.stop)

    def label(self, top: float, bottom: float, text: str, unit: str = "") -> None:
        """What a row shows, left of it."""
        middle = (top + bottom) / 2 + (0 if unit else 3)
        write(self.page, LEFT - 8, middle, text, 9, PALE, align=1)
        write(self.page, LEFT - 8, middle + 11, unit, 8, PALE, align=1)

    def spectrogram(self, top: float, bottom: float) -> None:
        """Log-mel energies, low bands at the bottom."""
        mel = self.picture.mel
        low, high = np.percentile(mel, [40, 99.7])
        part = mel[round(self.start * SAMPLE_RATE / HOP) : round(self.stop * SAMPLE_RATE / HOP)]
        # In 24 steps: a smooth shading would make the file three times as large.
        depth = np.rint(24 * np.clip((part.T[::-1] - low) / (high - low), 0, 1)[..., None] ** 1.2) / 24
        colours = (255 * (1 - depth * (1 - np.array(DARK)))).astype(np.uint8)
        height, width = depth.shape[:2]
        image = pymupdf.Pixmap(pymupdf.csRGB, width, height, np.ascontiguousarray(colours).tobytes(), False)
        box = pymupdf.Rect(LEFT, top, WIDTH - RIGHT, bottom)
        self.page.insert_image(box, pixmap=image, keep_proportion=False)
        self.page.draw_rect(box, color=LINE, width=0.6)
        self.label(top, bottom, "log-mel", "0-7.6 kHz")

    def speech(self, top: float, bottom: float) -> None:
        """A bar for each utterance."""
        for one in self.inside(self.picture.utterances):
            box = pymupdf.Rect(self.x(one.start) + 0.5, top, self.x(one.stop) - 0.5, bottom)
            self.page.draw_rect(box, color=None, fill=SPEECH, radius=0.2)
        self.label(top, bottom, "utterances")

    def names(self, top: float, bottom: float) -> None:
        """The phones heard, on two lines by turns, the doubtful ones paler."""
        for number, one in enumerate(self.inside(self.picture.phones)):
            middle = (one.start + one.stop) / 2
            found = any(hit.start <= middle < hit.stop for hit in self.picture.hits)
            colour = HIT if found else INK if one.probability >= 0.5 else PALE
            at = top + 9 + (number % 2) * 11
            write(self.page, self.x(middle), at, one.name, 8.5, colour, bold=found, align=0)
        self.label(top, bottom, "phones")

    def voice(self, top: float, bottom: float) -> None:
        """F0 as dots over a grey level."""
        voice, step = self.picture.voice, FRAME / SAMPLE_RATE
        frames = slice(round(self.start / step), round(self.stop / step))
        times = (np.arange(len(voice))[frames] + 0.5) * step
        floor, peak = np.percentile(voice.energy, [2, 99.8])
        heights = np.clip((voice.energy[frames] - floor) / (peak - floor), 0, 1) * (bottom - top)
        outline = [(self.x(at), bottom - float(height)) for at, height in zip(times, heights, strict=True)]
        corners = [(self.x(self.start), bottom), *outline, (self.x(self.stop), bottom)]
        self.page.draw_polyline([pymupdf.Point(one) for one in corners], color=None, fill=LOUD, closePath=True)
        shape = self.page.new_shape()
        for at, f0 in zip(times, voice.f0[frames], strict=True):
            if LOWEST <= f0 <= HIGHEST:
                shape.draw_circle(pymupdf.Point(self.x(at), self.y(float(f0), top, bottom)), 1.1)
        shape.finish(color=None, fill=VOICE)
        shape.commit()
        self.label(top, top + 14, "F0, level")
        for hertz in (100, 200):
            height = self.y(hertz, top, bottom)
            self.page.draw_line((LEFT, height), (WIDTH - RIGHT, height), color=LINE, width=0.4)
            write(self.page, LEFT - 8, height + 3, f"{hertz} Hz", 8, PALE, align=1)
        self.page.draw_rect(pymupdf.Rect(LEFT, top, WIDTH - RIGHT, bottom), color=LINE, width=0.6)

    @staticmethod
    def y(hertz: float, top: float, bottom: float) -> float:
        """Where a frequency lies."""
        return bottom - float(np.log(hertz / LOWEST) / np.log(HIGHEST / LOWEST)) * (bottom - top)

    def axis(self, top: float, step: float) -> None:
        """Seconds."""
        for at in np.arange(np.ceil(self.start / step), self.stop / step) * step:
            self.page.draw_line((self.x(at), top), (self.x(at), top + 4), color=PALE, width=0.6)
            write(self.page, self.x(at), top + 13, f"{at:g} s", 8, PALE, align=0)

    def found(self, top: float, bottom: float) -> None:
        """The hits: a band through the rows, named above."""
        for one in self.inside(self.picture.hits):
            box = pymupdf.Rect(self.x(one.start), top, self.x(one.stop), bottom)
            self.page.draw_rect(box, color=HIT, fill=HIT, fill_opacity=0.13, width=0.9)

    def names_found(self, top: float, *, exactly: bool) -> None:
        """What the bands are; exactly: how sure and when."""
        for one in self.inside(self.picture.hits):
            more = f" {one.probability:.2f}   {one.start:.2f}-{one.stop:.2f} s" if exactly else ""
            write(self.page, self.x((one.start + one.stop) / 2), top - 5, one.name + more, 10, HIT, bold=True, align=0)


def write(
    page: pymupdf.Page,
    x: float,
    y: float,
    text: str,
    size: float,
    colour: Colour,
    *,
    bold: bool = False,
    align: int = -1,
) -> None:
    """Text that begins (-1), is centred (0) or ends (1) at a point."""
    font = "hebo" if bold else "helv"
    length = pymupdf.get_text_length(text, font, size)
    page.insert_text((x - length * (align + 1) / 2, y), text, fontsize=size, fontname=font, color=colour)


def closer(picture: Picture) -> tuple[float, float]:
    """The stretch around the hits, or the beginning."""
    first = min((one.start for one in picture.hits), default=AROUND)
    last = max((one.stop for one in picture.hits if one.stop - first + 2 * AROUND <= LONGEST), default=LONGEST)
    return max(0.0, first - AROUND), min(picture.seconds, last + AROUND)


def draw(picture: Picture, target: str) -> None:
    """Writes the picture."""
    with pymupdf.open() as document:
        page = document.new_page(width=WIDTH, height=505)
        whole = Strip(page, picture, 0.0, picture.seconds)
        near = Strip(page, picture, *closer(picture))
        write(page, LEFT, 20, picture.name, 11, INK, bold=True)
        whole.spectrogram(34, 114)
        whole.speech(120, 129)
        whole.voice(135, 185)
        whole.found(34, 185)
        whole.names_found(34, exactly=False)
        whole.axis(185, 5)
        for at, edge in ((near.start, LEFT), (near.stop, WIDTH - RIGHT)):
            page.draw_line((whole.x(at), 202), (edge, 230), color=LINE, width=0.8)
        page.draw_line((whole.x(near.start), 202), (whole.x(near.stop), 202), color=PALE, width=1.6)
        near.spectrogram(246, 366)
        near.names(370, 394)
        near.voice(400, 470)
        near.found(246, 470)
        near.names_found(246, exactly=True)
        near.axis(470, 0.5)
        page.get_pixmap(dpi=DPI).save(target)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    draw(gather(sys.argv[1], Path(sys.argv[2]), sys.argv[4:]), sys.argv[3])
