"""Writes the tokenizer files of a bundle, for this project's runtime and for Hugging Face's libraries."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from albert_converters.tokenizer.fast_added_tokens import fast_added_tokens, token_record
from albert_converters.tokenizer.sentencepiece_proto import ModelType, SentencePieceProto
from albert_converters.tokenizer.tokenizer_json import post_processor, tokenizer_json
from albert_converters.tokenizer.wordpiece_json import wordpiece_tokenizer_json
from albert_runtime.errors import UsageError
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.config import (
    CONFIG_FILE,
    FAST_RULES,
    FAST_TOKENIZER_FILE,
    INPUT_NAMES_FIELD,
    RULES_FIELD,
    SENTENCEPIECE_RULES,
)
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

ADDED_TOKENS_FILE = "added_tokens.json"
logger = logging.getLogger("albert_export")

SPECIAL_TOKENS_FILE = "special_tokens_map.json"


def write_tokenizer(tokenizer: AlbertTokenizer, folder: Path) -> list[str]:
    """Write the tokenizer's files to `folder`, which must exist, and return their names.

    The vocabulary, `spiece.model` or `vocab.txt`, is an exact copy. The slow tokenizer of transformers 4.57 reads
    `tokenizer_config.json` and `special_tokens_map.json`. With `tokenizer.json` the fast tokenizer returns the same ids
    as the slow one. If tokens were added to the vocabulary, `added_tokens.json` has their ids, for older versions of
    transformers. A BPE model has no `tokenizer.json`, and a warning says so.

    Raises:
        UnsupportedError: the SentencePiece model can't be expressed in a tokenizer.json.
        UsageError: there is no such folder, or it can't be written to.
    """
    vocabulary = tokenizer.save_vocabulary(folder)
    contents: dict[str, dict[str, Any]] = {
        CONFIG_FILE: _config(tokenizer),
        SPECIAL_TOKENS_FILE: _special_tokens_map(tokenizer),
    }
    fast = _fast_tokenizer(tokenizer, vocabulary)
    contents = contents if fast is None else {FAST_TOKENIZER_FILE: fast, **contents}
    if tokenizer.vocabulary.beyond_pieces:
        contents[ADDED_TOKENS_FILE] = tokenizer.vocabulary.beyond_pieces
    for name, content in contents.items():
        # people read the settings, but not the long vocabulary, so that is written in one line
        indent = None if name == FAST_TOKENIZER_FILE else 2
        text = json.dumps(content, ensure_ascii=False, indent=indent)
        try:
            (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"can't write {folder / name} ({error.strerror})") from None
    return [vocabulary.name, *contents]


def _fast_tokenizer(tokenizer: AlbertTokenizer, vocabulary: Path) -> dict[str, Any] | None:
    """The content of tokenizer.json; the tokenizer's own, if it follows one. None if none gives the same ids."""
    if tokenizer.fast_rules is not None:
        return dict(tokenizer.fast_rules.content)
    if tokenizer.wordpiece is not None:
        assert isinstance(tokenizer.model, WordPieceModel)
        added = fast_added_tokens(tokenizer, trims_parts=False)
        return wordpiece_tokenizer_json(
            tokenizer.model, tokenizer.wordpiece, added=added, post_processor=post_processor(tokenizer)
        )
    proto = SentencePieceProto.parse(vocabulary.read_bytes())
    if proto.model_type is not ModelType.UNIGRAM:
        logger.warning(
            "%s holds a %s model: %s is left out, because it can express ALBERT's rules for Unigram models only. The "
            "runtime needs no such file, and Hugging Face's slow tokenizer reads %s",
            vocabulary.name,
            proto.model_type.name,
            FAST_TOKENIZER_FILE,
            vocabulary.name,
        )
        return None
    return tokenizer_json(tokenizer, proto)


def _config(tokenizer: AlbertTokenizer) -> dict[str, Any]:
    # the special tokens of ALBERT come first; the order of the others can decide which of them keeps its case
    tokens = sorted(tokenizer.vocabulary.added.tokens, key=lambda token: _place(token.content, tokenizer))
    additional = list(tokenizer.vocabulary.additional_special_tokens)
    kind: dict[str, Any]
    if tokenizer.wordpiece is not None:
        kind = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": tokenizer.wordpiece.do_lower_case,
            "strip_accents": tokenizer.wordpiece.strip_accents,
            "tokenize_chinese_chars": tokenizer.wordpiece.tokenize_chinese_chars,
        }
    else:
        kind = {
            "tokenizer_class": "AlbertTokenizer",
            "do_lower_case": tokenizer.do_lower_case,
            "remove_space": tokenizer.remove_space,
            "keep_accents": tokenizer.keep_accents,
        }
    return {
        **kind,
        **({RULES_FIELD: FAST_RULES} if tokenizer.fast_rules is not None else {}),
        **({RULES_FIELD: SENTENCEPIECE_RULES} if tokenizer.sentencepiece_only else {}),
        # transformers 5 gives no token_type_ids without this field
        INPUT_NAMES_FIELD: [
            "input_ids",
            *(["token_type_ids"] if tokenizer.gives_token_type_ids else []),
            "attention_mask",
        ],
        "model_max_length": tokenizer.model_max_length,
        "clean_up_tokenization_spaces": False,
        **tokenizer.special_tokens.roles,
        **({"additional_special_tokens": additional} if additional else {}),
        "added_tokens_decoder": {str(token.id): token_record(token) for token in tokens},
    }


def _place(content: str, tokenizer: AlbertTokenizer) -> int:
    contents = tokenizer.special_tokens.contents
    return contents.index(content) if content in contents else len(contents)


def _special_tokens_map(tokenizer: AlbertTokenizer) -> dict[str, Any]:
    """Role -> token. One that strips white space is written with its flags."""
    tokens = {token.content: token for token in tokenizer.vocabulary.added.tokens}
    additional = [_with_flags(tokens[content]) for content in tokenizer.vocabulary.additional_special_tokens]
    roles = {role: _with_flags(tokens[content]) for role, content in tokenizer.special_tokens.roles.items()}
    return {**roles, **({"additional_special_tokens": additional} if additional else {})}


def _with_flags(token: AddedToken) -> str | dict[str, Any]:
    if not (token.lstrip or token.rstrip):
        return token.content
    record = token_record(token)
    del record["special"]
    return record
