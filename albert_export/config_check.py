"""What can be wrong with a configuration, all of it at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from albert_export.config import AlbertConfig

#: the activations that the reference models know, by their Hugging Face names
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish", "tanh")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
FLAGS = ("output_attentions", "output_hidden_states", "return_dict", "tie_word_embeddings")

_SIZES = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "num_attention_heads",
    "intermediate_size",
    "inner_group_num",
    "max_position_embeddings",
    "type_vocab_size",
)
_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob")
_TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id")


def config_problems(config: AlbertConfig) -> list[str]:
    """Everything that keeps the reference models from being built as `config` says; empty if nothing does."""
    problems = [
        f"{name} must be a positive whole number, not {value!r}"
        for name, value in ((name, getattr(config, name)) for name in _SIZES)
        if not (is_int(value) and value > 0)
    ]
    if not problems:
        problems += _size_problems(config)
    problems += [
        f"{name} must be a number from 0 up to, but not including, 1, not {value!r}"
        for name, value in ((name, getattr(config, name)) for name in _DROPOUTS)
        if not (_is_number(value) and 0 <= value < 1)
    ]
    if not (_is_number(config.layer_norm_eps) and config.layer_norm_eps > 0):
        problems.append(f"layer_norm_eps must be a number above 0, not {config.layer_norm_eps!r}")
    if not (_is_number(config.initializer_range) and config.initializer_range >= 0):
        problems.append(f"initializer_range must be a number, 0 or above, not {config.initializer_range!r}")
    problems += [
        f"{name} must be true or false, not {value!r}"
        for name, value in ((name, getattr(config, name)) for name in FLAGS)
        if not isinstance(value, bool)
    ]
    return problems + _token_problems(config) + _kind_problems(config) + _label_problems(config)


def _size_problems(config: AlbertConfig) -> list[str]:
    problems = []
    if config.hidden_size % config.num_attention_heads:
        problems.append(
            f"hidden_size {config.hidden_size} is not a multiple of num_attention_heads {config.num_attention_heads}"
        )
    if config.num_hidden_groups > config.num_hidden_layers:
        problems.append(
            f"num_hidden_groups {config.num_hidden_groups} is more than num_hidden_layers {config.num_hidden_layers}"
        )
    return problems


def _token_problems(config: AlbertConfig) -> list[str]:
    problems = [
        f"{name} must be a token id or null, not {value!r}"
        for name, value in ((name, getattr(config, name)) for name in _TOKEN_IDS)
        if not (value is None or (is_int(value) and value >= 0))
    ]
    if is_int(config.pad_token_id) and is_int(config.vocab_size) and config.pad_token_id >= config.vocab_size:
        problems.append(f"pad_token_id {config.pad_token_id} is not below vocab_size {config.vocab_size}")
    return problems


def _kind_problems(config: AlbertConfig) -> list[str]:
    problems = []
    if config.hidden_act not in ACTIVATIONS:
        problems.append(f"hidden_act {config.hidden_act!r} is not supported; supported are {', '.join(ACTIVATIONS)}")
    if config.position_embedding_type != "absolute":
        problems.append(
            f"position_embedding_type {config.position_embedding_type!r} is not supported; supported is absolute"
        )
    if config.pruned_heads:
        problems.append(f"pruned_heads {config.pruned_heads!r}: pruned attention heads are not supported")
    names = config.architectures
    if not (names is None or (isinstance(names, list) and all(isinstance(name, str) for name in names))):
        problems.append(f"architectures must be a list of class names or null, not {names!r}")
    if config.problem_type is not None and config.problem_type not in PROBLEM_TYPES:
        known = ", ".join(PROBLEM_TYPES)
        problems.append(f"problem_type must be null or one of {known}, not {config.problem_type!r}")
    return problems


def _label_problems(config: AlbertConfig) -> list[str]:
    if not config.id2label or set(config.id2label) != set(range(len(config.id2label))):
        ids = ", ".join(map(str, config.id2label)) or "none"
        return [f"id2label must name the ids 0, 1, 2, ... without a gap, not {ids}"]
    if not all(is_int(i) for i in config.label2id.values()):
        return [f"label2id must give whole numbers, not {config.label2id!r}"]
    return []


def is_int(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number, and not a truth value, which Python counts as one."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[int | float]:
    return is_int(value) or (isinstance(value, float) and math.isfinite(value))
