"""UnigramModel: the Unigram vocabulary of a tokenizer.json, which splits words as the `tokenizers` library does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.piece_model import WORD_START, Piece, WordStartMarks

#: the score of an unknown character is so much below the lowest score of a piece
_UNKNOWN_PENALTY = 10.0


class UnigramModel(WordStartMarks):
    """The pieces and their log probabilities; a word is split into the most probable pieces (Viterbi).

    Sums and ties are those of `Unigram::encode_optimized` in huggingface/tokenizers (models/unigram/model.rs), which
    adds 64-bit numbers. SentencePiece adds 32-bit numbers, and splits "!!!!" the other way round.
    It never changes after construction, so threads may share it.
    """

    mask_takes_space = False

    def __init__(self, model: Mapping[str, Any]) -> None:
        """Read the "model" of a tokenizer.json.

        Raises:
            UnsupportedError: it is damaged; the message lists every problem.
        """
        problems = vocabulary_problems(model)
        if problems:
            raise UnsupportedError(listed("the vocabulary of tokenizer.json is damaged:", problems))
        self._pieces: list[str] = [piece for piece, _ in model["vocab"]]
        scores: list[float] = [float(score) for _, score in model["vocab"]]
        self._unk_id: int = model["unk_id"]
        self._ids = {piece: index for index, piece in enumerate(self._pieces)}
        self._scores = {piece: scores[index] for piece, index in self._ids.items()}
        self._unknown_score = min(scores) - _UNKNOWN_PENALTY
        self._longest = max(map(len, self._pieces))
        self._spells_bytes = bool(model.get("byte_fallback"))

    def __len__(self) -> int:
        return len(self._pieces)

    def id_of(self, piece: str) -> int:
        """The id of `piece`, or the id of the unknown piece if the vocabulary does not hold it."""
        return self._ids.get(piece, self._unk_id)

    def piece_of(self, index: int) -> str:
        """The piece of an id from 0 to len(self) - 1."""
        return self._pieces[index]

    def holds(self, piece: str) -> bool:
        """Whether `piece` is in the vocabulary."""
        return piece in self._ids

    @staticmethod
    def join(pieces: Sequence[str]) -> str:
        """The text that `pieces` spell."""
        return "".join(pieces).replace(WORD_START, " ").removeprefix(" ")

    def split(self, text: AlignedText) -> list[Piece]:
        """The pieces of a word, or of a text in which each space is a "▁". The mark is not part of the spans."""
        found: list[Piece] = []
        for start, end in self._best_path(text.text):
            piece = text.text[start:end]
            first = start + len(piece) - len(piece.lstrip(WORD_START))
            last = start + len(piece.rstrip(WORD_START)) - 1
            # A piece that is only a space stands for no character: its place is the character behind it.
            begin = int(text.starts[first]) if first < len(text.text) else int(text.ends[-1])
            stop = int(text.ends[last]) if last >= first else begin
            names = self._bytes_of(piece) if self._spells_bytes and piece not in self._ids else None
            found += [Piece(name, begin, stop) for name in names or (piece,)]
        return found

    def _bytes_of(self, text: str) -> list[str] | None:
        """The pieces of the bytes of `text`; None if the vocabulary lacks one of them."""
        names = [f"<0x{byte:02X}>" for byte in text.encode()]
        return names if all(name in self._ids for name in names) else None

    def _best_path(self, text: str) -> list[tuple[int, int]]:
        """Start and end of each piece; neighbouring unknown characters are one piece."""
        size = len(text)
        best = [0.0, *[-math.inf] * size]
        begins = [-1] * (size + 1)
        known = [False] * (size + 1)
        for start in range(size):
            before, single = best[start], False
            for end in range(start + 1, min(size, start + self._longest) + 1):
                score = self._scores.get(text[start:end])
                if score is None:
                    continue
                single = single or end == start + 1
                if begins[end] < 0 or before + score > best[end]:
                    best[end], begins[end] = before + score, start
                    known[end] = self._ids[text[start:end]] != self._unk_id
            end = start + 1
            if not single and (begins[end] < 0 or before + self._unknown_score > best[end]):
                best[end], begins[end], known[end] = before + self._unknown_score, start, False
        return list(_joined_unknowns(begins, known))[::-1]


def _joined_unknowns(begins: Sequence[int], known: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The spans of the path that `begins` describes, from the last to the first."""
    end = unknown_end = len(begins) - 1
    while end > 0:
        start = begins[end]
        if known[end]:
            if unknown_end > end:
                yield end, unknown_end
            yield start, end
            unknown_end = start
        end = start
    if unknown_end > 0:
        yield 0, unknown_end


def vocabulary_problems(model: Mapping[str, Any]) -> list[str]:
    """What is wrong with the "model" of a tokenizer.json, which is a Unigram model."""
    vocabulary, unknown = model.get("vocab"), model.get("unk_id")
    if not isinstance(vocabulary, list) or not vocabulary:
        return ["vocab must be a list of pieces and scores"]
    problems = [f"vocab[{index}] is {entry!r:.60}" for index, entry in enumerate(vocabulary) if not _is_entry(entry)]
    if type(unknown) is not int or not 0 <= unknown < len(vocabulary):
        problems.append(f"unk_id is {unknown!r}, which is not the number of a piece")
    return problems


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and isinstance(entry[0], str)
        and type(entry[1]) in (int, float)
        and abs(entry[1]) < 1e30
        and not any("\ud800" <= character <= "\udfff" for character in entry[0])
    )
