"""SequenceLayout: the special tokens around the texts of a sequence, as ALBERT expects them."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.errors import UsageError
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.special_tokens import SpecialTokens
from albert_runtime.tokenization.truncation import Window
from albert_runtime.tokenization.vocabulary import Vocabulary


class SequenceLayout:
    """Makes sequences `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`. It never changes after construction."""

    def __init__(
        self, vocabulary: Vocabulary, special_tokens: SpecialTokens, *, gives_token_type_ids: bool = True
    ) -> None:
        """Look up the ids of the tokens that have a role.

        Args:
            vocabulary: the tokens and their ids.
            special_tokens: the tokens that have a role.
            gives_token_type_ids: whether the second text of a pair has token type 1; if False, all types are 0.
        """
        self.vocabulary = vocabulary
        self.special_tokens = special_tokens
        self.gives_token_type_ids = gives_token_type_ids
        self.pad_token_id = vocabulary.id_of(special_tokens.pad)
        self.unk_token_id = vocabulary.id_of(special_tokens.unk)
        self.cls_token_id = vocabulary.id_of(special_tokens.cls)
        self.sep_token_id = vocabulary.id_of(special_tokens.sep)
        self.mask_token_id = vocabulary.id_of(special_tokens.mask)

    def beginning_of_sequence(self, sample: int = 0) -> Encoding:
        """The token before all texts, as a sequence of its own."""
        return Encoding.added(self.special_tokens.cls, self.cls_token_id, sample=sample)

    def separator(self, *, second: bool = False) -> Encoding:
        """The token behind a text, as a sequence of its own; the text is the second one of a pair, if so said."""
        type_id = int(second and self.gives_token_type_ids)
        return Encoding.added(self.special_tokens.sep, self.sep_token_id, type_id=type_id)

    def lay_out(self, first: Encoding, second: Encoding | None, window: Window, add_special_tokens: bool) -> Encoding:
        """The sequence of one window, with [CLS] and [SEP] if `add_special_tokens` is set."""
        sequence = first.part(window.first)
        if add_special_tokens:
            sequence = self.beginning_of_sequence(first.sample) + sequence + self.separator()
        if second is not None:
            sequence += second.part(window.second)
            if add_special_tokens:
                sequence += self.separator(second=True)
        return sequence

    def build_inputs_with_special_tokens(self, ids: Sequence[int], pair_ids: Sequence[int] | None = None) -> list[int]:
        """`[CLS] ids [SEP]`, or `[CLS] ids [SEP] pair_ids [SEP]`."""
        first = [self.cls_token_id, *ids, self.sep_token_id]
        return first if pair_ids is None else [*first, *pair_ids, self.sep_token_id]

    def get_special_tokens_mask(
        self, ids: Sequence[int], pair_ids: Sequence[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for every special token, 0 for the others.

        Args:
            ids: the token ids of the first text.
            pair_ids: the token ids of the second text.
            already_has_special_tokens: `ids` are a whole sequence. If False, the mask is for the sequence that
                `build_inputs_with_special_tokens` makes of them.

        Raises:
            UsageError: `pair_ids` is given together with a whole sequence.
        """
        if already_has_special_tokens:
            if pair_ids is not None:
                raise UsageError(
                    "ids that already have special tokens are a whole sequence; give no pair_ids with them"
                )
            return [int(index in self.vocabulary.special_ids) for index in ids]
        first = [1, *(0 for _ in ids), 1]
        return first if pair_ids is None else [*first, *(0 for _ in pair_ids), 1]

    def create_token_type_ids_from_sequences(
        self, ids: Sequence[int], pair_ids: Sequence[int] | None = None
    ) -> list[int]:
        """0 for each token of `[CLS] ids [SEP]`, 1 for each of `pair_ids [SEP]`."""
        first = [0] * (len(ids) + 2)
        return first if pair_ids is None else first + [int(self.gives_token_type_ids)] * (len(pair_ids) + 1)
