"""InGraphVocabulary: a SentencePiece model that finds the pieces of the runtime's tokenizer in unchanged texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from albert_converters.onnx.text_graph.normalization import CharacterRules, compiled, model_rules, spellings
from albert_converters.tokenizer.sentencepiece_proto import (
    ADD_DUMMY_PREFIX,
    CHARSMAP,
    NORMALIZER,
    PIECE,
    PIECES,
    REMOVE_EXTRA_WHITESPACES,
    SCORE,
    TRAINER,
    TYPE,
    ModelType,
    PieceType,
    SentencePieceProto,
    VocabularyEntry,
    fields,
)
from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.protobuf import bytes_field, float_field, number_field, text_field
from albert_runtime.tokenization.piece_model import WORD_START
from albert_runtime.tokenization.sentencepiece_model import SentencePieceModel, ends_in_digit_and_comma
from albert_runtime.tokenization.special_tokens import MASK_TOKEN
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

#: The characters that stand for added tokens: token `n` is the character FIRST + n, a character for private use. No
#: text holds one of them when SentencePiece splits it, because a rule turns them into the last one.
_FIRST_MARK, _NO_TOKEN = 0xF0000, 0xFFFFD
#: a token with more spellings in capitals and small letters is found in three of them
_MOST_SPELLINGS = 1024
#: the name that the normalizer's rules have in the model
_NAME = "text graph"


@dataclass(frozen=True)
class InGraphVocabulary:
    """What the operator SentencepieceTokenizer needs, and what its ids stand for."""

    #: the bytes of a SentencePiece model
    content: bytes
    #: for each id of this model that is not the id of the runtime's token: the ids that it stands for
    replaced: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, tokenizer: AlbertTokenizer, *, lower_case: bool = False) -> InGraphVocabulary:
        """The vocabulary of `tokenizer`.

        Args:
            tokenizer: a tokenizer without `problems`.
            lower_case: texts are turned into lower case before the tokenizer reads them.

        Raises:
            UnsupportedError: the tokenizer has rules that SentencePiece does not.
        """
        refuse(tokenizer)
        original = tokenizer.vocabulary_content
        proto = SentencePieceProto.parse(original)
        in_lower_case = tokenizer.do_lower_case or lower_case
        rules = CharacterRules(
            lower_case=in_lower_case,
            remove_space=tokenizer.remove_space,
            keep_accents=tokenizer.keep_accents,
            merge_quotes=not tokenizer.sentencepiece_only,
            model_rules=model_rules(original),
        ).rules()
        tokens = _token_ids(tokenizer)
        added = []
        replaced = dict(_replaced_pieces(tokenizer, proto.entries))
        best = _best_score(proto)
        for number, (content, token_id) in enumerate(tokens.items()):
            mark = chr(_FIRST_MARK + number)
            rules[mark] = chr(_NO_TOKEN)
            replaced[len(proto.entries) + number] = [token_id]
            added.append(VocabularyEntry(WORD_START + mark, best, PieceType.NORMAL))
            keeps_case = not in_lower_case or (
                not lower_case
                and content in tokenizer.vocabulary.added
                and tokenizer.vocabulary.added.keeps_case(content)
            )
            if not keeps_case and content.lower() != content:
                continue  # no text in lower case holds it
            any_case = in_lower_case and content.lower() == content
            for spelling in spellings(content, any_case=any_case, most=_MOST_SPELLINGS):
                rules[spelling] = f" {mark} "
        squeezes = proto.remove_extra_whitespaces or tokenizer.remove_space
        return cls(_model(original, proto, added, compiled(rules), squeezes=squeezes), replaced)


def problems(tokenizer: AlbertTokenizer) -> list[str]:
    """Why no graph can hold the rules of `tokenizer`; empty if one can."""
    if tokenizer.fast_rules is not None:
        return [
            "its texts are split as tokenizer.json says, and the operators of onnxruntime-extensions know other rules"
        ]
    if tokenizer.wordpiece is not None:
        return [
            "its vocabulary is WordPiece's (vocab.txt), and onnxruntime-extensions' operator BertTokenizer finds no "
            "[MASK], [SEP] or added token in a text, and keeps capitals and accents of other scripts than Latin"
        ]
    proto = SentencePieceProto.parse(tokenizer.vocabulary_content)
    found = []
    if not proto.add_dummy_prefix:
        found.append("its SentencePiece model puts no space before a text, and added tokens need one in the graph")
    if proto.model_type not in (ModelType.UNIGRAM, ModelType.BPE):
        found.append(f"its SentencePiece model is of the kind {proto.model_type.name}")
    if len(tokenizer.vocabulary.added.tokens) > _NO_TOKEN - _FIRST_MARK:
        found.append("it has more added tokens than there are characters for private use")
    return found


def refuse(tokenizer: AlbertTokenizer) -> None:
    """Refuse a tokenizer that has `problems`.

    Raises:
        UnsupportedError: the message lists them.
    """
    found = problems(tokenizer)
    if found:
        raise UnsupportedError(
            listed("a graph can't hold this tokenizer:", found)
            + "\nLeave --with-tokenizer out: the bundle then splits texts in the runtime, for every kind of tokenizer."
        )


def _token_ids(tokenizer: AlbertTokenizer) -> dict[str, int]:
    """The content of each token that is found in texts -> its id."""
    tokens = {token.content: tokenizer.vocabulary.id_of(token.content) for token in tokenizer.vocabulary.added.tokens}
    tokens.setdefault(MASK_TOKEN, tokenizer.mask_token_id)  # sessions take [MASK] for the model's own mask
    return tokens


def _replaced_pieces(
    tokenizer: AlbertTokenizer, entries: Sequence[VocabularyEntry]
) -> Sequence[tuple[int, Sequence[int]]]:
    """The ids of pieces that are split before their comma, or that are another token's, with what they stand for."""
    model = tokenizer.model
    assert isinstance(model, SentencePieceModel)
    found = []
    for index, entry in enumerate(entries):
        if entry.type == PieceType.NORMAL and model.splits_commas and ends_in_digit_and_comma(entry.piece):
            ids = tokenizer.convert_tokens_to_ids(model.without_comma(entry.piece))
        else:
            ids = [
                tokenizer.unk_token_id if entry.type == PieceType.UNKNOWN else tokenizer.vocabulary.id_of(entry.piece)
            ]
        if ids != [index]:
            found.append((index, ids))
    return found


