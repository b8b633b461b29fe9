"""AlbertTokenizer: text to token ids and back, exactly like Hugging Face's tokenizers (transformers 4.57)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from albert_runtime.errors import UsageError, listed
from albert_runtime.manifest import VOCABULARY_FILE, WORDPIECE_FILE
from albert_runtime.packed.path import BundlePath, PackedPath, bundle_path
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.arguments import as_lists, check_texts, padded_length, truncation_strategy
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.config import read_fast_rules, read_tokenizer_config
from albert_runtime.tokenization.encoding import BatchEncoding, Encoding
from albert_runtime.tokenization.fast.rules import FastRules, FastSplitter
from albert_runtime.tokenization.normalizer import Normalizer
from albert_runtime.tokenization.piece_model import Piece, PieceModel
from albert_runtime.tokenization.sentencepiece_model import SentencePieceModel
from albert_runtime.tokenization.sequence_layout import SequenceLayout
from albert_runtime.tokenization.slow_splitter import NoNormalizer, SlowSplitter, TextNormalizer, TextSplitter
from albert_runtime.tokenization.special_tokens import ALBERT_TOKENS, SpecialTokens
from albert_runtime.tokenization.truncation import Truncation, beginning
from albert_runtime.tokenization.vocabulary import Vocabulary
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

#: a model_max_length of this or more means "no limit"
_NO_LIMIT = 10**20
#: the limit of tokenizers whose folder names none: the positions of the published models
_USUAL_LIMIT = 512


class AlbertTokenizer(SequenceLayout):
    """A vocabulary with the normalization, special tokens and layout of sequences that a model was trained with.

    First, the special tokens and the added tokens that are written in a text are separated (see `AddedVocabulary`).
    The parts between them are normalized and split into pieces. With a vocabulary of SentencePiece, the rules are those
    of Hugging Face's slow AlbertTokenizer (see `Normalizer`), and pieces such as "1999," are split again before their
    comma; with one of WordPiece, those of its slow BertTokenizer (see `BertNormalizer`). If `fast_rules` are given,
    they replace these rules. Lone surrogates, which UTF-8 can't encode, count as U+FFFD.

    A tokenizer does not change after construction, so threads may share it.
    """

    def __init__(
        self,
        vocab_file: str | BundlePath,
        *,
        do_lower_case: bool = True,
        remove_space: bool = True,
        keep_accents: bool = False,
        model_max_length: int = _USUAL_LIMIT,
        special_tokens: SpecialTokens = ALBERT_TOKENS,
        added_tokens: Sequence[AddedToken] = (),
        additional_special_tokens: Sequence[str] = (),
        wordpiece: BertNormalizer | None = None,
        fast_rules: FastRules | None = None,
        sentencepiece_only: bool = False,
        gives_token_type_ids: bool = True,
        content: bytes | None = None,
    ) -> None:
        """Load the vocabulary `vocab_file`.

        Args:
            vocab_file: a spiece.model; or a vocab.txt, if `wordpiece` is given.
            do_lower_case: lower-case the text.
            remove_space: squeeze white space.
            keep_accents: don't decompose characters, and keep their accents.
            model_max_length: the most tokens in a sequence if a call does not say; 10**20 or more means no limit.
            special_tokens: the tokens that have a role. Those that are no pieces get ids behind the pieces.
            added_tokens: the tokens that are found in a text before it is split. The tokens that have a role need not
                be among them; their flags may be given here.
            additional_special_tokens: the contents of those that are special, besides those that have a role.
            wordpiece: how words are found for a vocabulary of WordPiece. Of the settings above it, only `do_lower_case`
                is used then.
            fast_rules: the rules of a tokenizer.json, which replace all other settings.
            sentencepiece_only: split texts by SentencePiece alone, without lower-casing and ALBERT's other rules, as
                KerasHub does.
            gives_token_type_ids: whether the second text of a pair has token type 1; if False, all types are 0.
            content: the bytes of `vocab_file`, if there is no such file, but `fast_rules` have the vocabulary.

        Raises:
            UnsupportedError: the file is missing, damaged, or no such vocabulary; or the id of an added token is that
                of a piece.
        """
        self.vocab_file = bundle_path(vocab_file)
        self.sentencepiece_only = sentencepiece_only
        self.do_lower_case = do_lower_case = do_lower_case and not sentencepiece_only
        self.remove_space = remove_space and wordpiece is None and not sentencepiece_only
        self.keep_accents = keep_accents or sentencepiece_only
        self.model_max_length = model_max_length
        # A special token that appears only when control characters are dropped stays whole, too.
        kept = frozenset((*special_tokens.contents, *additional_special_tokens))
        self.wordpiece = None if wordpiece is None else replace(wordpiece, never_split=kept)
        self.fast_rules = fast_rules
        self._content = content
        #: what splits words into pieces
        self.model: PieceModel
        if fast_rules is not None:
            self.model = fast_rules.model
        elif wordpiece is not None:
            self.model = WordPieceModel(self.vocab_file, special_tokens.unk)
        else:
            self.model = SentencePieceModel(self.vocab_file, splits_commas=not sentencepiece_only)
        vocabulary = Vocabulary(self.model, special_tokens, added_tokens, additional_special_tokens)
        super().__init__(vocabulary, special_tokens, gives_token_type_ids=gives_token_type_ids)
        self._splitter: TextSplitter
        if fast_rules is not None:
            self._splitter = FastSplitter(fast_rules)
        else:
            normalizer: TextNormalizer = self.wordpiece or Normalizer(do_lower_case, remove_space, keep_accents)
            normalizer = NoNormalizer() if sentencepiece_only else normalizer
            self._splitter = SlowSplitter(self.vocabulary.added, normalizer, self.model, do_lower_case=do_lower_case)
        #: the number of pieces, without the added tokens; see `len`
        self.vocab_size = len(self.model)

    @classmethod
    def from_folder(
        cls,
        folder: str | BundlePath,
        *,
        vocab_file: str | BundlePath | None = None,
        model_max_length: int = _USUAL_LIMIT,
    ) -> AlbertTokenizer:
        """The tokenizer of a checkpoint or a bundle: its vocabulary, with the settings of tokenizer_config.json.

        Args:
            folder: the checkpoint or bundle.
            vocab_file: the vocabulary, where it is not called spiece.model or vocab.txt.
            model_max_length: the most tokens in a sequence, if tokenizer_config.json names no limit.

        Raises:
            UnsupportedError: the vocabulary is missing or damaged, or the settings ask for another kind of tokenizer.
        """
        folder = bundle_path(folder)
        wordpiece = None if vocab_file is None else bundle_path(vocab_file).name == WORDPIECE_FILE
        config = read_tokenizer_config(folder, wordpiece=wordpiece)
        file = WORDPIECE_FILE if config.wordpiece else VOCABULARY_FILE
        fast_rules = read_fast_rules(folder) if config.follows_tokenizer_json else None
        return cls(
            vocab_file or folder / file,
            do_lower_case=config.do_lower_case,
            remove_space=config.remove_space,
            keep_accents=config.keep_accents,
            model_max_length=model_max_length if config.model_max_length is None else config.model_max_length,
            special_tokens=config.special_tokens,
            added_tokens=config.added_tokens if fast_rules is None else fast_rules.tokens,
            additional_special_tokens=config.additional_special_tokens,
            wordpiece=config.wordpiece,
            fast_rules=fast_rules,
            sentencepiece_only=config.sentencepiece_only,
            gives_token_type_ids=config.gives_token_type_ids,
        )

    def __len__(self) -> int:
        """One more than the largest id, added tokens included; a model needs so many word embeddings."""
        return len(self.vocabulary)

    def __call__(
        self,
        text: str | Sequence[str],
        text_pair: str | Sequence[str] | None = None,
        *,
        add_special_tokens: bool = True,
        truncation: bool | str = False,
        max_length: int | None = None,
        stride: int = 0,
        return_overflowing_tokens: bool = False,
        padding: bool | str = False,
        pad_to_multiple_of: int | None = None,
    ) -> BatchEncoding:
        """Tokenize one text, a pair, or equally long lists of both.

        Args:
            text: one text or several.
            text_pair: the second text of each pair, a str or a list like `text`.
            add_special_tokens: make sequences `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`. If False, the second text
                directly follows the first and all type ids are 0, as in Hugging Face's tokenizer.
            truncation: cut sequences to `max_length`. True or "longest_first" cuts the longer text of a pair first,
                "only_first" and "only_second" cut only that text. If False, nothing is cut, and `max_length` is used
                only for `padding`.
            max_length: the most tokens in a sequence, special tokens included; the default is `model_max_length`.
            stride: the tokens that two neighbouring windows share.
            return_overflowing_tokens: return what is cut as further windows. For pairs this needs "only_first" or
                "only_second", and the other text is repeated in each window.
            padding: True or "longest" pads to the longest sequence of the call, "max_length" to `max_length`.
            pad_to_multiple_of: round the padded length up to a multiple of this.

        Raises:
            UsageError: a text is not a str, or the options don't fit each other or the texts.
        """
        firsts, seconds = as_lists(text, text_pair)
        has_pair = text_pair is not None
        limit = self._length_limit(max_length)
        strategy = truncation_strategy(truncation, has_pair=has_pair, overflow=return_overflowing_tokens)
        room = None
        if strategy is not None and limit is not None:
            added = (3 if has_pair else 2) if add_special_tokens else 0
            room = limit - added
            if room < 1:
                raise UsageError(f"max_length={limit} leaves no room for text: the special tokens take {added}")
        cut = Truncation(strategy or "longest_first", stride, return_overflowing_tokens)

        second_type = 1 if add_special_tokens and self.gives_token_type_ids else 0
        encodings: list[Encoding] = []
        problems: list[str] = []
        for sample, (first_text, second_text) in enumerate(zip(firsts, seconds, strict=True)):
            first = self._tokenize(first_text, sample=sample)
            second = (
                None
                if second_text is None
                else self._tokenize(second_text, sequence=1, sample=sample, type_id=second_type)
            )
            try:
                windows = cut.windows(len(first), None if second is None else len(second), room)
            except UsageError as error:
                problems.append(f"text {sample}: {error}")
                continue
            encodings += (self.lay_out(first, second, window, add_special_tokens) for window in windows)
        if problems:
            raise UsageError(listed("these texts can't be cut as asked for:", problems))

        length = padded_length(padding, pad_to_multiple_of, limit, max(map(len, encodings), default=0))
        if strategy is not None and length is not None and limit is not None and length > limit:
            raise UsageError(
                f"sequences are cut to max_length={limit}, which is not a multiple of "
                f"pad_to_multiple_of={pad_to_multiple_of}; make it one"
            )
        if length is not None:
            encodings = [encoding.padded(length, self.special_tokens.pad, self.pad_token_id) for encoding in encodings]
        is_single = isinstance(text, str) and not return_overflowing_tokens
        return BatchEncoding(tuple(encodings), is_single=is_single)

    def tokenize(self, text: str) -> list[str]:
        """The tokens of `text`, without [CLS] and [SEP]."""
        check_texts([text], "text")
        return list(self._tokenize(text).tokens)

    def encode(self, text: str, pair: str | None = None, add_special_tokens: bool = True) -> list[int]:
        """The token ids of a text or a pair."""
        ids: list[int] = self(text, pair, add_special_tokens=add_special_tokens)["input_ids"]
        return ids

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text of token ids. It is normalized, so it may differ from the text that the ids were made from.

        Raises:
            UsageError: an id is not in the vocabulary.
        """
        return self.vocabulary.decode(self.convert_ids_to_tokens(ids), skip_special_tokens=skip_special_tokens)

    def spelling(self, token: str) -> str:
        """A piece without the mark that says whether it begins a word, which may be empty; another token as it is."""
        return token if token in self.vocabulary.added else self.model.spelling(token)

    def starts_word(self, token: str) -> bool:
        """Whether a word begins with `token`."""
        return token in self.vocabulary.beyond_pieces or self.model.starts_word(token)

    def convert_tokens_to_ids(self, tokens: Iterable[str]) -> list[int]:
        """The id of each token; the id of `<unk>` for a token that is not in the vocabulary."""
        return [self.vocabulary.id_of(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        """The token of each id.

        Raises:
            UsageError: an id is not in the vocabulary.
        """
        return self.vocabulary.tokens_of([int(index) for index in ids])

    @property
    def vocabulary_content(self) -> bytes:
        """The bytes of the vocabulary's file."""
        return self.vocab_file.read_bytes() if self._content is None else self._content

    def save_vocabulary(self, folder: str | Path) -> Path:
        """Copy the SentencePiece model, byte for byte, to `folder`, and return the path of the copy.

        Raises:
            UsageError: `folder` does not exist, or it can't be written to.
        """
        target = Path(folder) / (WORDPIECE_FILE if self.wordpiece else VOCABULARY_FILE)
        try:
            file = self.vocab_file
            if isinstance(file, PackedPath) or not (target.exists() and file.exists() and target.samefile(file)):
                target.write_bytes(self.vocabulary_content)
        except OSError as error:
            raise UsageError(f"can't copy {self.vocab_file} to {target} ({error.strerror})") from None
        return target

    def _tokenize(self, text: str, *, sequence: int = 0, sample: int = 0, type_id: int = 0) -> Encoding:
        """The tokens of one text; the only special or added tokens are those that are written in it."""
        pieces: list[Piece] = []
        words: list[int] = []
        for found in self._splitter.sections(text):
            word = words[-1] if words else -1
            for index, piece in enumerate(found):
                word += index == 0 or self.model.starts_word(piece.piece)
                words.append(word)
            pieces += found
        tokens = tuple(piece.piece for piece in pieces)
        return Encoding(
            ids=tuple(self.convert_tokens_to_ids(tokens)),
            type_ids=(type_id,) * len(tokens),
            attention_mask=(1,) * len(tokens),
            special_tokens_mask=(0,) * len(tokens),
            tokens=tokens,
            offsets=tuple((piece.start, piece.end) for piece in pieces),
            word_ids=tuple(words),
            sequence_ids=(sequence,) * len(tokens),
            sample=sample,
        )

    def beginning(self, text: str, tokens: int) -> str:
        """The beginning of a very long text, with at least `tokens` tokens, which are the first ones of the whole text.

        A shorter text is returned as it is.
        """
        start = beginning(text, tokens)
        # An added token may hold several of the words that `beginning` counts.
        return start if start == text or len(self._tokenize(start)) >= tokens else text

    def _length_limit(self, max_length: int | None) -> int | None:
        if max_length is None:
            return self.model_max_length if self.model_max_length < _NO_LIMIT else None
        if max_length < 1:
            raise UsageError(f"max_length={max_length} is not a number of tokens; it must be 1 or more")
        return max_length
