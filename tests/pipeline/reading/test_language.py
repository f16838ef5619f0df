"""Languages of texts that do not state one."""

from __future__ import annotations

import pytest
from octavo.pipeline.reading.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The quick brown fox jumps over the lazy dog near the river.", "en"),
        ("Der schnelle braune Fuchs springt über den faulen Hund am Fluss.", "de"),
        ("Le renard brun rapide saute par-dessus le chien paresseux.", "fr"),
        ("吾輩は猫である。名前はまだ無い。どこで生れたか見当がつかぬ。", "ja"),
        ("我们昨天去了北京的图书馆，读了很多有趣的书。", "zh"),
        ("ประเทศไทยเป็นประเทศที่สวยงามมาก", "th"),
        ("12.5 17.3 99.1 | 33 | 44", ""),
        ("OK", ""),
        ("", ""),
    ],
)
def test_detection(text: str, language: str) -> None:
    assert detect_language(text) == language
    assert detect_language(text * 500) in (language, "")
