"""The `tokenizer.json` of Hugging Face's fast tokenizers, made from a SentencePiece model and ALBERT's rules.

The fast tokenizer returns the same ids as the slow one, which ALBERT was trained with. Three rules of the slow one
have no counterpart in a tokenizer.json, and are expressed by other means:

- SentencePiece never splits a user-defined piece such as "(", and prefers it to all others. As an added token it would
  split the text in two, and the second half would begin with an additional space. It is written as an ordinary piece
  with a score that no other split of the same text reaches.
- Pieces such as "1999," are split again before the comma. Their scores are lowered here, so that the same text in
  several pieces always has a higher score.
- The accents to strip are the characters with a Unicode combining class, and not all marks.

Added tokens are in `fast_added_tokens.py`.
"""

from __future__ import annotations

import base64
import math
import unicodedata
from collections.abc import Container
from typing import Any

from albert_converters.tokenizer.fast_added_tokens import (
    NEVER_FOUND,
    character_class,
    fast_added_tokens,
    replace_pattern,
)
from albert_converters.tokenizer.sentencepiece_proto import ModelType, PieceType, SentencePieceProto
from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.piece_model import WORD_START
from albert_runtime.tokenization.sentencepiece_model import ends_in_digit_and_comma
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

#: the score of a piece that must not be chosen is this much below that of its parts
_MARGIN = 1e-3


def tokenizer_json(tokenizer: AlbertTokenizer, proto: SentencePieceProto) -> dict[str, Any]:
    """Return the content of a tokenizer.json for `tokenizer`, whose SentencePiece model is `proto`.

    Raises:
        UnsupportedError: it is not a unigram model.
    """
    if proto.model_type is not ModelType.UNIGRAM:
        raise UnsupportedError(
            f"the SentencePiece model is a {proto.model_type.name.lower()} model; tokenizer.json can be written for "
            "unigram models only, which all ALBERT checkpoints have"
        )
    contents = {token.content for token in tokenizer.vocabulary.added.tokens}
    vocabulary = _vocabulary(proto, contents, splits_commas=not tokenizer.sentencepiece_only)
    added = fast_added_tokens(tokenizer, trims_parts=proto.remove_extra_whitespaces)
    metaspace = {
        "type": "Metaspace",
        "replacement": WORD_START,
        "prepend_scheme": "always" if proto.add_dummy_prefix else "never",
        "split": _words_are_independent(vocabulary),
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added.records,
        "normalizer": {"type": "Sequence", "normalizers": [*added.normalizers, *_normalizers(tokenizer, proto)]},
        "pre_tokenizer": metaspace,
        "post_processor": post_processor(tokenizer),
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": tokenizer.unk_token_id,
            "vocab": [[piece, score] for piece, score in vocabulary],
            "byte_fallback": any(entry.type is PieceType.BYTE for entry in proto.entries),
        },
    }


#: "^" and "$" would match at the ends of lines
_SPACES_AT_THE_ENDS = r"(?<![\s\S]) +| +(?![\s\S])"


def _normalizers(tokenizer: AlbertTokenizer, proto: SentencePieceProto) -> list[dict[str, Any]]:
    """Return the steps of `Normalizer`, followed by those of SentencePiece."""
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    steps: list[dict[str, Any]] = []
    if tokenizer.remove_space:
        steps += [replace_pattern(character_class(str.isspace) + "+", " "), strip]
    steps += [] if tokenizer.sentencepiece_only else [replace_pattern("``|''", '"')]
    if not tokenizer.keep_accents:
        steps += [{"type": "NFKD"}, replace_pattern(character_class(unicodedata.combining), "")]
    if tokenizer.do_lower_case:
        steps += [{"type": "Lowercase"}]
    if proto.charsmap:
        if _needs_composition(proto):
            steps += [{"type": "NFC"}]
        steps += [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(proto.charsmap).decode("ascii")}]
    if proto.remove_extra_whitespaces:
        # `Strip` takes other white space too, such as U+0085, which only `remove_space` has dropped before.
        spaces = strip if tokenizer.remove_space else replace_pattern(_SPACES_AT_THE_ENDS, "")
        steps += [replace_pattern(" {2,}", " "), spaces]
    return steps


def _needs_composition(proto: SentencePieceProto) -> bool:
    """Whether the vocabulary has characters that several others, which are no marks, compose: Hangul above all.

    SentencePiece's rules compose them, as they apply to sequences; in a tokenizer.json, they apply to each character.
    """
    if any(entry.type is PieceType.BYTE for entry in proto.entries):
        return True
    characters = set("".join(entry.piece for entry in proto.entries))
    return any(
        sum(unicodedata.combining(part) == 0 for part in unicodedata.normalize("NFD", character)) > 1
        for character in characters
    )


def _vocabulary(proto: SentencePieceProto, added: Container[str], *, splits_commas: bool) -> list[tuple[str, float]]:
    """Return each piece, with the score that makes the fast tokenizer choose the same pieces as the slow one.

    A control piece that is not among the `added` tokens is never found in a text, so it gets a name that no text holds.
    """
    normal = {entry.piece: entry.score for entry in proto.entries if entry.type is PieceType.NORMAL}
    best = max(normal.values(), default=0.0)
    vocabulary = []
    for entry in proto.entries:
        score = entry.score
        if entry.type is PieceType.USER_DEFINED:
            # the score that SentencePiece's unigram model gives such a piece, by the number of its bytes
            score = len(entry.piece.encode()) * best - 0.1
        elif splits_commas and entry.type is PieceType.NORMAL and ends_in_digit_and_comma(entry.piece):
            score = min(score, _best_score(entry.piece[:-1], normal) + normal.get(",", math.inf) - _MARGIN)
        never = entry.type in (PieceType.CONTROL, PieceType.UNUSED) and entry.piece not in added
        vocabulary.append((NEVER_FOUND + entry.piece if never else entry.piece, score))
    return vocabulary


def _best_score(text: str, scores: dict[str, float]) -> float:
    """Return the highest sum of scores over all splits of `text` into pieces (Viterbi); infinite if there is none."""
    best = [0.0]
    for end in range(1, len(text) + 1):
        best.append(
            max(
                (best[start] + scores[text[start:end]] for start in range(end) if text[start:end] in scores),
                default=-math.inf,
            )
        )
    return best[-1] if best[-1] > -math.inf else math.inf


def _words_are_independent(vocabulary: list[tuple[str, float]]) -> bool:
    """Whether words can be split one by one: no piece spans two words, and a space alone is a piece."""
    pieces = [piece for piece, _ in vocabulary]
    return WORD_START in pieces and not any(WORD_START in piece[1:] for piece in pieces)


def post_processor(tokenizer: AlbertTokenizer) -> dict[str, Any]:
    """Add the special tokens: `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, with type ids 0 and 1."""

    def special(token: str, type_id: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": type_id}}

    def sequence(name: str, type_id: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": type_id}}

    cls, sep = tokenizer.special_tokens.cls, tokenizer.special_tokens.sep
    second = int(tokenizer.gives_token_type_ids)
    single = [special(cls, 0), sequence("A", 0), special(sep, 0)]
    ids = {cls: tokenizer.cls_token_id, sep: tokenizer.sep_token_id}
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, sequence("B", second), special(sep, second)],
        "special_tokens": {token: {"id": token, "ids": [index], "tokens": [token]} for token, index in ids.items()},
    }
