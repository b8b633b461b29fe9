"""Trains a small SentencePiece vocabulary in which ALBERT's special pieces have ALBERT's ids."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

from albert_runtime.manifest import VOCABULARY_FILE
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import MAX_POSITIONS

#: every printable ASCII character has a piece, so that unknown English words are spelled out
_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789,;:!?'/&%$+*#@=_"
_PIECES_OF_THEIR_OWN = ["(", ")", '"', "-", "."]


def train_vocabulary(texts: Iterable[str], size: int, folder: Path) -> AlbertTokenizer:
    """Trains at most `size` unigram pieces on the texts, lower-cased, and writes `spiece.model` into `folder`."""
    texts = [text.lower() for text in texts]
    # SentencePiece proposes only pieces that occur in two different words. Each word also occurs with a comma here.
    texts += [" ".join(word.rstrip(".,!?") + "," for word in text.split()) for text in texts]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        character_coverage=1.0,
        required_chars=_SIGNS,
        # The tokenizer lower-cases texts and strips accents itself; a normalization table would only enlarge the file.
        normalization_rule_name="identity",
        pad_id=0,
        pad_piece="<pad>",
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols=_PIECES_OF_THEIR_OWN,
        num_threads=1,
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / VOCABULARY_FILE
    path.write_bytes(model.getvalue())
    return AlbertTokenizer(path, model_max_length=MAX_POSITIONS)
