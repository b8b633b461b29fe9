"""The best pieces for each mask of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Filled
from albert_runtime.postprocessing.probabilities import Logits, softmax
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.sentencepiece_model import WORD_START
from albert_runtime.tokenization.tokenizer import AlbertTokenizer


def fill_masks(
    logits: Logits,
    encoding: Encoding,
    texts: Sequence[str],
    tokenizer: AlbertTokenizer,
    top_k: int,
) -> tuple[tuple[Filled, ...], ...]:
    """The `top_k` best pieces for each mask, best first; the masks are in the order of the text.

    Args:
        logits: `[sequence, vocabulary]`.
        encoding: the sequence.
        texts: the text that was encoded; and the second text, if it was a pair.
        tokenizer: the tokenizer that encoded the text.
        top_k: the number of pieces for each mask.
    """
    masks = []
    for place, token_id in enumerate(encoding.ids):
        owner = encoding.sequence_ids[place]
        if token_id != tokenizer.mask_token_id or owner is None:
            continue
        scores = softmax(logits[place])
        # The output may be wider than the vocabulary: some models pad it to a round number.
        best = np.argsort(-scores[: tokenizer.vocab_size], kind="stable")[:top_k].tolist()
        masks.append(
            tuple(
                Filled(
                    token=piece.removeprefix(WORD_START) or WORD_START,
                    token_id=piece_id,
                    score=float(scores[piece_id]),
                    text=_fill(texts[owner], encoding.offsets[place], piece),
                )
                for piece_id, piece in zip(best, tokenizer.convert_ids_to_tokens(best), strict=True)
            )
        )
    return tuple(masks)


def _fill(text: str, span: tuple[int, int], piece: str) -> str:
    """`text` with `piece` in place of the mask at `span`.

    The mask includes the space on its left, so the piece decides whether there is a space.
    """
    left = text[: span[0]].rstrip()
    word = piece.removeprefix(WORD_START)
    space = ""
    if word != piece:
        space = text[len(left) : span[0]] or (" " if left else "")
    return left + space + word + text[span[1] :]
