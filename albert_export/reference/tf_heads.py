"""ALBERT's task heads in TensorFlow, to be read beside `torch_heads.py`: the same classes, names, results and losses.

Every `call` takes what `TFAlbertModel.call` takes, in the same order, and the labels of its task. Keras passes
`training` to the layers within.

Shapes: B batch, C choices, S sequence, E embedding_size, H hidden_size, V vocab_size, L labels.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from tensorflow import Tensor

from albert_export.config import AlbertConfig
from albert_export.reference.outputs import (
    AlbertForPreTrainingOutput,
    LogitsOutput,
    QuestionAnsweringOutput,
)
from albert_export.reference.tf_albert import ACTIVATIONS, TFAlbertModel, TFAlbertPreTrainedModel
from albert_export.reference.tf_layers import TFDense, TFLayer, TFLayerNorm
from albert_runtime.errors import UsageError


class TFAlbertMLMHead(TFLayer):
    """Scores of all vocabulary entries: `[B, S, H]` -> `[B, S, V]`; the decoder's weight is the word embeddings."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense = TFDense(config.hidden_size, config.embedding_size, config)
        self.LayerNorm = TFLayerNorm(config.embedding_size, config)
        self.bias = self.add_weight(shape=(config.vocab_size,), initializer="zeros", name="bias")
        self.activation = ACTIVATIONS[config.hidden_act]

    def call(self, hidden_states: Tensor, word_embeddings: Tensor) -> Tensor:
        transformed = self.LayerNorm(self.activation(self.dense(hidden_states)))  # (B, S, E)
        return tf.matmul(transformed, word_embeddings, transpose_b=True) + self.bias


class TFAlbertSOPHead(TFLayer):
    """Sentence order prediction: `[B, H]` -> `[B, 2]`, index 0 for "in order" and 1 for "swapped"."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dropout = keras.layers.Dropout(config.classifier_dropout_prob)
        self.classifier = TFDense(config.hidden_size, 2, config)

    def call(self, pooled: Tensor) -> Tensor:
        return self.classifier(self.dropout(pooled))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of `[..., L]` against int labels `[...]`; the label -100 is left out."""
    labels = tf.reshape(labels, [-1])
    counted = tf.not_equal(labels, -100)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.where(counted, labels, 0), tf.reshape(logits, [-1, logits.shape[-1]])
    )
    weights = tf.cast(counted, losses.dtype)
    return tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)


