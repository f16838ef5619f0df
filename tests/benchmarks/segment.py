"""Speed of dividing and counting: ``python tests/benchmarks/segment.py [FILE...]`` prints MB/s of UTF-8 on one core.

Without files it makes 8 MB of prose in the languages that Octavo promises and English with hard-wrapped lines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from octavo.pipeline.document import Block, BlockKind, Document, Source
from octavo.pipeline.scale import SENTENCE
from octavo.pipeline.segment import cut
from octavo.pipeline.sentences import sentences
from octavo.pipeline.terms import lexis

Result = TypeVar("Result")

PROSE = {
    "english": "Dr. Smith paid $3.14 for v2.0.1 of the tool, e.g. for tests. It failed with E-4304! Why? Nobody at "
    "Acme Inc. could say what the twelve engineers had changed in the pump controller before they left.",
    "german": "Am 3. Oktober kam Prof. Müller, z. B. wegen des Fehlers E-4304."
    " Die Anlage stand 1.000,50 Stunden still. Warum? Niemand wusste, was die Ingenieure "
    "bzw. ihre Vorgänger an der Steuerung geändert hatten.",
    "chinese": "周怡安来自台中，去年刚从大学毕业。他问：“你好吗？”她没有回答。"
    "这台机器的错误代码是E-4304，请检查水泵控制器！",
    "thai": "ยินดีต้อนรับสู่คู่มือการใช้งาน กรุณาอ่านคำแนะนำก่อนใช้เครื่อง หากมีปัญหาให้ติดต่อฝ่ายบริการลูกค้า รหัสข้อผิดพลาดคือ E-4304",
    "hindi": "सच्चाई यह है कि इसे कोई नहीं जानता। हो सकता है यह मशीन ख़राब हो। त्रुटि कोड E-4304 है, कृपया पंप की जाँच करें।",
    "arabic": "ماذا حدث بعد ذلك؟ طرح الكثير من التساؤلات غداة ظهور النتائج. رمز الخطأ هو E-4304، يرجى فحص المضخة.",
}


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds of processor time, the least of three, and what the call gave."""
    seconds = []
    results = []
    for _ in range(3):
        begin = time.process_time()
        results = [call()]
        seconds.append(time.process_time() - begin)
    return min(seconds), results[0]


def document(text: str) -> Document:
    """One block between blank lines, as the plain text reader makes them; a line like "CHAPTER I" is a heading."""
    blocks = []
    at = 0
    for part in text.split("\n\n"):
        stop = at + len(part)
        if part.strip():
            heading = part.isupper() and len(part) < 60
            kind = BlockKind.HEADING if heading else BlockKind.PARAGRAPH
            blocks.append(Block(at, stop, kind, 2 if heading else 0))
        at = stop + 2
    return Document(Source("file", "text/plain", sha256(text.encode()).hexdigest()), text, tuple(blocks))


def report(name: str, text: str) -> None:
    """Prints one line for one text."""
    megabytes = len(text.encode()) / 1e6
    parsed = document(text)
    dividing, _ = timed(lambda: sentences(text, 0, len(text)))
    cutting, spans = timed(lambda: cut(parsed))
    units = [span for span in spans if span.scale is SENTENCE]
    counting, words = timed(lambda: lexis(text, units, "en"))
    speeds = [("sentences", dividing), ("cut", cutting), ("terms and lexis", counting)]
    columns = "".join(f"   {what} {megabytes / seconds:5.1f} MB/s" for what, seconds in speeds)
    print(f"{name:24} {megabytes:6.2f} MB{columns}   {len(units)} sentences, {len(words.terms)} terms")


def main(paths: list[str]) -> None:
    """Reports on the files, or on made prose."""
    for path in paths:
        report(Path(path).name, Path(path).read_text(encoding="utf-8", errors="replace"))
    if not paths:
        for language, prose in PROSE.items():
            copies = 8_000_000 // len(prose.encode()) // 5
            report(language, "\n\n".join([" ".join([prose] * 5)] * copies))
        words = PROSE["english"].split()
        lines = [" ".join(words[at % 20 : at % 20 + 12]) for at in range(100_000)]
        report("english, hard-wrapped", "\n".join(line + "\n" * (at % 9 == 8) for at, line in enumerate(lines)))


if __name__ == "__main__":
    main(sys.argv[1:])
