"""The tokenizer that TFLite Task Library finds in a model: its files, and what it can't do.

Task Library 0.4.4 has two that are of use here. It lower-cases the letters of ASCII before either of them, and adds the
pieces [CLS] and [SEP]. Its BertTokenizer (tensorflow_lite_support/cc/text/tokenizers/bert_tokenizer.h) splits a text at
white space of ASCII, punctuation and Chinese characters, and the words into the pieces of a `vocab.txt`. It normalizes
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from albert_converters.tokenizer.sentencepiece_proto import SentencePieceProto
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

SENTENCEPIECE_FILE = "spiece.model"
VOCABULARY_FILE = "vocab.txt"

#: the members of the union ProcessUnitOptions in metadata_schema.fbs
BERT_TOKENIZER, SENTENCEPIECE_TOKENIZER = 4, 5

_PIECES = ("[CLS]", "[SEP]")
#: the only unknown piece of its BertTokenizer
_UNKNOWN = "[UNK]"
#: a line that no word of a text is equal to; Task Library would skip an empty one, and number those below it wrong
_NO_PIECE = " "
#: the jamo that Hangul is made of, and the share of a vocabulary from which on it is one of Korean in jamo
_JAMO = range(0x1100, 0x1200)
_KOREAN_SHARE = 0.05


@dataclass(frozen=True)
class TaskLibraryTokenizer:
    """A tokenizer as it is written into a model."""

    #: a member of the union ProcessUnitOptions
    options: int
    #: name -> content; they are added to the model in this order
    files: Mapping[str, bytes]
    #: why Task Library can't use it; the model is refused then
    problems: tuple[str, ...] = ()
    #: what the user must know: which texts get other ids than in this project
    notes: tuple[str, ...] = ()


def sentencepiece_tokenizer(content: bytes) -> TaskLibraryTokenizer:
    """Return the tokenizer of `content`, which is a spiece.model.

    Raises:
        UnsupportedError: it is not a SentencePiece model.
    """
    pieces = [entry.piece for entry in SentencePieceProto.parse(content).entries]
    files = {SENTENCEPIECE_FILE: content, VOCABULARY_FILE: "\n".join(pieces).encode()}
    problems = tuple(_missing(piece) for piece in _PIECES if piece not in pieces)
    return TaskLibraryTokenizer(SENTENCEPIECE_TOKENIZER, files, problems)


def wordpiece_tokenizer(model: WordPieceModel, normalizer: BertNormalizer) -> TaskLibraryTokenizer:
    """Return the tokenizer of a vocab.txt and the options of a BertTokenizer.

    It has problems if Task Library's BertTokenizer gives other ids for plain texts, too.
    """
    problems = [_missing(piece) for piece in _PIECES if not model.holds(piece)]
    if model.unknown_piece != _UNKNOWN:
        problems.append(
            f"its tokenizer's unknown piece is {model.unknown_piece}, and Task Library knows only {_UNKNOWN}"
        )
    if not normalizer.do_lower_case:
        problems.append(
            "its tokenizer keeps capitals (do_lower_case is false), and Task Library turns texts into lower case"
        )
    if not normalizer.tokenize_chinese_chars:
        problems.append(
            "its tokenizer keeps Chinese characters together (tokenize_chinese_chars is false), and Task Library makes "
            "each of them a word"
        )
    pieces = [model.piece_of(index) for index in range(len(model))]
    jamo = sum(any(ord(character) in _JAMO for character in piece) for piece in pieces)
    if normalizer.strips_accents and jamo > len(pieces) * _KOREAN_SHARE:
        problems.append(
            f"its tokenizer takes Hangul apart ({jamo} of its {len(pieces)} pieces are of jamo), because it strips "
            "accents, and Task Library leaves syllables whole"
        )
    lines = [piece if piece and model.id_of(piece) == index else _NO_PIECE for index, piece in enumerate(pieces)]
    notes = [
        "Task Library splits words at white space of ASCII only, and takes words of more than 100 bytes as unknown",
        "the answers of Task Library are words between spaces: that of a Chinese text without any is the whole text",
    ]
    if normalizer.strips_accents:
        notes.append("Task Library keeps accents, capitals outside of ASCII, the marks of kana, and Hangul as they are")
    files = {VOCABULARY_FILE: "\n".join(lines).encode()}
    return TaskLibraryTokenizer(BERT_TOKENIZER, files, tuple(problems), tuple(notes))


def _missing(piece: str) -> str:
    return f"the tokenizer has no piece {piece}, which Task Library adds to texts"
