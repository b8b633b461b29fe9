from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from albert_converters.tokenizer.files import write_tokenizer
from albert_converters.tokenizer.sentencepiece_proto import ModelType, PieceType, SentencePieceProto
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

VOCABULARY = Path(__file__).parents[2] / "fixtures" / "albert" / "spiece.model"
SENTENCES = [
    "This is a test.",
    "  In 1999, or (perhaps) 2,000,000 — 9,9 and 5, then 1,5,3, ended.  ",
    "``Quotes'' and \"quotes\", £5 – €6-7.",
    "Ünïcödé, naïve cafe\u0301s: \ufb01ne ½ ㍿ 漢字 x²",
    "\tA [MASK]  B[SEP]c <pad> [CLS] [MASK]",
    "Ελληνικά ΑΣ Ѐлка İstanbul",
    "",
    " ",
    "a\u00a0b\u2028c\u200bd\x1ce",
    "हिन्दी தமிழ் ไทย 한국어",
]


def train(tmp_path: Path, **options: Any) -> Path:
    """Train a small SentencePiece model, as small checkpoints have."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([f"the {n}, cat and {n * 7}, (dogs) of {n:04},5 villages." for n in range(300)] * 2),
        model_writer=model,
        **{
            "vocab_size": 120,
            "pad_id": 0,
            "unk_id": 1,
            "bos_id": -1,
            "eos_id": -1,
            "pad_piece": "<pad>",
            "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
            "user_defined_symbols": ["(", ")", "."],
            "normalization_rule_name": "identity",
            "minloglevel": 2,
            **options,
        },
    )
    file = tmp_path / "small.model"
    file.write_bytes(model.getvalue())
    return file


def fast_and_slow(folder: Path) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    return transformers.AlbertTokenizerFast.from_pretrained(folder), transformers.AlbertTokenizer.from_pretrained(
        folder
    )


def test_files(tmp_path: Path) -> None:
    names = write_tokenizer(AlbertTokenizer(VOCABULARY, model_max_length=128), tmp_path)
    assert sorted(names) == sorted(file.name for file in tmp_path.iterdir())
    assert sorted(names) == ["special_tokens_map.json", "spiece.model", "tokenizer.json", "tokenizer_config.json"]
    assert (tmp_path / "spiece.model").read_bytes() == VOCABULARY.read_bytes()
    assert json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))["tokenizer_class"] == "AlbertTokenizer"


@pytest.mark.parametrize("given", [True, False])
def test_the_names_of_the_inputs(tmp_path: Path, given: bool) -> None:
    write_tokenizer(AlbertTokenizer(VOCABULARY, gives_token_type_ids=given), tmp_path)
    names = json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))["model_input_names"]
    assert names == ["input_ids", *(["token_type_ids"] if given else []), "attention_mask"]
    pair = ("Who is it?", "It is I.")
    for tokenizer in fast_and_slow(tmp_path):
        assert ("token_type_ids" in tokenizer(*pair)) is given
    again = AlbertTokenizer.from_folder(tmp_path)
    assert again.gives_token_type_ids is given


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_lower_case": False, "keep_accents": True, "remove_space": False, "model_max_length": 64},
        {"keep_accents": True, "model_max_length": 10**30},
    ],
)
def test_round_trip_and_hugging_face(tmp_path: Path, options: dict[str, Any]) -> None:
    ours = AlbertTokenizer(VOCABULARY, **options)
    write_tokenizer(ours, tmp_path)
    again = AlbertTokenizer.from_folder(tmp_path)
    for name in ("do_lower_case", "keep_accents", "remove_space", "model_max_length"):
        assert getattr(again, name) == getattr(ours, name)
    fast, slow = fast_and_slow(tmp_path)
    assert fast.model_max_length == slow.model_max_length == ours.model_max_length
    for text in SENTENCES:
        expected = ours.encode(text)
        assert slow.encode(text) == expected, text
        assert fast.encode(text) == expected, text
        if ours.unk_token_id not in expected:
            assert fast.decode(expected[1:-1]).split() == ours.decode(expected[1:-1]).split()


def test_fast_pairs(tmp_path: Path) -> None:
    ours = AlbertTokenizer(VOCABULARY)
    write_tokenizer(ours, tmp_path)
    fast, _ = fast_and_slow(tmp_path)
    assert dict(fast("Who is it?", "It is I, in 1999, (here).")) == dict(
        ours("Who is it?", "It is I, in 1999, (here).")
    )
    assert (fast.cls_token_id, fast.sep_token_id, fast.pad_token_id, fast.mask_token_id) == (2, 3, 0, 4)


def test_small_vocabulary_without_normalization(tmp_path: Path) -> None:
    ours = AlbertTokenizer(train(tmp_path))
    folder = tmp_path / "files"
    folder.mkdir()
    write_tokenizer(ours, folder)
    fast, slow = fast_and_slow(folder)
    assert len(fast) == ours.vocab_size == 120
    for text in [*SENTENCES, *(f"the cat, {n}, and 0{n},5, villages ({n}).z" for n in range(400))]:
        assert slow.encode(text) == ours.encode(text), text
        assert fast.encode(text) == ours.encode(text), text


def test_other_models_have_no_fast_tokenizer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written = write_tokenizer(AlbertTokenizer(train(tmp_path, model_type="bpe")), tmp_path)
    assert "tokenizer.json" not in written
    assert not (tmp_path / "tokenizer.json").exists()
    assert "spiece.model holds a BPE model: tokenizer.json is left out" in caplog.text


def test_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        write_tokenizer(AlbertTokenizer(VOCABULARY), tmp_path / "absent")


def test_proto_agrees_with_sentencepiece(tmp_path: Path) -> None:
    for file in (VOCABULARY, train(tmp_path)):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
        proto = SentencePieceProto.parse(file.read_bytes())
        ids = list(range(len(proto.entries)))
        assert len(ids) == processor.get_piece_size()
        assert [entry.piece for entry in proto.entries] == processor.id_to_piece(ids)
        assert [entry.score for entry in proto.entries] == processor.get_score(ids)
        assert [entry.type is PieceType.CONTROL for entry in proto.entries] == processor.is_control(ids)
        assert proto.model_type is ModelType.UNIGRAM
        assert bool(proto.charsmap) == (file == VOCABULARY)


@pytest.mark.parametrize(
    "content", [VOCABULARY.read_bytes()[:-7], b"\xff", b"\x0b\x00", b"\x08\x01\x12", b"\x0a\x02\x0a\x7f"]
)
def test_damaged_proto(content: bytes) -> None:
    with pytest.raises(UnsupportedError, match="can't be read"):
        SentencePieceProto.parse(content)