class TFAlbertForPreTraining(TFAlbertPreTrainedModel):
    """Masked language modelling and sentence order prediction."""

    task = "pretraining"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config)
        self.predictions = TFAlbertMLMHead(config)
        self.sop_classifier = TFAlbertSOPHead(config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        sentence_order_label: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """labels: ids of masked tokens, -100 elsewhere, int `[B, S]`. sentence_order_label: 1 if swapped, int `[B]`."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        prediction_logits = self.predictions(encoded.last_hidden_state, self.albert.embeddings.word_embeddings.weight)
        sop_logits = self.sop_classifier(encoded.pooler_output)
        loss = None
        if labels is not None and sentence_order_label is not None:
            loss = cross_entropy(prediction_logits, labels) + cross_entropy(sop_logits, sentence_order_label)
        output = AlbertForPreTrainingOutput(
            loss, prediction_logits, sop_logits, encoded.hidden_states, encoded.attentions
        )
        return self.finish(output, return_dict)


class TFAlbertForMaskedLM(TFAlbertPreTrainedModel):
    """Masked language modelling."""

    task = "fill-mask"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config, add_pooling_layer=False)
        self.predictions = TFAlbertMLMHead(config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
        masked_positions: Tensor | None = None,
    ) -> Any:
        """Compute the scores of the vocabulary.

        Args:
            labels: ids of the masked tokens, -100 elsewhere, int `[B, S]`.
            masked_positions: the places to score, int `[B, M]`, for logits `[B, M, V]`; None scores all of them.
        """
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        hidden_states = encoded.last_hidden_state
        if masked_positions is not None:
            hidden_states = tf.gather(hidden_states, masked_positions, batch_dims=1)  # (B, M, H)
        logits = self.predictions(hidden_states, self.albert.embeddings.word_embeddings.weight)
        loss = None if labels is None else cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)


class TFAlbertForSequenceClassification(TFAlbertPreTrainedModel):
    """Classification of a text or of a pair of texts, or regression on them."""

    task = "text-classification"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config)
        self.dropout = keras.layers.Dropout(config.classifier_dropout_prob)
        self.classifier = TFDense(config.hidden_size, config.num_labels, config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """labels: int `[B]` for one label each, float `[B, L]` for several labels each, float `[B]` for regression."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.pooler_output))
        loss = None if labels is None else self.classification_loss(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)

    # This is not called `loss`, since Keras' compile() sets that attribute.
    def classification_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss that `config.problem_type` names. If it is None, the labels decide, and this sets it."""
        if self.config.problem_type is None:
            if self.config.num_labels == 1:
                self.config.problem_type = "regression"
            elif labels.dtype in (tf.int64, tf.int32):
                self.config.problem_type = "single_label_classification"
            else:
                self.config.problem_type = "multi_label_classification"
        if self.config.problem_type == "single_label_classification":
            return cross_entropy(logits, labels)
        labels = tf.cast(labels, logits.dtype)
        if self.config.problem_type == "regression":
            return tf.reduce_mean(tf.math.squared_difference(tf.reshape(logits, [-1]), tf.reshape(labels, [-1])))
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


class TFAlbertForTokenClassification(TFAlbertPreTrainedModel):
    """A label for each token, such as the parts of named entities."""

    task = "token-classification"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config, add_pooling_layer=False)
        self.dropout = keras.layers.Dropout(config.classifier_dropout_prob)
        self.classifier = TFDense(config.hidden_size, config.num_labels, config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """labels: int `[B, S]`, -100 for tokens that don't count."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        loss = None if labels is None else cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)


class TFAlbertForQuestionAnswering(TFAlbertPreTrainedModel):
    """Question answering: the scores of each token as the start and as the end of the answer."""

    task = "question-answering"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config, add_pooling_layer=False)
        self.qa_outputs = TFDense(config.hidden_size, 2, config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """start_positions, end_positions: first and last token of the answer, int `[B]`; S or more is left out."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        start_logits, end_logits = tf.split(self.qa_outputs(encoded.last_hidden_state), 2, axis=-1)  # (B, S, 1) each
        start_logits, end_logits = tf.squeeze(start_logits, -1), tf.squeeze(end_logits, -1)
        loss = None
        if start_positions is not None and end_positions is not None:
            start_loss = self.position_loss(start_logits, start_positions)
            loss = (start_loss + self.position_loss(end_logits, end_positions)) / 2
        output = QuestionAnsweringOutput(loss, start_logits, end_logits, encoded.hidden_states, encoded.attentions)
        return self.finish(output, return_dict)

    @staticmethod
    def position_loss(logits: Tensor, positions: Tensor) -> Tensor:
        """Mean cross-entropy of `[B, S]` against positions `[B]`; positions of S or more are left out."""
        positions = tf.maximum(positions, 0)
        within = tf.less(positions, tf.cast(tf.shape(logits)[1], positions.dtype))
        return cross_entropy(logits, tf.where(within, positions, -100))


class TFAlbertForMultipleChoice(TFAlbertPreTrainedModel):
    """Multiple choice: which of several continuations fits. Each choice is a sequence of its own."""

    task = "multiple-choice"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = TFAlbertModel(config)
        self.dropout = keras.layers.Dropout(config.classifier_dropout_prob)
        self.classifier = TFDense(config.hidden_size, 1, config)

    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """All inputs are `[B, C, S]` (inputs_embeds `[B, C, S, E]`). labels: index of the right choice, int `[B]`."""
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("give either input_ids or inputs_embeds, and not both")
        batch_and_choices = tf.shape(inputs_embeds if input_ids is None else input_ids)[:2]
        flat = [
            None if tensor is None else tf.reshape(tensor, tf.concat([[-1], tf.shape(tensor)[2:]], axis=0))
            for tensor in (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        ]
        encoded = self.albert(
            flat[0], flat[1], flat[2], flat[3], head_mask, flat[4],
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        scores = self.classifier(self.dropout(encoded.pooler_output))  # (B * C, 1)
        logits = tf.reshape(scores, batch_and_choices)
        loss = None if labels is None else cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)