def _model(
    original: bytes, proto: SentencePieceProto, added: Sequence[VocabularyEntry], charsmap: bytes, *, squeezes: bool
) -> bytes:
    """The SentencePiece model with these further pieces and these rules, and otherwise that of `original`."""
    entries = [*_without_user_pieces(proto), *added]
    trainer = b"".join(
        bytes_field(TRAINER, value)
        for number, value in fields(original)
        if number == TRAINER and isinstance(value, bytes)
    )
    normalizer = (
        text_field(1, _NAME)
        + (bytes_field(CHARSMAP, charsmap) if charsmap else b"")
        + number_field(ADD_DUMMY_PREFIX, proto.add_dummy_prefix)
        + number_field(REMOVE_EXTRA_WHITESPACES, squeezes)
    )
    pieces = b"".join(
        bytes_field(PIECES, text_field(PIECE, one.piece) + float_field(SCORE, one.score) + number_field(TYPE, one.type))
        for one in entries
    )
    return pieces + trainer + bytes_field(NORMALIZER, normalizer)


def _without_user_pieces(proto: SentencePieceProto) -> list[VocabularyEntry]:
    """The entries, with the pieces that the trainer's user defined as ordinary ones of the score that they get.

    SentencePiece looks for them before it normalizes a text, so that the rules would not see them. As ordinary pieces
    with the score that unigram_model.cc gives them, they are chosen where they were.
    """
    if proto.model_type != ModelType.UNIGRAM:
        return list(proto.entries)
    best = _best_score(proto)
    return [
        VocabularyEntry(entry.piece, len(entry.piece.encode()) * best - 0.1, PieceType.NORMAL)
        if entry.type == PieceType.USER_DEFINED
        else entry
        for entry in proto.entries
    ]


def _best_score(proto: SentencePieceProto) -> float:
    """The best score of an ordinary piece."""
    return max((entry.score for entry in proto.entries if entry.type == PieceType.NORMAL), default=0.0)
