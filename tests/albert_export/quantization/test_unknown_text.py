"""check_unknown_text: warnings and refusals, by how much the vocabulary does not know of which texts."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.quantization.accuracy_options import AccuracyOptions
from albert_export.quantization.unknown_text import check_unknown_text
from albert_export.samples.corpora import corpus_of, language_of
from albert_export.samples.sample_texts import ENGLISH_TEXTS, SampleTexts
from albert_export.samples.texts import Text
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import VOCABULARY

#: what an English tokenizer is given if nothing fits it
UNKNOWN = SampleTexts([corpus_of(language_of("ja"))], unknown=1.0)
KNOWN, FOREIGN = ("a text", "known"), ("日本語の文", "未知")


@pytest.fixture(scope="module")
def tokenizer() -> AlbertTokenizer:
    return AlbertTokenizer(VOCABULARY)


@pytest.mark.parametrize("precision", ["fp32", "int8", "int4"])
def test_known_text_passes_in_silence(
    precision: str, tokenizer: AlbertTokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    texts: list[Text] = [] if precision == "fp32" else [KNOWN]
    check_unknown_text(tokenizer, ENGLISH_TEXTS, texts, precision=precision)
    assert caplog.records == []


@pytest.mark.parametrize("precision", ["fp16", "int8", "int4", "int8-static"])
def test_rounding_needs_known_text(precision: str, tokenizer: AlbertTokenizer) -> None:
    with pytest.raises(UsageError, match=r"100% of the text in the bundled corpus \(Japanese\)") as caught:
        check_unknown_text(tokenizer, UNKNOWN, [], precision=precision)
    assert "give --calibration-data FILE" in str(caught.value)


@pytest.mark.parametrize(("precision", "texts"), [("fp32", []), ("int8", [KNOWN])])
def test_unknown_samples_alone_are_a_warning(
    precision: str, texts: list[Text], tokenizer: AlbertTokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        check_unknown_text(tokenizer, UNKNOWN, texts, precision=precision)
    assert "self-tests of the bundle are made of such text" in caplog.text


def test_the_users_texts(tokenizer: AlbertTokenizer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageError, match="100% of the text in the calibration data is unknown"):
        check_unknown_text(tokenizer, ENGLISH_TEXTS, [FOREIGN], precision="int8")
    with caplog.at_level(logging.WARNING):
        check_unknown_text(tokenizer, ENGLISH_TEXTS, [KNOWN, KNOWN, FOREIGN], precision="int8")
    assert "26% of the text in the calibration data" in caplog.text  # 7 of 27 characters


def test_labelled_data(tokenizer: AlbertTokenizer, tmp_path: Path) -> None:
    requests = [{"prompt": "日本", "choices": ["語", "の文"]}, {"prompt": "one", "choices": []}]
    dataset = Dataset(tmp_path / "x", "multiple-choice", "choices", [Example(request, 0) for request in requests])
    with pytest.raises(UsageError, match="62% of the text in the labelled data is unknown"):
        check_unknown_text(tokenizer, ENGLISH_TEXTS, [], dataset, precision="fp32")


def test_answers_are_not_compared_on_unknown_samples() -> None:
    task = TASKS["text-classification"]
    options = AccuracyOptions(texts=[KNOWN] * 3)
    assert UNKNOWN.is_unknown
    assert len(options.requests(task, UNKNOWN)) == 3
    assert options.describe_data(UNKNOWN) == "the calibration data"
    assert len(options.requests(task)) == 123
    assert options.describe_data() == "the bundled corpus and the calibration data"
    japanese = SampleTexts(UNKNOWN.corpora)
    assert options.requests(task, japanese)[0]["text"] == japanese.corpora[0].evaluation[0][0]
    assert options.describe_data(japanese) == "the bundled corpus (Japanese) and the calibration data"
