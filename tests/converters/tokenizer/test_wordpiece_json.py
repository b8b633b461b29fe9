"""The parts of a WordPiece tokenizer.json that texts do not show; tests/parity compares the ids of texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from albert_converters.tokenizer.fast_added_tokens import FastAddedTokens, replace_pattern
from albert_converters.tokenizer.wordpiece_json import wordpiece_tokenizer_json
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {},
}


def content_of(folder: Path, lines: list[str], added: FastAddedTokens | None = None) -> dict[str, Any]:
    (folder / "vocab.txt").write_text("\n".join(lines), encoding="utf-8", newline="\n")
    model = WordPieceModel(folder / "vocab.txt", "[UNK]")
    return wordpiece_tokenizer_json(
        model, BertNormalizer(), added=added or FastAddedTokens([], []), post_processor=TEMPLATE
    )


def test_the_last_of_equal_lines_counts(tmp_path: Path) -> None:
    content = content_of(tmp_path, ["a", "[UNK]", "", "a", "##b", "", "c"])
    assert content["model"]["vocab"] == {"[UNK]": 1, "a": 3, "##b": 4, "": 5, "c": 6}
    # Where the unknown piece itself stands on two lines, it has the id of the last one.
    assert content_of(tmp_path, ["[UNK]", "a", "[UNK]"])["model"]["vocab"] == {"[UNK]": 2, "a": 1}


def test_the_library_reads_it(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(content_of(tmp_path, ["[UNK]", "do", "not", "##e", "人", "."])))
    encoding = tokenizer.encode("Do note\u3000人人.")
    assert encoding.tokens == ["do", "not", "##e", "人", "人", "."]
    assert encoding.offsets == [(0, 2), (3, 6), (6, 7), (8, 9), (9, 10), (10, 11)]
    assert tokenizer.decode(encoding.ids) == "do note 人 人 ."
    assert tokenizer.encode("do not").ids == [1, 2]
    assert tokenizer.decode([1, 2]) == "do not"  # and not "don't"


def test_characters_that_stand_for_added_tokens_are_not_dropped(tmp_path: Path) -> None:
    """They are for private use, which normalization drops otherwise."""
    mark, private = "\U000f0000", "\U00100000"

    def drops(added: FastAddedTokens, character: str) -> bool:
        step = content_of(tmp_path, ["[UNK]"], added)["normalizer"]["normalizers"][len(added.normalizers)]
        return re.fullmatch(step["pattern"]["Regex"], character) is not None

    marked = FastAddedTokens([], [replace_pattern("x", mark)])
    assert [drops(marked, character) for character in (mark, private, "a")] == [False, True, False]
    assert drops(FastAddedTokens([], []), mark)
    assert drops(marked, "\ufdd0")
    assert not drops(FastAddedTokens([{"content": "\ufdd0[E1]"}], []), "\ufdd0")
