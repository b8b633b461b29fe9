"""ALBERT in TensorFlow, to be read beside `torch_albert.py`: the same classes, names and results, in the same order.

Sources: Lan et al. 2020, "ALBERT: A Lite BERT" (arXiv 1909.11942); google-research/albert `modeling.py`; and
`modeling_albert.py` of Hugging Face transformers 4.57 (tests/parity/test_tf_vs_torch.py holds results, losses and
gradients to 1e-5 of the PyTorch model). The code uses only operators that TFLite has as built-ins for dynamic shapes:
no einsum, no slices with new axes. Keras passes `training` from a model to every layer in it.

Shapes: B batch, S tokens, Q attending tokens, E embedding_size, H hidden_size, N heads, D = H / N, F intermediate_size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import keras
import tensorflow as tf
from tensorflow import Tensor

from albert_export.checkpoints import Checkpoint, write_checkpoint
from albert_export.config import AlbertConfig
from albert_export.hub import load_checkpoint
from albert_export.reference import MASK_VALUE
from albert_export.reference.outputs import BaseModelOutput, ModelOutput
from albert_export.reference.passes import groups_of_passes, head_masks_of_group
from albert_export.reference.tf_layers import TFDense, TFEmbedding, TFLayer, TFLayerNorm, layer_weights
from albert_export.reference.tf_training import TFTrainable
from albert_export.utils.resident_memory import give_back_pages
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS

ACTIVATIONS = {
    "gelu": tf.nn.gelu,
    "gelu_new": lambda x: tf.nn.gelu(x, approximate=True),
    "gelu_pytorch_tanh": lambda x: tf.nn.gelu(x, approximate=True),
    "gelu_fast": lambda x: tf.nn.gelu(x, approximate=True),
    "relu": tf.nn.relu,
    # written out, since tf.nn.silu has a custom gradient, and a frozen graph with one can't be saved
    "silu": lambda x: x * tf.sigmoid(x),
    "swish": lambda x: x * tf.sigmoid(x),
    "tanh": tf.tanh,
}

Model = TypeVar("Model", bound="TFAlbertPreTrainedModel")


class TFAlbertEmbeddings(TFLayer):
    """Word, position and segment embeddings, added and normalized: ids `[B, S]` -> `[B, S, E]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.word_embeddings = TFEmbedding(config.vocab_size, size, config, padding_idx=config.pad_token_id)
        self.position_embeddings = TFEmbedding(config.max_position_embeddings, size, config)
        self.token_type_embeddings = TFEmbedding(config.type_vocab_size, size, config)
        self.LayerNorm = TFLayerNorm(size, config)
        self.dropout = keras.layers.Dropout(config.hidden_dropout_prob)

    def call(
        self,
        input_ids: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        inputs_embeds: Tensor | None,
    ) -> Tensor:
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)  # (B, S, E)
        shape = tf.shape(inputs_embeds)
        if token_type_ids is None:
            token_type_ids = tf.zeros(shape[:2], dtype=tf.int32)
        if position_ids is None:
            position_ids = tf.expand_dims(tf.range(shape[1]), 0)  # (1, S)
        embeddings = inputs_embeds + self.token_type_embeddings(token_type_ids)
        embeddings = embeddings + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class TFAlbertAttention(TFLayer):
    """Self-attention, residual and LayerNorm: `[B, Q, H]` and `[B, S, H]` -> `[B, Q, H]`, and `[B, N, Q, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.head_size = config.hidden_size // config.num_attention_heads
        self.query = TFDense(config.hidden_size, config.hidden_size, config)
        self.key = TFDense(config.hidden_size, config.hidden_size, config)
        self.value = TFDense(config.hidden_size, config.hidden_size, config)
        self.dense = TFDense(config.hidden_size, config.hidden_size, config)
        self.LayerNorm = TFLayerNorm(config.hidden_size, config)
        self.attention_dropout = keras.layers.Dropout(config.attention_probs_dropout_prob)
        self.output_dropout = keras.layers.Dropout(config.hidden_dropout_prob)

    def split_heads(self, projected: Tensor) -> Tensor:
        """`[B, S, H]` -> `[B, N, S, D]`"""
        shape = tf.shape(projected)
        return tf.transpose(tf.reshape(projected, [shape[0], shape[1], self.heads, self.head_size]), [0, 2, 1, 3])

    def call(
        self, attending: Tensor, hidden_states: Tensor, mask: Tensor, head_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        # The query is scaled rather than the N * S * S scores, and TFLite folds this scale into the query's weight.
        query = self.split_heads(self.query(attending) / math.sqrt(self.head_size))  # (B, N, Q, D)
        key = self.split_heads(self.key(hidden_states))  # (B, N, S, D)
        value = self.split_heads(self.value(hidden_states))

        scores = tf.matmul(query, key, transpose_b=True)  # (B, N, Q, S)
        probabilities = self.attention_dropout(tf.nn.softmax(scores + mask, axis=-1))
        if head_mask is not None:
            probabilities = probabilities * head_mask

        context = tf.transpose(tf.matmul(probabilities, value), [0, 2, 1, 3])  # (B, Q, N, D)
        context = tf.reshape(context, tf.shape(attending))  # (B, Q, H)
        projected = self.output_dropout(self.dense(context))
        return self.LayerNorm(attending + projected), probabilities


class TFAlbertLayer(TFLayer):
    """Attention, then the feed-forward network with residual and LayerNorm: `[B, S, H]` -> `[B, Q, H]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.size = config.hidden_size
        self.attention = TFAlbertAttention(config)
        self.ffn = TFDense(config.hidden_size, config.intermediate_size, config)
        self.ffn_output = TFDense(config.intermediate_size, config.hidden_size, config)
        self.full_layer_layer_norm = TFLayerNorm(config.hidden_size, config)
        self.activation = ACTIVATIONS[config.hidden_act]

    def call(
        self, hidden_states: Tensor, mask: Tensor, head_mask: Tensor | None, rows: Any = None
    ) -> tuple[Tensor, Tensor]:
        attending = hidden_states if rows is None else tf.slice(hidden_states, [0, 0, 0], [-1, rows, self.size])
        attended, probabilities = self.attention(attending, hidden_states, mask, head_mask)
        expanded = self.activation(self.ffn(attended))  # (B, Q, F)
        return self.full_layer_layer_norm(attended + self.ffn_output(expanded)), probabilities


class TFAlbertLayerGroup(TFLayer):
    """`inner_group_num` layers that always run one after the other."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.albert_layers = [TFAlbertLayer(config) for _ in range(config.inner_group_num)]

    def call(
        self, hidden_states: Tensor, mask: Tensor, head_masks: list[Tensor | None], rows: Any = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        attentions: tuple[Tensor, ...] = ()
        *_, last = self.albert_layers
        for layer, head_mask in zip(self.albert_layers, head_masks, strict=True):
            hidden_states, probabilities = layer(hidden_states, mask, head_mask, rows=rows if layer is last else None)
            attentions = (*attentions, probabilities)
        return hidden_states, attentions


class TFAlbertTransformer(TFLayer):
    """`num_hidden_layers` passes through `num_hidden_groups` groups of shared layers: `[B, S, E]` -> `[B, S, H]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        #: for inference: run the passes of each group in a `tf.while_loop`, whose body holds the layers once. The
        #: hidden states and attentions of the layers are then not available
        self.looped = False
        #: for exports: the last layer computes the first token alone; in a loop only if the length is dynamic
        self.first_token_only = False
        #: if the model's hidden channels were permuted: for each channel of the result, its index in the permuted state
        self.hidden_order: Any = None
        self.embedding_hidden_mapping_in = TFDense(config.embedding_size, config.hidden_size, config)
        self.albert_layer_groups = [TFAlbertLayerGroup(config) for _ in range(config.num_hidden_groups)]

    def call(
        self, embeddings: Tensor, mask: Tensor, head_mask: list[Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, ...] | None, tuple[Tensor, ...] | None]:
        hidden_states = self.embedding_hidden_mapping_in(embeddings)  # (B, S, H)
        groups = groups_of_passes(self.config)
        if self.looped:
            for group in range(self.config.num_hidden_groups):
                head_masks = head_masks_of_group(self.config, head_mask, group)
                hidden_states = self.loop(group, groups.count(group), hidden_states, mask, head_masks)
            return self.restore_order(hidden_states), None, None
        all_hidden_states: tuple[Tensor, ...] = (hidden_states,)
        all_attentions: tuple[Tensor, ...] = ()
        for index, group in enumerate(groups):
            head_masks = head_masks_of_group(self.config, head_mask, group)
            rows = 1 if self.first_token_only and index == len(groups) - 1 else None
            hidden_states, attentions = self.albert_layer_groups[group](hidden_states, mask, head_masks, rows=rows)
            all_hidden_states = (*all_hidden_states, hidden_states)
            all_attentions = all_attentions + attentions
        return self.restore_order(hidden_states), all_hidden_states, all_attentions

    def restore_order(self, hidden_states: Tensor) -> Tensor:
        """The hidden states with the channels in the checkpoint's order."""
        return hidden_states if self.hidden_order is None else tf.gather(hidden_states, self.hidden_order, axis=-1)

    def loop(
        self, group: int, passes: int, hidden_states: Tensor, mask: Tensor, head_masks: list[Tensor | None]
    ) -> Tensor:
        """`passes` passes through one group, as a WHILE operator of the graph."""
        cut = self.first_token_only and group == self.config.num_hidden_groups - 1 and hidden_states.shape[1] is None

        def one_pass(index: Tensor, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
            # The last pass is in the loop too: engines would keep the weights of a second body a second time.
            rows = tf.where(index < passes - 1, tf.shape(hidden_states)[1], 1) if cut else None
            return index + 1, self.albert_layer_groups[group](hidden_states, mask, head_masks, rows=rows)[0]

        shapes = (tf.TensorShape([]), hidden_states.shape)
        start = (tf.constant(0), hidden_states)
        return tf.while_loop(lambda index, _: index < passes, one_pass, start, shape_invariants=shapes)[1]


class TFAlbertPreTrainedModel(TFTrainable):
    """What the encoder and the models with heads have in common: they read and write checkpoints."""

    #: what turns this model's parameter names into Hugging Face's full names
    name_prefix: ClassVar[str] = ""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        config.validate()
        self.config = config

    def named_weights(self) -> dict[str, keras.Variable]:
        """Every parameter by Hugging Face's full name, e.g. `albert.pooler.weight`."""
        return {self.name_prefix + name: weight for name, weight in layer_weights(self)}

    @classmethod
    def from_pretrained(
        cls: type[Model],
        folder: str | Path | Checkpoint,
        *,
        config: AlbertConfig | None = None,
        allow_random_head: bool = False,
        unchanged: bool = False,
    ) -> Model:
        """The model with the weights of a checkpoint folder, Hugging Face's or Google's.

        Args:
            folder: the folder, or the model's id on the hub, or a Checkpoint already read.
            config: replaces the checkpoint's configuration, for example for a head of another size.
            allow_random_head: a head that the checkpoint lacks keeps its random initial weights, with a warning.
            unchanged: the arrays of a Checkpoint are as they were read; the memory of a mapped file is given back.

        Raises:
            CheckpointError: the checkpoint can't be read, or weights are missing, left over or of another shape.
            UnsupportedError: the checkpoint has no such head, or another one for the task.
        """
        checkpoint = folder if isinstance(folder, Checkpoint) else load_checkpoint(folder)
        model = cls(config or checkpoint.config, **cls._arguments(checkpoint))
        parameters = model.named_weights()
        shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
        weights = checkpoint.weights_for(cls.task, shapes, head=cls.head, allow_random_head=allow_random_head)
        for name, array in weights.items():
            parameters[name].assign(array)
            give_back_pages([array] if unchanged else [])
        return model

    @classmethod
    def _arguments(cls, checkpoint: Checkpoint) -> dict[str, Any]:
        """Further arguments of the constructor for the weights of `checkpoint`."""
        return {}

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes `config.json` and `model.safetensors`, which the PyTorch model and transformers open too.

        This does not write the tokenizer's files: see `AlbertTokenizer.save_vocabulary`.
        """
        self.config.architectures = [type(self).__name__.removeprefix("TF")]
        write_checkpoint(folder, self.config, {name: weight.numpy() for name, weight in self.named_weights().items()})

    def wants(self, given: bool | None, option: str) -> bool:
        """Whether an output option is on: the call decides, or else the configuration."""
        return bool(getattr(self.config, option)) if given is None else given

    def finish(self, output: ModelOutput, return_dict: bool | None) -> Any:
        """`output` itself, or a plain tuple if return_dict is False."""
        return output if self.wants(return_dict, "return_dict") else output.to_tuple()


class TFAlbertModel(TFAlbertPreTrainedModel):
    """The encoder, with a pooler unless `add_pooling_layer` is False."""

    task = "feature-extraction"
    name_prefix = "albert."

    def __init__(self, config: AlbertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = TFAlbertEmbeddings(config)
        self.encoder = TFAlbertTransformer(config)
        self.pooler = TFDense(config.hidden_size, config.hidden_size, config) if add_pooling_layer else None

    @classmethod
    def _arguments(cls, checkpoint: Checkpoint) -> dict[str, Any]:
        return {"add_pooling_layer": "pooler_output" in checkpoint.available(TASKS[cls.task]).outputs}

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """Runs the encoder.

        Args:
            input_ids: token ids, int `[B, S]`; or give inputs_embeds, float `[B, S, E]`.
            attention_mask: 1 for tokens, 0 for padding, `[B, S]`; all ones by default.
            token_type_ids: 0 for the first text, 1 for the second, int `[B, S]`; all zeros by default.
            position_ids: int `[B, S]` or `[1, S]`; 0 to S - 1 by default.
            head_mask: 1 keeps an attention head, 0 switches it off, float `[N]` or `[num_hidden_layers, N]`.
            output_attentions: also return the probabilities of each layer.
            output_hidden_states: also return the hidden states of each layer.
            return_dict: False returns a plain tuple.
            training: True switches dropout on.

        Returns:
            A BaseModelOutput.

        Raises:
            UsageError: not exactly one of input_ids and inputs_embeds is given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("give either input_ids or inputs_embeds, and not both")
        embeddings = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        if attention_mask is None:
            attention_mask = tf.ones(tf.shape(embeddings)[:2])
        mask = (1.0 - tf.cast(attention_mask, embeddings.dtype)) * MASK_VALUE
        mask = tf.expand_dims(tf.expand_dims(mask, 1), 2)  # (B, 1, 1, S)
        head_masks = None
        if head_mask is not None:
            layers, heads = self.config.num_hidden_layers, self.config.num_attention_heads
            per_layer = tf.broadcast_to(tf.cast(head_mask, embeddings.dtype), [layers, heads])
            head_masks = tf.unstack(tf.reshape(per_layer, [layers, 1, heads, 1, 1]))

        hidden, all_hidden, attentions = self.encoder(embeddings, mask, head_masks)
        pooled = None if self.pooler is None else tf.tanh(self.pooler(tf.gather(hidden, 0, axis=1)))
        output = BaseModelOutput(
            last_hidden_state=hidden,
            pooler_output=pooled,
            hidden_states=all_hidden if self.wants(output_hidden_states, "output_hidden_states") else None,
            attentions=attentions if self.wants(output_attentions, "output_attentions") else None,
        )
        return self.finish(output, return_dict)
