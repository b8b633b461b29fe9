"""The five special tokens of ALBERT, and the function that finds them in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.normalizer import replace_surrogates

PAD_TOKEN, UNK_TOKEN, CLS_TOKEN, SEP_TOKEN, MASK_TOKEN = "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PAD_TOKEN, UNK_TOKEN, CLS_TOKEN, SEP_TOKEN, MASK_TOKEN)

#: the role, as tokenizer_config.json names it -> the token
TOKEN_OF_ROLE = {
    "bos_token": CLS_TOKEN,
    "eos_token": SEP_TOKEN,
    "unk_token": UNK_TOKEN,
    "sep_token": SEP_TOKEN,
    "pad_token": PAD_TOKEN,
    "cls_token": CLS_TOKEN,
    "mask_token": MASK_TOKEN,
}

_ANY = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))


def split_special_tokens(text: str, *, do_lower_case: bool) -> list[AlignedText]:
    """The special tokens that are written in `text` and the parts between them, in order; no part is empty.

    The white space to the left of [MASK] is dropped. Lone surrogates become U+FFFD.
    """
    parts = list(_split(AlignedText.of(replace_surrogates(text))))
    if do_lower_case:
        # Hugging Face lower-cases each character by itself before it looks for special tokens. Therefore "<PAD>" is
        # one, and a capital sigma never becomes a final sigma.
        parts = [
            lowered
            for part in parts
            for lowered in ([part] if part.text in SPECIAL_TOKENS else _split(part.map_characters(str.lower)))
        ]
    stripped = [
        part.rstrip() if follower is not None and follower.text == MASK_TOKEN else part
        for part, follower in zip(parts, [*parts[1:], None], strict=True)
    ]
    return [part for part in stripped if part.text]


def _split(text: AlignedText) -> Iterator[AlignedText]:
    end = 0
    for match in _ANY.finditer(text.text):
        yield text.part(end, match.start())
        yield text.part(match.start(), match.end())
        end = match.end()
    yield text.part(end, len(text.text))
