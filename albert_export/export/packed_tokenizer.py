"""The tokenizer that a TFLite file gets for a library that reads texts by itself, and where it gives other ids."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from sentencepiece import SentencePieceProcessor

from albert_export.export.context import ExportContext
from albert_export.targets import Target
from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

if TYPE_CHECKING:
    from albert_converters.tflite.task_library_tokenizer import TaskLibraryTokenizer

logger = logging.getLogger("albert_export")

#: a model is refused if a larger share of the bundled texts gets other ids
_MOST_OTHERS = 0.2
#: A to Z -> a to z, which is all that these libraries lower-case
_LOWER_CASE = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def packed_tokenizer(context: ExportContext, target: Target) -> TaskLibraryTokenizer:
    """What the library of `target` has for the tokenizer, after it is said where that gives other ids.

    Raises:
        UnsupportedError: it gives other ids for so many texts that the model's answers would be worthless.
    """
    from albert_converters.tflite.task_library_tokenizer import sentencepiece_tokenizer, wordpiece_tokenizer

    tokenizer, progress, library = context.tokenizer, context.progress, target.text_library
    assert tokenizer is not None  # `export_tflite` has checked it
    if tokenizer.vocabulary.beyond_pieces:
        progress(f"note: {library} reads added tokens as ordinary text")
    if tokenizer.fast_rules is not None:
        progress(f"note: {library} does not follow tokenizer.json; it splits texts as SentencePiece does")
    if tokenizer.wordpiece is None:
        found = sentencepiece_tokenizer(tokenizer.vocabulary_content, library=library)
    else:
        assert isinstance(tokenizer.model, WordPieceModel)
        answers = "question-answering" in target.tasks
        found = wordpiece_tokenizer(tokenizer.model, tokenizer.wordpiece, library=library, gives_answers=answers)
        for note in found.notes:
            progress(f"note: {note}")
    if target.counts_other_ids and not found.problems:
        _count_other_ids(context, tokenizer, library)
    return found


def _count_other_ids(context: ExportContext, tokenizer: AlbertTokenizer, library: str) -> None:
    """Say how many of the bundled texts get other ids in MediaPipe."""
    split = library_ids(tokenizer)
    lower = context.request_settings.get("embedding", {}).get("lower_case", False)
    texts = [text for text, _ in context.samples.calibration]
    others = [
        text
        for text in texts
        if split(text) != tokenizer.encode(text.lower() if lower else text, add_special_tokens=False)
    ]
    said = f"{library} gives other token ids to {len(others)} of {len(texts)} bundled texts"
    if others:
        said += f", {others[0]!r} for example"
    if len(others) > _MOST_OTHERS * len(texts):
        raise UnsupportedError(
            f"{said}. It lower-cases A to Z, and then leaves the text to SentencePiece or to BERT's rules; this "
            "model's tokenizer has others. --target litert serves it, with the tokenizer of albert_runtime"
        )
    if others:
        logger.warning("%s", said)
    else:
        context.progress(f"note: {said}")


def library_ids(tokenizer: AlbertTokenizer) -> Callable[[str], list[int]]:
    """MediaPipe's way from a text to ids, without those that it adds (BertPreprocessorCalculator).

    Its BertTokenizer is followed but for the rules that `wordpiece_tokenizer` notes.
    """
    if tokenizer.wordpiece is None:
        pieces = SentencePieceProcessor(model_proto=tokenizer.vocabulary_content)
        return lambda text: list(pieces.encode(text.translate(_LOWER_CASE)))
    model = tokenizer.model
    rules = BertNormalizer(do_lower_case=False, strip_accents=False)
    return lambda text: [
        model.id_of(piece.piece) for piece in model.split(rules.normalize(AlignedText.of(text.translate(_LOWER_CASE))))
    ]
