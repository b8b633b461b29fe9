"""The names that wrappers give to weights: which part of them stands before the encoder's own names?

DistributedDataParallel adds `module.`, torch.compile `_orig_mod.`, a LightningModule the attribute of the model, a
trainer's file the key of the state_dict, and someone's own class keeps the encoder under any attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# No other model has these two modules in its encoder.
_ALBERT_ONLY = re.compile(r"(?<![^.])encoder\.(?:embedding_hidden_mapping_in|albert_layer_groups)\.")
_OF_ENCODER = re.compile(r"(embeddings|encoder|pooler)\.")
#: what stands before the encoder's names in Hugging Face's full models
FULL = "albert."


def encoder_prefixes(names: Iterable[str]) -> list[str]:
    """What stands before the names of each ALBERT encoder in `names`; one without prefix gives an empty text.

    A full model of Hugging Face gives `albert.`, and a wrapped one `module.albert.`, for example.
    """
    found = {name[: match.start()]: None for name in names if (match := _ALBERT_ONLY.search(name))}
    return list(found)


def unwrapped(name: str, prefix: str) -> str:
    """The name of a weight in a full model of Hugging Face whose encoder's names begin with `prefix` in the file.

    Heads are beside the encoder, or beside a module that it is in: behind `model.albert.`, the names of heads may begin
    with `model.`, or not.
    """
    if name.startswith(prefix):
        inner = name[len(prefix) :]
        # A bare AlbertModel in a wrapper has no name of its own, and there may be a head at the same level.
        return FULL + inner if prefix.endswith(FULL) or _OF_ENCODER.match(inner) else inner
    outer = prefix.rstrip(".")
    while "." in outer:
        outer = outer.rpartition(".")[0]
        if name.startswith(f"{outer}."):
            return name[len(outer) + 1 :]
    return name
