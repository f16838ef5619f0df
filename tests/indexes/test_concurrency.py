"""Two processes search while a third ingests, deletes and compacts: no error, and never half a commit."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.pipeline.scale import SENTENCE

from .world import TermVectors, add_all, encode, sentence, vector_of, write_text

STEPS = 40
BANDS = (Band(200, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT)))


def test_two_read_while_one_writes(tmp_path: Path) -> None:
    folder, stop = tmp_path / "kb", tmp_path / "stop"
    base = KnowledgeBase.open(folder, create=True, term_encoder=TermVectors())
    add_all(base, [encode(str(number), write_text(number)) for number in (0, 1)])
    command = [sys.executable, "-m", "octavo.tests.indexes.reader_worker", str(folder), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    generator = random.Random(1)
    there: list[int] = []
    try:
        for step in range(STEPS):
            choice = generator.choices(("add", "delete", "compact"), (4, 2, 2))[0]
            if choice == "add":
                pair = (2 * step + 2, 2 * step + 3)
                add_all(base, [encode(str(number), write_text(number)) for number in pair])
                there.append(pair[0])
            elif choice == "delete" and there:
                first = there.pop(generator.randrange(len(there)))
                base.delete([str(first), str(first + 1)])
            elif choice == "compact":
                base.compact(BANDS)
    finally:
        stop.touch()
        said = [reader.communicate(timeout=60) for reader in readers]
    for reader, (out, errors) in zip(readers, said, strict=True):
        assert reader.returncode == 0, errors
        snapshots, generations = map(int, out.split())
        assert snapshots > 5
        assert generations > 3
    assert base.verify().clean


def test_threads_share_one_knowledge_base(tmp_path: Path) -> None:
    """A server's threads each take their own snapshot of one open knowledge base."""
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())
    texts = []
    for number in range(4):
        encoded = encode(str(number), write_text(number))
        texts.append(sentence(encoded, 2))
        add_all(base, [encoded])
    wrong: list[BaseException] = []

    def ask(text: str) -> None:
        try:
            for _ in range(30):
                with base.snapshot() as snapshot:
                    found = snapshot.index(SENTENCE).search(vector_of(text)[None], 3)
                    assert snapshot.texts(snapshot.spans(found.ids[0]))[0] == text
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(texts[number % 4],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for number in range(10, 14):
        add_all(base, [encode(str(number), write_text(number))])
    base.compact()
    for thread in threads:
        thread.join()
    assert not wrong
    assert np.all(base.status().scales[0].shards == 1)
