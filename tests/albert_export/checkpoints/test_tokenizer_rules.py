"""Which of a folder's tokenizers is followed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers

import albert_export
from albert_export.checkpoints import ReadOptions, read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.checkpoints.tokenizer_rules import tokenizer_of
from albert_export.config import AlbertConfig
from albert_runtime.errors import AlbertError, CheckpointError, UsageError
from tests.tokenizer_json import VOCABULARY, fast_tokenizer, write_fast_tokenizer

SIZES = {
    "embedding_size": 4,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 12,
}
TEXT = "In 1999, they sold (about half) of the  ``blue'' ones; 9,9 café. "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint without a tokenizer."""
    config = AlbertConfig(**SIZES, vocab_size=30000)
    albert_export.AlbertForSequenceClassification(config).save_pretrained(tmp_path)
    return tmp_path


def ids_of(folder: Path, text: str = TEXT, rules: str | None = None) -> list[int]:
    return load_tokenizer(read_checkpoint(folder, ReadOptions(tokenizer=rules))).encode(text)


def file_ids(folder: Path, text: str = TEXT) -> list[int]:
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids


def slow_ids(folder: Path, text: str = TEXT) -> list[int]:
    return transformers.AlbertTokenizer.from_pretrained(folder)(text)["input_ids"]


def test_only_a_tokenizer_json(folder: Path) -> None:
    """What transformers 5 saves: no spiece.model."""
    write_fast_tokenizer(folder, fast_tokenizer(5), backend="tokenizers")
    tokenizer = load_tokenizer(read_checkpoint(folder))
    assert tokenizer.encode(TEXT) == file_ids(folder)
    assert tokenizer.vocab_file.name == "spiece.model"


