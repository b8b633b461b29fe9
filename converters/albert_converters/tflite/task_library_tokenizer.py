"""The tokenizer that TFLite Task Library or MediaPipe finds in a model: its files, and what it can't do.

Both have the same two that are of use here. They lower-case the letters of ASCII before either of them, and add the
pieces [CLS] and [SEP]. Their BertTokenizer (tensorflow_lite_support/cc/text/tokenizers/bert_tokenizer.h) splits a text
at white space of ASCII, punctuation and Chinese characters, and the words into the pieces of a `vocab.txt`. It
normalizes nothing else.
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

_TASK_LIBRARY = "the Task Library"
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
    #: why the library can't use it; the model is refused then
    problems: tuple[str, ...] = ()
    #: what the user must know: which texts get other ids than in this project
    notes: tuple[str, ...] = ()


def sentencepiece_tokenizer(content: bytes, *, library: str = _TASK_LIBRARY) -> TaskLibraryTokenizer:
    """Return the tokenizer of `content`, which is a spiece.model; messages call the library `library`.

    Raises:
        UnsupportedError: it is not a SentencePiece model.
    """
    pieces = [entry.piece for entry in SentencePieceProto.parse(content).entries]
    files = {SENTENCEPIECE_FILE: content, VOCABULARY_FILE: "\n".join(pieces).encode()}
    problems = tuple(_missing(piece, library) for piece in _PIECES if piece not in pieces)
    return TaskLibraryTokenizer(SENTENCEPIECE_TOKENIZER, files, problems)


def wordpiece_tokenizer(
    model: WordPieceModel, normalizer: BertNormalizer, *, library: str = _TASK_LIBRARY, gives_answers: bool = True
) -> TaskLibraryTokenizer:
    """Return the tokenizer of a vocab.txt and the options of a BertTokenizer; messages call the library `library`.

    It has problems if the library's BertTokenizer gives other ids for plain texts, too. Its notes are also on answers
    to questions if it `gives_answers`.
    """
    problems = [_missing(piece, library) for piece in _PIECES if not model.holds(piece)]
    if model.unknown_piece != _UNKNOWN:
        problems.append(f"its tokenizer's unknown piece is {model.unknown_piece}, and {library} knows only {_UNKNOWN}")
    if not normalizer.do_lower_case:
        problems.append(
            f"its tokenizer keeps capitals (do_lower_case is false), and {library} turns texts into lower case"
        )
    if not normalizer.tokenize_chinese_chars:
        problems.append(
            f"its tokenizer keeps Chinese characters together (tokenize_chinese_chars is false), and {library} makes "
            "each of them a word"
        )
    pieces = [model.piece_of(index) for index in range(len(model))]
    jamo = sum(any(ord(character) in _JAMO for character in piece) for piece in pieces)
    if normalizer.strips_accents and jamo > len(pieces) * _KOREAN_SHARE:
        problems.append(
            f"its tokenizer takes Hangul apart ({jamo} of its {len(pieces)} pieces are of jamo), because it strips "
            f"accents, and {library} leaves syllables whole"
        )
    lines = [piece if piece and model.id_of(piece) == index else _NO_PIECE for index, piece in enumerate(pieces)]
    notes = [f"{library} splits words at white space of ASCII only, and takes words of more than 100 bytes as unknown"]
    if gives_answers:
        notes.append(
            f"the answers of {library} are words between spaces: that of a Chinese text without any is the whole text"
        )
    if normalizer.strips_accents:
        notes.append(f"{library} keeps accents, capitals outside of ASCII, the marks of kana, and Hangul as they are")
    files = {VOCABULARY_FILE: "\n".join(lines).encode()}
    return TaskLibraryTokenizer(BERT_TOKENIZER, files, tuple(problems), tuple(notes))


def _missing(piece: str, library: str) -> str:
    return f"the tokenizer has no piece {piece}, which {library} adds to texts"
