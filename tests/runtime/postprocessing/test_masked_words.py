from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.postprocessing.masked_words import fill_masks
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tests.runtime.tiny_bundle import make_bundle


def logits(*values):
    return np.array(values, np.float32)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AlbertTokenizer.from_folder(make_bundle(tmp_path_factory.mktemp("bundle"), "fill-mask"))


class TestFillMasks:
    def fill(self, tokenizer, text, *pieces):
        """The texts with the first mask filled, if `pieces` are the best ones in this order."""
        (encoding,) = tokenizer(text).encodings
        rows = np.zeros((len(encoding), tokenizer.vocab_size + 8), np.float32)
        rows[:, tokenizer.vocab_size :] = 99  # outputs beyond the vocabulary are never chosen
        for rank, piece in enumerate(tokenizer.convert_tokens_to_ids(pieces)):
            rows[:, piece] = 20 - rank
        masks = fill_masks(rows, encoding, (text,), tokenizer, len(pieces))
        return masks[0]

    def test_a_word_keeps_the_space_and_a_piece_takes_it(self, tokenizer):
        filled = self.fill(tokenizer, "Paris is THE [MASK] of\nFrance.", "▁capital", "s")
        assert [one.token for one in filled] == ["capital", "s"]
        assert [one.text for one in filled] == ["Paris is THE capital of\nFrance.", "Paris is THEs of\nFrance."]
        assert tokenizer.convert_ids_to_tokens([filled[0].token_id]) == ["▁capital"]

    @pytest.mark.parametrize(
        ("text", "filled"),
        [("[MASK] stands", "tower stands"), ("the[MASK]", "the tower"), ("the\n [MASK], he", "the\n tower, he")],
    )
    def test_spaces_around_a_word(self, tokenizer, text, filled):
        assert self.fill(tokenizer, text, "▁tower")[0].text == filled

    def test_several_masks_are_in_order_and_the_other_masks_are_kept(self, tokenizer):
        texts = ("a [MASK] film", "one [MASK] one")
        (encoding,) = tokenizer(*texts).encodings
        places = [place for place, one in enumerate(encoding.ids) if one == tokenizer.mask_token_id]
        rows = np.zeros((len(encoding), tokenizer.vocab_size), np.float32)
        for place, piece in zip(places, tokenizer.convert_tokens_to_ids(["▁good", "▁bad"]), strict=True):
            rows[place, piece] = 9
        first, second = fill_masks(rows, encoding, texts, tokenizer, 1)
        assert (first[0].text, second[0].text) == ("a good film", "one bad one")
