"""FastRules: what a tokenizer.json says of the way from a text to its pieces, except for the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.fast.added_tokens import FastAddedTokens
from albert_runtime.tokenization.fast.normalizers import read_normalizer
from albert_runtime.tokenization.fast.pre_tokenizers import Split, read_pre_tokenizer
from albert_runtime.tokenization.fast.unigram_model import UnigramModel
from albert_runtime.tokenization.normalizer import replace_surrogates
from albert_runtime.tokenization.piece_model import Piece
from albert_runtime.tokenization.wordpiece_model import CONTINUATION, LONGEST_WORD, WordPieceModel


@dataclass(frozen=True)
class FastRules:
    """The rules of one tokenizer.json."""

    added: FastAddedTokens
    pre_tokenizer: Split
    model: UnigramModel | WordPieceModel
    #: the object in the file
    content: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, content: Mapping[str, Any], source: str) -> FastRules:
        """The rules in the content of a tokenizer.json.

        Args:
            content: the object in the file.
            source: what error messages call the file.

        Raises:
            UnsupportedError: a part of it is not supported; the message lists all parts that are not.
        """
        problems: list[str] = []

        def read(part: Callable[[], Any]) -> Any:
            try:
                return part()
            except UnsupportedError as error:
                problems.append(str(error))

        normalizer = read(lambda: read_normalizer(content.get("normalizer")))
        pre_tokenizer = read(lambda: read_pre_tokenizer(content.get("pre_tokenizer")))
        added = read(lambda: FastAddedTokens(content.get("added_tokens") or [], normalizer or (lambda text: text)))
        model = read(lambda: _read_model(content.get("model"), source))
        if problems:
            raise UnsupportedError(listed(f"{source} asks for a tokenizer that can't be made:", problems))
        return cls(added, pre_tokenizer, model, content)

    @property
    def tokens(self) -> tuple[AddedToken, ...]:
        """The added tokens."""
        return tuple(
            AddedToken(one.content, one.id, one.lstrip, one.rstrip, one.normalized, one.special)
            for one in self.added.tokens
        )


def _read_model(model: Any, source: str) -> UnigramModel | WordPieceModel:
    kind = model.get("type") if isinstance(model, Mapping) else None
    if kind == "Unigram":
        return UnigramModel(model)
    if kind == "WordPiece":
        return WordPieceModel(Path(source), str(model.get("unk_token")), wordpiece_vocabulary(model))
    raise UnsupportedError(f"the vocabulary is {kind or 'missing'}; supported are Unigram and WordPiece")


def wordpiece_vocabulary(model: Mapping[str, Any]) -> bytes:
    """The vocab.txt with the vocabulary of a WordPiece model.

    Raises:
        UnsupportedError: it has another form than a vocab.txt can have; the message lists every problem.
    """
    usual = {"continuing_subword_prefix": CONTINUATION, "max_input_chars_per_word": LONGEST_WORD}
    problems = [
        f"{name} is {model[name]!r}; only {value!r} is supported"
        for name, value in usual.items()
        if model.get(name, value) != value
    ]
    pieces = model.get("vocab")
    if not isinstance(pieces, Mapping) or sorted(pieces.values(), key=repr) != sorted(range(len(pieces)), key=repr):
        problems.append("vocab must give the pieces the ids 0, 1, 2, ... without a gap")
    elif any("\n" in piece or "\r" in piece for piece in pieces):
        problems.append("a piece holds a line break")
    if problems:
        raise UnsupportedError(listed("the vocabulary can't be written as a vocab.txt:", problems))
    assert isinstance(pieces, Mapping)
    return "".join(f"{piece}\n" for piece in sorted(pieces, key=pieces.__getitem__)).encode("utf-8", "replace")


class FastSplitter:
    """Splits texts into pieces by `FastRules`. It never changes after construction, so threads may share it."""

    def __init__(self, rules: FastRules) -> None:
        self._rules = rules
        self._split_word = lru_cache(maxsize=1 << 15)(lambda word: rules.model.split(AlignedText.of(word)))

    def sections(self, text: str) -> Iterator[list[Piece]]:
        """The pieces of each added token and of each part between two of them, in order."""
        for section in self._rules.added.split(AlignedText.of(replace_surrogates(text))):
            if section.token is not None:
                yield [Piece(section.token, int(section.text.starts[0]), int(section.text.ends[-1]))]
            else:
                yield [piece for word in self._rules.pre_tokenizer(section.text) for piece in self._pieces(word)]

    def _pieces(self, word: AlignedText) -> Iterator[Piece]:
        """The pieces of `word`, with their spans in the original text."""
        for piece, begin, stop in self._split_word(word.text):
            # A piece that is only a space stands for no character: its place is the character behind it.
            start = word.starts[begin] if begin < len(word.text) else word.ends[-1]
            yield Piece(piece, int(start), int(word.ends[stop - 1] if stop > begin else start))
