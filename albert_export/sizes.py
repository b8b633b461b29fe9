"""The eight published ALBERT checkpoints, by name: only what differs from AlbertConfig's defaults.

Sources: Lan et al., "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", table 1 (sizes),
and the configurations published with the checkpoints (activation and dropout). The first release has dropout 0.1, but
none in xxlarge; the second has none at all. Both were trained with the tanh form of GELU; the first release's
configurations on the hub say `gelu` all the same, which is what people have fine-tuned with since.
"""

from __future__ import annotations

from typing import Any

_SHAPES: dict[str, dict[str, Any]] = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
    "xlarge": {"hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 8192},
    "xxlarge": {"hidden_size": 4096, "num_hidden_layers": 12, "num_attention_heads": 64, "intermediate_size": 16384},
}


def _first_release(size: str) -> dict[str, Any]:
    dropout = 0.0 if size == "xxlarge" else 0.1
    return {"hidden_act": "gelu", "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}


#: name -> keyword arguments of AlbertConfig
PUBLISHED: dict[str, dict[str, Any]] = {
    **{f"albert-{size}-v1": {**shape, **_first_release(size)} for size, shape in _SHAPES.items()},
    **{f"albert-{size}-v2": {**shape, "hidden_act": "gelu_new"} for size, shape in _SHAPES.items()},
}
