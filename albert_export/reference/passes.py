"""Which group of shared layers each pass runs, and which head masks a group takes: the same in both frameworks."""

from __future__ import annotations

from typing import Any

from albert_export.config import AlbertConfig
from albert_runtime.errors import UsageError


def groups_of_passes(config: AlbertConfig) -> list[int]:
    """The index of the group that each pass runs, `[num_hidden_layers]`, in ascending order."""
    per_group = config.num_hidden_layers / config.num_hidden_groups
    return [int(index / per_group) for index in range(config.num_hidden_layers)]


def head_masks_of_group(config: AlbertConfig, head_mask: Any, group: int) -> list[Any]:
    """The mask of each inner layer of `group`.

    As in Hugging Face, a group takes the masks of its first passes and uses them in every pass.

    Args:
        config: of the model.
        head_mask: a tensor or a list with a mask for each pass; None masks nothing.
        group: the index of the group.

    Raises:
        UsageError: the group has more inner layers than passes, and so too few masks.
    """
    inner = config.inner_group_num
    if head_mask is None:
        return [None] * inner
    passes = config.num_hidden_layers // config.num_hidden_groups
    if inner > passes:
        raise UsageError(f"head_mask needs at least {inner} passes in each group; this model has {passes}")
    return list(head_mask[group * passes : group * passes + inner])
