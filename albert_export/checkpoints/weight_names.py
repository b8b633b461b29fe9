"""The table of weight names: Hugging Face's name, Google's name, and whether Google stores the weight transposed.

Hugging Face's names here are those of the full models, so the encoder's names begin with `albert.`. `{group}` and
`{inner}` count the sets of layer weights: 0 to num_hidden_groups - 1, and 0 to inner_group_num - 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from albert_export.config import AlbertConfig


@dataclass(frozen=True)
class WeightName:
    """One weight. Google stores a dense layer's matrix as [inputs, outputs], Hugging Face as [outputs, inputs]."""

    hugging_face: str
    google: str
    transposed: bool = False

    def expanded(self, config: AlbertConfig) -> Iterator[WeightName]:
        """This weight for every group and inner layer of `config`; a weight outside of the layers gives itself."""
        if "{group}" not in self.hugging_face:
            yield self
            return
        for group in range(config.num_hidden_groups):
            for inner in range(config.inner_group_num):
                indices = {"group": group, "inner": inner}
                yield WeightName(self.hugging_face.format(**indices), self.google.format(**indices), self.transposed)


def _dense(hugging_face: str, google: str) -> tuple[WeightName, WeightName]:
    return (
        WeightName(f"{hugging_face}.weight", f"{google}/kernel", transposed=True),
        WeightName(f"{hugging_face}.bias", f"{google}/bias"),
    )


def _norm(hugging_face: str, google: str) -> tuple[WeightName, WeightName]:
    return (
        WeightName(f"{hugging_face}.weight", f"{google}/gamma"),
        WeightName(f"{hugging_face}.bias", f"{google}/beta"),
    )


def _output(hugging_face: str, google: str) -> tuple[WeightName, WeightName]:
    """A classification layer, which Google stores as [labels, hidden_size], like Hugging Face."""
    return (
        WeightName(f"{hugging_face}.weight", f"{google}output_weights"),
        WeightName(f"{hugging_face}.bias", f"{google}output_bias"),
    )


WORD_EMBEDDINGS = "albert.embeddings.word_embeddings.weight"
PREDICTION_BIAS = "predictions.bias"
#: the decoder of the masked language model, which Hugging Face ties to the two weights above
DECODER = "predictions.decoder.weight"
DECODER_BIAS = "predictions.decoder.bias"

#: field of the configuration -> the weight, a matrix, and its axis that has this size
MEASURED_SIZES = {
    "vocab_size": (WORD_EMBEDDINGS, 0),
    "embedding_size": (WORD_EMBEDDINGS, 1),
    "max_position_embeddings": ("albert.embeddings.position_embeddings.weight", 0),
    "type_vocab_size": ("albert.embeddings.token_type_embeddings.weight", 0),
    "hidden_size": ("albert.encoder.embedding_hidden_mapping_in.weight", 0),
    "intermediate_size": ("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", 0),
}

_LAYER = "albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
_GOOGLE_LAYER = "bert/encoder/transformer/group_{group}/inner_group_{inner}"

#: Google's checkpoints lack this if embedding_size equals hidden_size: the mapping is then the identity
MAPPING = _dense("albert.encoder.embedding_hidden_mapping_in", "bert/encoder/embedding_hidden_mapping_in")

ENCODER: tuple[WeightName, ...] = (
    WeightName(WORD_EMBEDDINGS, "bert/embeddings/word_embeddings"),
    WeightName("albert.embeddings.position_embeddings.weight", "bert/embeddings/position_embeddings"),
    WeightName("albert.embeddings.token_type_embeddings.weight", "bert/embeddings/token_type_embeddings"),
    *_norm("albert.embeddings.LayerNorm", "bert/embeddings/LayerNorm"),
    *MAPPING,
    *_dense(f"{_LAYER}.attention.query", f"{_GOOGLE_LAYER}/attention_1/self/query"),
    *_dense(f"{_LAYER}.attention.key", f"{_GOOGLE_LAYER}/attention_1/self/key"),
    *_dense(f"{_LAYER}.attention.value", f"{_GOOGLE_LAYER}/attention_1/self/value"),
    *_dense(f"{_LAYER}.attention.dense", f"{_GOOGLE_LAYER}/attention_1/output/dense"),
    *_norm(f"{_LAYER}.attention.LayerNorm", f"{_GOOGLE_LAYER}/LayerNorm"),
    *_dense(f"{_LAYER}.ffn", f"{_GOOGLE_LAYER}/ffn_1/intermediate/dense"),
    *_dense(f"{_LAYER}.ffn_output", f"{_GOOGLE_LAYER}/ffn_1/intermediate/output/dense"),
    *_norm(f"{_LAYER}.full_layer_layer_norm", f"{_GOOGLE_LAYER}/LayerNorm_1"),
)

