"""MediaPipe's tokenizer: where it gives other ids is counted, and a model that it can't serve is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from albert_export.export import export_tflite
from albert_runtime.errors import UnsupportedError
from tests.conftest import TINY, CheckpointOf
from tests.wordpiece_vocabulary import declarations, write_vocabulary


@pytest.fixture
def checkpoint(tmp_path: Path, checkpoint_of: CheckpointOf) -> Path:
    return shutil.copytree(checkpoint_of("text-classification"), tmp_path / "checkpoint")


def configure(checkpoint: Path, **settings: object) -> None:
    file = checkpoint / "tokenizer_config.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**found, **settings}))


def test_a_tokenizer_that_keeps_capitals_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    configure(checkpoint, do_lower_case=False)
    with pytest.raises(
        UnsupportedError, match=r"other token ids to \d+ of 80 bundled texts.*lower-cases A to Z"
    ) as caught:
        export_tflite(checkpoint, tmp_path / "bundle", target="mediapipe")
    assert caught.value.exit_code == 3
    assert "--target litert serves it" in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_texts_that_get_other_ids_are_counted(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    texts = [("A fine day.", None), ("An émigré.", None), *[(f"Day {number}", None) for number in range(8)]]
    monkeypatch.setattr("albert_export.samples.sample_texts.SampleTexts.calibration", texts)
    export_tflite(checkpoint, tmp_path / "bundle", target="mediapipe", precision="fp32")
    assert "MediaPipe gives other token ids to 1 of 10 bundled texts, 'An émigré.' for example" in caplog.text


def test_wordpiece(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [(text, None) for name in ("english", "chinese") for text in declarations()[name]]
    monkeypatch.setattr("albert_export.samples.sample_texts.SampleTexts.calibration", texts)
    (checkpoint / "spiece.model").unlink()
    vocabulary = write_vocabulary(checkpoint / "vocab.txt", ["of"])
    pieces = vocabulary.read_text("utf-8").splitlines()
    pieces += [f"[unused{number}]" for number in range(TINY["vocab_size"] - len(pieces))]
    vocabulary.write_text("\n".join(pieces), "utf-8")
    configure(checkpoint, tokenizer_class="BertTokenizer", do_lower_case=True)
    lines: list[str] = []
    export_tflite(checkpoint, tmp_path / "bundle", target="mediapipe", precision="fp32", progress=lines.append)
    notes = [line for line in lines if line.startswith("note: MediaPipe")]
    assert "splits words at white space of ASCII only" in notes[0]
    assert "keeps accents" in notes[1]
    assert "gives other token ids to 0 of 38 bundled texts" in notes[2]
