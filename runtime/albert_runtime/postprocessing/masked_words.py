"""The best pieces for each mask of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Filled
from albert_runtime.postprocessing.probabilities import Logits, softmax
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer


def fill_masks(
    logits: Logits,
    encoding: Encoding,
    texts: Sequence[str],
    tokenizer: AlbertTokenizer,
    top_k: int,
    targets: Sequence[int] | None = None,
    *,
    masked_only: bool = False,
) -> tuple[tuple[Filled, ...], ...]:
    """The `top_k` best pieces for each mask, best first; the masks are in the order of the text.

    Args:
        logits: `[sequence, vocabulary]`, or `[masks, vocabulary]` if `masked_only`.
        encoding: the sequence.
        texts: the text that was encoded; and the second text, if it was a pair.
        tokenizer: the tokenizer that encoded the text.
        top_k: the number of pieces for each mask.
        targets: the ids of the pieces that are compared; None for the whole vocabulary. A score stays the probability
            among all pieces.
        masked_only: whether `logits` has a row for each mask, in the order of the text, and none for other tokens.
    """
    masks = []
    places = [place for place, token_id in enumerate(encoding.ids) if token_id == tokenizer.mask_token_id]
    for row, place in enumerate(places):
        owner = encoding.sequence_ids[place]
        if owner is None:
            continue
        scores = softmax(logits[row if masked_only else place])
        # The output may be wider than the vocabulary: some models pad it to a round number.
        known = tokenizer.vocabulary.all_ids
        compared = known[known < len(scores)] if targets is None else np.asarray(targets)
        best = compared[np.argsort(-scores[compared], kind="stable")[:top_k]].tolist()
        masks.append(
            tuple(
                Filled(
                    token=tokenizer.spelling(piece) or piece,
                    token_id=piece_id,
                    score=float(scores[piece_id]),
                    text=_fill(texts[owner], encoding.offsets[place], piece, tokenizer),
                )
                for piece_id, piece in zip(best, tokenizer.convert_ids_to_tokens(best), strict=True)
            )
        )
    return tuple(masks)


def target_pieces(targets: Sequence[str], tokenizer: AlbertTokenizer) -> dict[str, str | None]:
    """Each target -> the piece that is scored for it; None if the tokenizer finds nothing in the target.

    As in Hugging Face's fill-mask pipeline, a target that is written like a piece ("▁capital", or "s") is that piece.
    Any other target is tokenized, and its first piece stands for it.
    """
    pieces: dict[str, str | None] = {}
    for target in targets:
        [index] = tokenizer.convert_tokens_to_ids([target])
        if tokenizer.convert_ids_to_tokens([index]) == [target]:
            pieces[target] = target
        else:
            pieces[target] = next(iter(tokenizer.tokenize(target)), None)
    return pieces


def _fill(text: str, span: tuple[int, int], piece: str, tokenizer: AlbertTokenizer) -> str:
    """`text` with `piece` in place of the mask at `span`.

    The piece decides whether there is a space on its left, since it says whether a word begins with it. An added token
    is a word of its own. Where there is no space before the mask, one is added if the vocabulary marks spaces; words
    of WordPiece, such as Chinese characters, may stand side by side.
    """
    left = text[: span[0]].rstrip()
    space = ""
    if tokenizer.starts_word(piece):
        space = text[len(left) : span[0]] or (" " if left and tokenizer.wordpiece is None else "")
    return left + space + tokenizer.spelling(piece) + text[span[1] :]
