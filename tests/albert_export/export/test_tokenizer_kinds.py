"""Bundles of checkpoints with other tokenizers than Google's: the session gives the ids and answers of the original."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
import transformers

import albert_runtime
from albert_export.export import export_onnx
from albert_export.verification.verify import verify_bundle
from tests.tokenizer_json import fast_tokenizer, small_vocabulary, write_fast_tokenizer

LINES = [
    "The cat (a black one) sat on the mat in 1999, and slept.",
    "They sold 1,234, 5,678 and 9,9 of them, she said.",
    "It costs £5 - or €6. Who knows?",
    "A dog and a mouse are in the house, but the cat is not.",
]
TEXTS = [*LINES, "``Quoted'' CAFÉ (twice)", "a  cat\tand [MASK] dogs"]


def save_model(folder: Path, size: int) -> Any:
    torch.manual_seed(1)
    config = transformers.AlbertConfig(
        vocab_size=size, embedding_size=16, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=64, initializer_range=0.2,
    )  # fmt: skip
    model = transformers.AlbertForMaskedLM(config).eval()
    model.save_pretrained(folder)
    return model


def save_fast(folder: Path, version: int) -> Any:
    """The files of transformers 4 or 5; the ids are those of the library `tokenizers`."""
    file = small_vocabulary(folder / "spiece.model", LINES, vocab_size=120)
    write_fast_tokenizer(folder, fast_tokenizer(version, file), **({"backend": "tokenizers"} if version == 5 else {}))
    if version == 5:
        file.unlink()
    fast = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    return lambda text: fast.encode(text).ids


def save_bpe(folder: Path) -> Any:
    small_vocabulary(folder / "spiece.model", LINES, vocab_size=120, model_type="bpe")
    return lambda text: transformers.AlbertTokenizer.from_pretrained(folder)(text)["input_ids"]


def save_with_special_tokens_behind(folder: Path) -> Any:
    """SentencePiece's own defaults: <unk>, <s>, </s>, and no [CLS]."""
    own = {"pad_id": -1, "unk_id": 0, "bos_id": 1, "eos_id": 2, "control_symbols": []}
    small_vocabulary(folder / "spiece.model", LINES, vocab_size=120, **own)
    return lambda text: transformers.AlbertTokenizer.from_pretrained(folder)(text)["input_ids"]


KINDS = {
    "transformers 5": lambda folder: save_fast(folder, 5),
    "transformers 4": lambda folder: save_fast(folder, 4),
    "bpe": save_bpe,
    "special tokens behind the pieces": save_with_special_tokens_behind,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_answers_as_the_original(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    ids_of = KINDS[kind](folder)
    model = save_model(folder, 128)
    export_onnx(folder, tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", folder).passed
    session = albert_runtime.load(tmp_path / "bundle")
    for text in TEXTS:
        arrays = session.tokenizer(text).to_arrays()
        assert arrays["input_ids"].tolist() == [ids_of(text)], text
        with torch.no_grad():
            expected = model(**{name: torch.from_numpy(array) for name, array in arrays.items()}).logits.numpy()
        np.testing.assert_allclose(session.run(arrays)["logits"], expected, atol=1e-4)
    [filled] = session(f"the {session.tokenizer.special_tokens.mask} sat", top_k=3)
    assert len(filled) == 3
    assert (tmp_path / "bundle" / "spiece.model").is_file()
