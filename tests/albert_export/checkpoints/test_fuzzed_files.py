"""Any JSON and any bytes in a checkpoint's text files: they are read, or refused with an error of this project."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import albert_export
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.config import AlbertConfig
from albert_runtime.errors import AlbertError
from tests.tokenizer_json import fast_tokenizer, small_vocabulary
from tests.wordpiece_vocabulary import write_vocabulary

LINES = ["the cat sat on the mat", "a dog, a cat and 1,999 mice", "they (never) saw the sea", "it costs £5 - or €6."]
SIZES = {"embedding_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXTS = ("the cat [MASK] (sat), 1,999 é ``", "猫 は \u0301 [SEP]")
#: values that stand anywhere in other people's files
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["[CLS]", "<pad>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def parts_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all parts of a JSON value; of a long list only those of the first parts."""
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += parts_of(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value[:4]):
            found += parts_of(part, (*path, index))
    return found


def with_part(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return part
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_part(value[path[0]], path[1:], part)
    return changed


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_vocabulary(tmp_path_factory.mktemp("pieces") / "spiece.model", LINES, vocab_size=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = AlbertConfig(**SIZES, intermediate_size=12, vocab_size=200, max_position_embeddings=16)
    albert_export.AlbertForSequenceClassification(config).save_pretrained(tmp_path)
    return tmp_path


def use(folder: Path) -> None:
    """Read the checkpoint and its tokenizer, and tokenize with it; errors of this project are right answers."""
    with contextlib.suppress(AlbertError):
        tokenizer = load_tokenizer(read_checkpoint(folder))
        for text in TEXTS:
            [encoding] = tokenizer(text, text).encodings
            assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)
            tokenizer.decode(encoding.ids)


def fuzz(folder: Path, file: str, content: Any, examples: int = 150) -> None:
    """Use the folder with one part of the JSON in `file` replaced, and with some of its bytes replaced."""
    text = json.dumps(content).encode()
    quiet = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))

    @quiet
    @given(st.sampled_from(parts_of(content)), JUNK)
    def replace_part(path: tuple[Any, ...], part: Any) -> None:
        (folder / file).write_text(json.dumps(with_part(content, path, part)), encoding="utf-8")
        use(folder)

    @quiet
    @given(st.integers(0, len(text) - 1), st.integers(0, 40), st.binary(max_size=6))
    def replace_bytes(place: int, length: int, new: bytes) -> None:
        (folder / file).write_bytes(text[:place] + new + text[place + length :])
        use(folder)

    replace_part()
    replace_bytes()


def test_config(folder: Path, pieces: Path) -> None:
    shutil.copy(pieces, folder)
    fuzz(folder, "config.json", {**json.loads((folder / "config.json").read_text()), "id2label": {"0": "a", "1": "b"}})


@pytest.mark.parametrize("version", [4, 5])
def test_unigram_tokenizer_json(folder: Path, pieces: Path, version: int) -> None:
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "AlbertTokenizer", "backend": "tokenizers"}')
    fuzz(folder, "tokenizer.json", fast_tokenizer(version, pieces))


def test_wordpiece_tokenizer_json(folder: Path) -> None:
    import tokenizers
    import transformers

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s", "the", "(", ")", ",", "1", "猫"]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    fast = transformers.BertTokenizerFast(str(folder / "vocab.txt"))
    (folder / "vocab.txt").unlink()
    content = json.loads(fast.backend_tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    (folder / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = load_tokenizer(read_checkpoint(folder))
    for text in TEXTS:
        assert tokenizer.encode(text) == tokenizers.Tokenizer.from_str(json.dumps(content)).encode(text).ids
    fuzz(folder, "tokenizer.json", content)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (
            "tokenizer_config.json",
            {
                "tokenizer_class": "AlbertTokenizer",
                "do_lower_case": True,
                "model_max_length": 512,
                "mask_token": {"content": "[MASK]", "lstrip": True},
                "cls_token": "[CLS]",
                "additional_special_tokens": ["[E1]"],
                "extra_special_tokens": {"image": "<image>"},
                "added_tokens_decoder": {"60": {"content": "[E1]", "special": True, "normalized": False}},
                "sp_model_kwargs": {"add_bos": False},
                "model_input_names": ["input_ids"],
            },
        ),
        ("special_tokens_map.json", {"cls_token": "[CLS]", "additional_special_tokens": ["a", {"content": "b"}]}),
        ("added_tokens.json", {"[E1]": 60, "[E2]": 61}),
    ],
)
def test_settings(folder: Path, pieces: Path, file: str, content: Any) -> None:
    shutil.copy(pieces, folder)
    fuzz(folder, file, content)


def test_vocab_txt(folder: Path) -> None:
    original = write_vocabulary(folder / "vocab.txt").read_bytes()[:800]

    def insert(change: Callable[[bytes], bytes]) -> None:
        (folder / "vocab.txt").write_bytes(change(original))
        use(folder)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(original)), st.integers(0, 300), st.binary(max_size=20))
    def check(place: int, length: int, new: bytes) -> None:
        insert(lambda content: content[:place] + new + content[place + length :])

    check()
