"""Tiny checkpoints in the format of google-research/albert, with random weights. TensorFlow must be installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

GOOGLE_CONFIG = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 16,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 37,
    "max_position_embeddings": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 50,
}
HEAD_VARIABLES = {
    "pretraining": {
        "cls/predictions/transform/dense/kernel": (32, 16),
        "cls/predictions/transform/dense/bias": (16,),
        "cls/predictions/transform/LayerNorm/gamma": (16,),
        "cls/predictions/transform/LayerNorm/beta": (16,),
        "cls/predictions/output_bias": (50,),
        "cls/seq_relationship/output_weights": (2, 32),
        "cls/seq_relationship/output_bias": (2,),
    },
    "squad": {"cls/squad/output_weights": (2, 32), "cls/squad/output_bias": (2,)},
    "classifier": {"output_weights": (3, 32), "output_bias": (3,)},
    "race": {"output_weights": (1, 32), "output_bias": (1,)},
    "squad v2": {
        "start_logits/dense/kernel": (32, 1),
        "start_logits/dense/bias": (1,),
        "end_logits/dense_0/kernel": (64, 32),
        "end_logits/dense_0/bias": (32,),
        "end_logits/LayerNorm/gamma": (32,),
        "end_logits/LayerNorm/beta": (32,),
        "end_logits/dense_1/kernel": (32, 1),
        "end_logits/dense_1/bias": (1,),
        "answer_class/dense_0/kernel": (64, 32),
        "answer_class/dense_0/bias": (32,),
        "answer_class/dense_1/kernel": (32, 1),
    },
    "none": {},
}


def encoder_variables(config) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the variables in google-research/albert modeling.py, written out by hand."""
    embedding, hidden, inner = config["embedding_size"], config["hidden_size"], config["intermediate_size"]
    variables: dict[str, tuple[int, ...]] = {
        "bert/embeddings/word_embeddings": (config["vocab_size"], embedding),
        "bert/embeddings/token_type_embeddings": (2, embedding),
        "bert/embeddings/position_embeddings": (config["max_position_embeddings"], embedding),
        "bert/embeddings/LayerNorm/beta": (embedding,),
        "bert/embeddings/LayerNorm/gamma": (embedding,),
        "bert/pooler/dense/kernel": (hidden, hidden),
        "bert/pooler/dense/bias": (hidden,),
    }
    if embedding != hidden:
        variables["bert/encoder/embedding_hidden_mapping_in/kernel"] = (embedding, hidden)
        variables["bert/encoder/embedding_hidden_mapping_in/bias"] = (hidden,)
    for group in range(config["num_hidden_groups"]):
        for number in range(config["inner_group_num"]):
            scope = f"bert/encoder/transformer/group_{group}/inner_group_{number}"
            for name in ("query", "key", "value"):
                variables[f"{scope}/attention_1/self/{name}/kernel"] = (hidden, hidden)
                variables[f"{scope}/attention_1/self/{name}/bias"] = (hidden,)
            variables[f"{scope}/attention_1/output/dense/kernel"] = (hidden, hidden)
            variables[f"{scope}/attention_1/output/dense/bias"] = (hidden,)
            variables[f"{scope}/ffn_1/intermediate/dense/kernel"] = (hidden, inner)
            variables[f"{scope}/ffn_1/intermediate/dense/bias"] = (inner,)
            variables[f"{scope}/ffn_1/intermediate/output/dense/kernel"] = (inner, hidden)
            variables[f"{scope}/ffn_1/intermediate/output/dense/bias"] = (hidden,)
            for norm in ("LayerNorm", "LayerNorm_1"):
                variables[f"{scope}/{norm}/gamma"] = (hidden,)
                variables[f"{scope}/{norm}/beta"] = (hidden,)
    return variables


def random_variables(head="pretraining", **settings) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = encoder_variables({**GOOGLE_CONFIG, **settings}) | HEAD_VARIABLES[head]
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def save_google(folder: Path, variables, name="model.ckpt-best", *, slots=True, **settings) -> None:
    """Saves a checkpoint like TF1 training does: V2 files, with the optimizer's slots and the step."""
    folder.mkdir(exist_ok=True)
    (folder / "albert_config.json").write_text(json.dumps({**GOOGLE_CONFIG, **settings}))
    tensors = dict(variables)
    if slots:
        for variable, array in variables.items():
            tensors[f"{variable}/adam_m"] = np.zeros_like(array)
            tensors[f"{variable}/adam_v"] = np.zeros_like(array)
        tensors["global_step"] = np.array(125_000, np.int64)
    tf.raw_ops.SaveV2(
        prefix=str(folder / name),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(array) for array in tensors.values()],
    )