def test_transformers_5_gives_no_token_types(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_fast_tokenizer(folder, fast_tokenizer(5), backend="tokenizers")
    pair = load_tokenizer(read_checkpoint(folder))("one text", "another")
    assert set(pair["token_type_ids"]) == {0}
    assert "gives no token_type_ids" in caplog.text
    names = ["input_ids", "token_type_ids", "attention_mask"]
    write_fast_tokenizer(folder, fast_tokenizer(5), backend="tokenizers", model_input_names=names)
    assert set(load_tokenizer(read_checkpoint(folder))("one text", "another")["token_type_ids"]) == {0, 1}


def test_a_folder_that_the_usual_fast_tokenizer_saved(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Transformers 4.57's AutoTokenizer, from a folder with spiece.model; "(" and the like are pieces of it."""
    source = folder / "source"
    source.mkdir()
    shutil.copy(VOCABULARY, source / "spiece.model")
    transformers.AlbertTokenizerFast.from_pretrained(source).save_pretrained(folder)
    shutil.rmtree(source)
    assert ids_of(folder) == file_ids(folder) != slow_ids(folder)
    assert "spiece.model and tokenizer.json give different tokens for " in caplog.text
    assert "tokenizer.json is followed, because tokenizer_config.json has tokenizer_class" in caplog.text
    assert "--tokenizer slow" in caplog.text
    assert ids_of(folder, rules="slow") == slow_ids(folder)


def test_a_published_folder_follows_its_vocabulary(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There, tokenizer.json was made later, and nothing says that a fast tokenizer saved the folder."""
    shutil.copy(VOCABULARY, folder / "spiece.model")
    (folder / "tokenizer.json").write_text(json.dumps(fast_tokenizer(4)))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    assert ids_of(folder) == slow_ids(folder)
    assert "spiece.model is followed" in caplog.text
    assert ids_of(folder, rules="fast") == file_ids(folder)


@pytest.mark.parametrize("change", [{"do_lower_case": False}, {"keep_accents": True}])
def test_a_tokenizer_json_that_says_something_else(folder: Path, change: dict[str, Any]) -> None:
    shutil.copy(VOCABULARY, folder / "spiece.model")
    content = fast_tokenizer(4, **change)
    write_fast_tokenizer(folder, content)
    for text in ("ALL Capitals", "café", "हिन्दी"):
        assert ids_of(folder, text) == file_ids(folder, text)


def test_equal_tokenizers_are_not_mentioned(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The tokenizer.json of a bundle gives the ids of the slow tokenizer."""
    from albert_converters.tokenizer.files import write_tokenizer
    from albert_runtime import AlbertTokenizer

    write_tokenizer(AlbertTokenizer(VOCABULARY), folder)
    tokenizer = load_tokenizer(read_checkpoint(folder))
    assert tokenizer.fast_rules is None
    assert "tokenizer" not in caplog.text


def test_more_rows_than_pieces(folder: Path) -> None:
    """`resize_token_embeddings(pad_to_multiple_of=64)`."""
    shutil.copy(VOCABULARY, folder / "spiece.model")
    albert_export.AlbertForSequenceClassification(AlbertConfig(**SIZES, vocab_size=30016)).save_pretrained(folder)
    assert ids_of(folder) == slow_ids(folder)


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda content: content.pop(key)


def set_model(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda content: content["model"].update(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_model(type="BPE"), "the vocabulary is BPE; supported are Unigram and WordPiece"),
        (set_model(vocab=[]), "vocab must be a list of pieces and scores"),
        (set_model(vocab=[["a", "b"]]), r"vocab\[0\] is \['a', 'b'\]"),
        (set_model(unk_id=None), "unk_id is None"),
        (without("post_processor"), "post_processor is missing"),
        (lambda content: content.update(pre_tokenizer={"type": "ByteLevel"}), "pre-tokenizer 'ByteLevel' .* supported"),
        (lambda content: content.update(normalizer={"type": "Nmt"}), "normalizer 'Nmt' .* not supported"),
        (lambda content: content.update(normalizer=[7]), "normalizer .* not supported"),
        (lambda content: content.update(added_tokens=[{"id": 1}]), "added_tokens must hold objects"),
        (lambda content: content["post_processor"]["pair"].pop(), "pair is .*, and must be"),
        (
            lambda content: content.update(
                normalizer={"type": "Replace", "pattern": {"Regex": "("}, "content": ""}
            ),
            "normalizer 'Replace'",
        ),
    ],
)  # fmt: skip
def test_tokenizer_files_that_are_refused(folder: Path, change: Callable[[dict[str, Any]], Any], said: str) -> None:
    content = fast_tokenizer(5)
    change(content)
    write_fast_tokenizer(folder, content, backend="tokenizers")
    with pytest.raises(CheckpointError, match=said):
        ids_of(folder)


def test_an_unsupported_tokenizer_json_beside_a_vocabulary(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy(VOCABULARY, folder / "spiece.model")
    write_fast_tokenizer(folder, {**fast_tokenizer(4), "pre_tokenizer": {"type": "ByteLevel"}})
    assert ids_of(folder) == slow_ids(folder)
    assert "tokenizer.json is not followed, and was not compared with spiece.model" in caplog.text


def test_a_vocabulary_with_unsupported_settings_beside_a_tokenizer_json(folder: Path) -> None:
    shutil.copy(VOCABULARY, folder / "spiece.model")
    write_fast_tokenizer(folder, fast_tokenizer(4), sp_model_kwargs={"add_bos": True})
    assert ids_of(folder) == file_ids(folder)


@pytest.mark.parametrize(
    ("rules", "error", "said"),
    [
        ("quick", UsageError, "there is no tokenizer 'quick'; choose slow or fast"),
        ("slow", UsageError, "has no spiece.model and no vocab.txt"),
    ],
)
def test_rules_that_can_not_be_followed(folder: Path, rules: str, error: type[AlbertError], said: str) -> None:
    write_fast_tokenizer(folder, fast_tokenizer(5))
    with pytest.raises(error, match=said):
        ids_of(folder, rules=rules)


def test_fast_rules_without_a_tokenizer_json(folder: Path) -> None:
    shutil.copy(VOCABULARY, folder / "spiece.model")
    with pytest.raises(UsageError, match=r"has no tokenizer\.json"):
        ids_of(folder, rules="fast")


def test_no_tokenizer_at_all(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no spiece\.model, tokenizer\.json or vocab\.txt.* --no-tokenizer"):
        ids_of(folder)


def test_a_preset_of_keras_hub_is_split_by_sentencepiece_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import sentencepiece

    preset = Path(__file__).parents[2] / "fixtures" / "frameworks" / "keras_hub" / "classifier"
    shutil.copytree(preset, tmp_path / "preset")
    file = tmp_path / "preset" / "assets" / "tokenizer" / "vocabulary.spm"
    file.parent.mkdir(parents=True)
    shutil.copy(VOCABULARY, file)
    tokenizer = tokenizer_of(read_checkpoint(tmp_path / "preset"))
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    for text in ("In 1999, THE ``cat'' sat.", "café  a"):
        assert tokenizer.encode(text, add_special_tokens=False) == model.encode(text)
    assert "does not lower-case" in caplog.text
