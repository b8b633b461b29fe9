"""Writes the tokenizer files of a bundle, for this project's runtime and for Hugging Face's libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from albert_converters.tokenizer.sentencepiece_proto import SentencePieceProto
from albert_converters.tokenizer.tokenizer_json import added_token, tokenizer_json
from albert_runtime.errors import UsageError
from albert_runtime.manifest import VOCABULARY_FILE
from albert_runtime.tokenization.config import CONFIG_FILE
from albert_runtime.tokenization.special_tokens import MASK_TOKEN, SPECIAL_TOKENS, TOKEN_OF_ROLE
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

FAST_TOKENIZER_FILE = "tokenizer.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"


def write_tokenizer(tokenizer: AlbertTokenizer, folder: Path) -> list[str]:
    """Write the tokenizer's files to `folder`, which must exist, and return their names.

    `spiece.model` is an exact copy. The slow tokenizer of transformers 4.57 reads `tokenizer_config.json` and
    `special_tokens_map.json`. With `tokenizer.json` the fast tokenizer returns the same ids as the slow one.

    Raises:
        UnsupportedError: the SentencePiece model can't be expressed in a tokenizer.json.
        UsageError: there is no such folder, or it can't be written to.
    """
    tokenizer.save_vocabulary(folder)
    proto = SentencePieceProto.parse((folder / VOCABULARY_FILE).read_bytes())
    contents: dict[str, dict[str, Any]] = {
        FAST_TOKENIZER_FILE: tokenizer_json(tokenizer, proto),
        CONFIG_FILE: _config(tokenizer),
        SPECIAL_TOKENS_FILE: _special_tokens_map(),
    }
    for name, content in contents.items():
        # people read the settings, but not the long vocabulary, so that is written in one line
        indent = None if name == FAST_TOKENIZER_FILE else 2
        text = json.dumps(content, ensure_ascii=False, indent=indent)
        try:
            (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"can't write {folder / name} ({error.strerror})") from None
    return [VOCABULARY_FILE, *contents]


def _config(tokenizer: AlbertTokenizer) -> dict[str, Any]:
    ids = tokenizer.convert_tokens_to_ids(SPECIAL_TOKENS)
    return {
        "tokenizer_class": "AlbertTokenizer",
        "do_lower_case": tokenizer.do_lower_case,
        "remove_space": tokenizer.remove_space,
        "keep_accents": tokenizer.keep_accents,
        "model_max_length": tokenizer.model_max_length,
        "clean_up_tokenization_spaces": False,
        **TOKEN_OF_ROLE,
        "added_tokens_decoder": {
            str(index): added_token(token) for index, token in zip(ids, SPECIAL_TOKENS, strict=True)
        },
    }


def _special_tokens_map() -> dict[str, Any]:
    """Role -> token. [MASK] has flags as well, since it strips the white space on its left."""
    flags = added_token(MASK_TOKEN)
    del flags["special"]
    return {role: flags if token == MASK_TOKEN else token for role, token in TOKEN_OF_ROLE.items()}
