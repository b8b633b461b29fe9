"""Vocabulary: the pieces and the added tokens, by content and by id."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from albert_runtime.cached_property import cached_property
from albert_runtime.errors import UnsupportedError, UsageError, listed
from albert_runtime.tokenization.added_vocabulary import AddedToken, AddedVocabulary
from albert_runtime.tokenization.piece_model import PieceModel
from albert_runtime.tokenization.special_tokens import SpecialTokens
from albert_runtime.tokenization.wordpiece_model import WordPieceModel


class Vocabulary:
    """The tokens of one tokenizer. It never changes after construction, so threads may share it."""

    def __init__(
        self,
        model: PieceModel,
        special_tokens: SpecialTokens,
        added_tokens: Iterable[AddedToken],
        additional_special_tokens: Sequence[str],
    ) -> None:
        """Join the pieces of `model` and the added tokens.

        Args:
            model: the model that splits words into pieces.
            special_tokens: the tokens that have a role. Those that are no pieces get ids behind the pieces.
            added_tokens: the tokens that are found in a text before `model` splits it. The tokens that have a role need
                not be among them; their flags may be given here.
            additional_special_tokens: the contents of those that are special, besides those that have a role.

        Raises:
            UnsupportedError: an id belongs to a piece, or to another token.
        """
        self._model = model
        self.additional_special_tokens = tuple(additional_special_tokens)
        special = tuple(dict.fromkeys((*special_tokens.contents, *self.additional_special_tokens)))
        self._ids = _with_ids(added_tokens, special, special_tokens, model)
        #: finds the added tokens in texts
        self.added = AddedVocabulary(list(self._ids), special)
        self._id_of = {token.content: index for token, index in self._ids.items()}
        self._content_of = {index: content for content, index in self._id_of.items()}
        self.special_ids = frozenset(self._id_of[content] for content in special)
        # Hugging Face decodes these with a space on both sides.
        self._decoded_alone = frozenset(
            content
            for content, index in self._id_of.items()
            if content not in special or (content in self.additional_special_tokens and index >= len(model))
        )

    def __len__(self) -> int:
        """One more than the largest id."""
        return max(len(self._model), max(self._content_of) + 1)

    @cached_property
    def beyond_pieces(self) -> dict[str, int]:
        """The content of each token that is no piece -> its id, in the order of the ids."""
        return {self._content_of[index]: index for index in sorted(self._content_of) if index >= len(self._model)}

    @cached_property
    def all_ids(self) -> NDArray[np.int64]:
        """The ids of all tokens, in order. Usually there are no gaps."""
        return np.concatenate([np.arange(len(self._model)), [*self.beyond_pieces.values()]]).astype(np.int64)

    def id_of(self, token: str) -> int:
        """The id of `token`; the id of `<unk>` if it is not in the vocabulary."""
        return self._id_of[token] if token in self._id_of else self._model.id_of(token)

    def tokens_of(self, ids: Sequence[int]) -> list[str]:
        """The token of each id.

        Raises:
            UsageError: an id is not in the vocabulary.
        """
        pieces, added = len(self._model), self._content_of
        foreign = sorted({index for index in ids if not 0 <= index < pieces and index not in added})
        if foreign:
            more = f" and {len(self.beyond_pieces)} added tokens" if self.beyond_pieces else ""
            raise UsageError(
                f"token ids {', '.join(map(str, foreign))} are not in the vocabulary of {pieces} pieces (0 to "
                f"{pieces - 1}){more}"
            )
        return [added[index] if index in added else self._model.piece_of(index) for index in ids]

    def decode(self, tokens: Iterable[str], *, skip_special_tokens: bool) -> str:
        """The text of `tokens`, as Hugging Face's slow tokenizer gives it."""
        texts: list[str] = []
        together: list[str] = []
        for token in tokens:
            if skip_special_tokens and token in self.added.special:
                continue
            if token not in self._decoded_alone:
                together.append(token)
                continue
            if together and (text := self._spell(together)):
                texts.append(text)
            together = []
            texts.append(token)
        if together:
            texts.append(self._spell(together))
        return " ".join(texts)

    def _spell(self, tokens: Iterable[str]) -> str:
        """The text of pieces and special tokens."""
        if isinstance(self._model, WordPieceModel):
            return self._model.join(list(tokens))
        text = ""
        ordinary: list[str] = []
        follows_special = False
        for token in tokens:
            if token not in self.added.special:
                ordinary.append(token)
                follows_special = False
            else:
                # SentencePiece decodes a text without a space at its front, so one is added before the ordinary tokens
                # that precede a special token; Hugging Face writes no space between two special tokens.
                text += ("" if follows_special else " ") + self._model.join(ordinary) + token
                ordinary = []
                follows_special = True
        return (text + self._model.join(ordinary)).strip()


def _with_ids(
    tokens: Iterable[AddedToken], special: Iterable[str], roles: SpecialTokens, model: PieceModel
) -> dict[AddedToken, int]:
    """`tokens`, and the `special` ones that are not among them, and the id of each.

    A token without an id gets that of the piece with its content. If there is none, it gets the first id behind the
    number of all pieces and tokens, and the next such token the id after that.

    Raises:
        UnsupportedError: an id belongs to a piece, or to another token.
    """
    known = {token.content: token for token in tokens}
    # Hugging Face adds the tokens of roles in the order of the roles, and then the additional special tokens.
    for content in (*roles.roles.values(), *special):
        known.setdefault(content, AddedToken(content, lstrip=content == roles.mask and model.mask_takes_space))
    beyond = sum(token.id is not None and not model.holds(token.content) for token in known.values())
    following = itertools.count(len(model) + beyond)
    ids: dict[AddedToken, int] = {}
    owners: dict[int, str] = {}
    problems = []
    for token in known.values():
        piece = model.id_of(token.content) if model.holds(token.content) else None
        index = token.id
        if index is None:
            index = next(following) if piece is None else piece
        if piece is not None and index != piece:
            problems.append(f"{token.content} is token {index} in tokenizer_config.json, and {piece} in the vocabulary")
        elif piece is None and index < len(model):
            problems.append(f"{token.content} is token {index}, which is the piece {model.piece_of(index)}")
        elif index in owners:
            problems.append(f"{token.content} and {owners[index]} are both token {index}")
        owners[index] = token.content
        ids[replace(token, id=index)] = index
    if problems:
        raise UnsupportedError(listed("the added tokens don't fit the vocabulary:", problems))
    return ids
