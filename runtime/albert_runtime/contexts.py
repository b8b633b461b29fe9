"""A tokenized context: the tokens and words of a text in which answers are searched, and its windows.

A context is tokenized once, however many questions are asked about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from albert_runtime.cached_property import cached_property
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.windows import TextWindow

#: What stands between the white space that Google's run_squad and Hugging Face's pipeline split a context at. U+202F is
#: the narrow no-break space; other Unicode spaces are part of a word.
_WORD = re.compile("[^ \t\r\n\u202f]+")


@dataclass(frozen=True)
class TokenizedContext:
    """A context and its tokens, as the second text of a pair and without special tokens around them."""

    text: str
    encoding: Encoding
    #: bool `[tokens]`: whether an answer may start or end at the token. It may not at a special token: [SEP] and the
    #: like that are written in the text, and `<unk>`, which stands for what the vocabulary lacks.
    selectable: NDArray[np.bool_]

    @classmethod
    def of(cls, text: str, tokenizer: AlbertTokenizer) -> TokenizedContext:
        """Tokenize `text`."""
        encoding = tokenizer(text, add_special_tokens=False).encodings[0]
        type_ids = (int(tokenizer.gives_token_type_ids),) * len(encoding)
        encoding = replace(encoding, type_ids=type_ids, sequence_ids=(1,) * len(encoding))
        special = tokenizer.get_special_tokens_mask(encoding.ids, already_has_special_tokens=True)
        return cls(text, encoding, ~np.array(special, dtype=np.bool_))

    @cached_property
    def token_spans(self) -> NDArray[np.int64]:
        """The characters (start, end) of each token, `[tokens, 2]`. A bare "▁" has none: its start is its end."""
        return np.array(self.encoding.offsets, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def word_spans(self) -> NDArray[np.int64]:
        """The characters (start, end) of the words that each token begins and ends in, `[tokens, 2]`."""
        words = np.array([match.span() for match in _WORD.finditer(self.text)], dtype=np.int64).reshape(-1, 2)
        first_characters = self.token_spans[:, 0]
        last_characters = np.maximum(self.token_spans[:, 1] - 1, first_characters)
        first_words, last_words = (
            np.searchsorted(words[:, 0], characters, side="right") - 1
            for characters in (first_characters, last_characters)
        )
        return np.stack([words[first_words, 0], words[last_words, 1]], axis=1)

    def windows(
        self, question: Encoding, tokenizer: AlbertTokenizer, *, length: int, step: int
    ) -> tuple[TextWindow, ...]:
        """The sequences `[CLS] question [SEP] window [SEP]` whose windows cover the context, as run_squad makes them.

        Args:
            question: the tokens of the question, without special tokens around them.
            tokenizer: the tokenizer of both texts.
            length: the most tokens in a sequence; it leaves room for at least one token of the context.
            step: the tokens between the beginnings of two neighbouring windows. If a window has room for fewer, the
                next window begins where it ends, so that no token is left out.
        """
        before = tokenizer.beginning_of_sequence() + question + tokenizer.separator()
        after = tokenizer.separator(second=True)
        room = length - len(before) - len(after)
        count = len(self.encoding)
        windows: list[TextWindow] = []
        first = 0
        while True:
            inside = range(first, min(first + room, count))
            end = len(before) + len(inside)
            windows.append(TextWindow(before + self.encoding.part(inside) + after, len(before), end, first))
            if inside.stop == count:
                return tuple(windows)
            first += min(step, room)