#: the heads that a checkpoint may have; it has all weights of a head or none
HEADS: dict[str, tuple[WeightName, ...]] = {
    "albert.pooler.": _dense("albert.pooler", "bert/pooler/dense"),
    "predictions.": (
        *_dense("predictions.dense", "cls/predictions/transform/dense"),
        *_norm("predictions.LayerNorm", "cls/predictions/transform/LayerNorm"),
        WeightName(PREDICTION_BIAS, "cls/predictions/output_bias"),
    ),
    "sop_classifier.": _output("sop_classifier.classifier", "cls/seq_relationship/"),
    "qa_outputs.": _output("qa_outputs", "cls/squad/"),
    "classifier.": _output("classifier", ""),
    # create_v2_model of squad_utils.py; the names are those of the same head in transformers (XLNet's)
    "start_logits.": (
        *_dense("start_logits.dense", "start_logits/dense"),
        *_dense("end_logits.dense_0", "end_logits/dense_0"),
        *_norm("end_logits.LayerNorm", "end_logits/LayerNorm"),
        *_dense("end_logits.dense_1", "end_logits/dense_1"),
        *_dense("answer_class.dense_0", "answer_class/dense_0"),
        WeightName("answer_class.dense_1.weight", "answer_class/dense_1/kernel", transposed=True),
    ),
}

_KNOWN = re.compile(
    "|".join(
        re.escape(row.hugging_face).replace(r"\{group\}", r"\d+").replace(r"\{inner\}", r"\d+")
        for row in (*ENCODER, *(row for head in HEADS.values() for row in head))
    )
)
_BY_GOOGLE = {row.google: row for rows in (ENCODER, *HEADS.values()) for row in rows}
_GOOGLE_INDICES = re.compile(r"(?<=group_)(\d+)/inner_group_(\d+)")

_BARE = re.compile(r"(embeddings|encoder|pooler)\.")
_OLD_NORM = re.compile(r"((?:LayerNorm|layer_norm)\.)(gamma|beta)$")
_BUFFER = re.compile(r"(albert\.)?embeddings\.(position_ids|token_type_ids)")


def is_known(name: str) -> bool:
    """Whether a full Hugging Face name is in the table, for any number of groups, or is that of the tied decoder."""
    return name in (DECODER, DECODER_BIAS) or _KNOWN.fullmatch(name) is not None


def is_encoder_weight(name: str) -> bool:
    """Whether a full Hugging Face name belongs to the encoder, which every task needs."""
    return name.startswith(("albert.embeddings.", "albert.encoder."))


def part_of(name: str) -> str:
    """The part of the model that a full Hugging Face name belongs to: the encoder, or one of HEADS."""
    head = next((head for head, rows in HEADS.items() if any(name == row.hugging_face for row in rows)), "")
    return head.removesuffix(".") or ("predictions" if name == DECODER else "encoder")


def by_google_name(name: str) -> WeightName | None:
    """The weight that Google calls `name`, with the numbers of its layer; None if Google has no such weight."""
    found = _GOOGLE_INDICES.search(name)
    row = _BY_GOOGLE.get(_GOOGLE_INDICES.sub("{group}/inner_group_{inner}", name))
    if row is None or found is None:
        return row
    return WeightName(row.hugging_face.format(group=found[1], inner=found[2]), name, row.transposed)


def full_name(name: str) -> str | None:
    """The full Hugging Face name of a weight that a checkpoint calls `name`; None if it is no weight but a buffer.

    A bare AlbertModel is saved without `albert.`. Old checkpoints use gamma and beta, and contain position_ids.
    """
    if _BUFFER.fullmatch(name):
        return None
    if _BARE.match(name):
        name = f"albert.{name}"
    return _OLD_NORM.sub(lambda old: old[1] + {"gamma": "weight", "beta": "bias"}[old[2]], name)
