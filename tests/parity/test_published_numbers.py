"""Numbers that others published for the real albert-base-v2. ALBERT_BASE_V2 must name its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from albert_export import AlbertForMaskedLM, AlbertModel, AlbertTokenizer


@pytest.fixture(scope="module")
def folder() -> Path:
    if "ALBERT_BASE_V2" not in os.environ:
        pytest.skip("needs real weights: set ALBERT_BASE_V2 to a folder with albert-base-v2")
    return Path(os.environ["ALBERT_BASE_V2"])


def test_hidden_states(folder: Path) -> None:
    """The numbers are from the integration test of Hugging Face's modeling_albert."""
    ids = torch.tensor([[0, 345, 232, 328, 740, 140, 1695, 69, 6078, 1588, 2]])
    mask = torch.tensor([[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
    with torch.no_grad():
        hidden = AlbertModel.from_pretrained(folder)(ids, attention_mask=mask).last_hidden_state
    expected = [[-0.6513, 1.5035, -0.2766], [-0.6515, 1.5046, -0.2780], [-0.6512, 1.5049, -0.2784]]
    assert (hidden[0, 1:4, 1:4] - torch.tensor(expected)).abs().max() < 1e-4


def test_capital_of_france(folder: Path) -> None:
    tokenizer = AlbertTokenizer.from_folder(folder)
    ids = torch.tensor([tokenizer.encode("Paris is the [MASK] of France.")])
    with torch.no_grad():
        logits = AlbertForMaskedLM.from_pretrained(folder)(ids).logits
    best = logits[0, (ids[0] == tokenizer.mask_token_id).nonzero().item()].topk(5).indices.tolist()
    words = [token.removeprefix("▁") for token in tokenizer.convert_ids_to_tokens(best)]
    assert words == ["capital", "capitol", "comune", "arrondissement", "bastille"]
