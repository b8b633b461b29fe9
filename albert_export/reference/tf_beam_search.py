"""Google's head for SQuAD v2.0 in TensorFlow, to be read beside `torch_beam_search.py`: the same classes and results.

Shapes: B batch, S sequence, H hidden_size, K start_n_top, E end_n_top.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from tensorflow import Tensor

from albert_export.config import AlbertConfig
from albert_export.reference import MASKED_SCORE
from albert_export.reference.beam_sizes import BeamSizes
from albert_export.reference.outputs import BeamSearchOutput
from albert_export.reference.tf_albert import TFAlbertModel, TFAlbertPreTrainedModel
from albert_export.reference.tf_layers import TFDense, TFLayer, TFLayerNorm


def positions_outside(attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
    """Google's `p_mask`: 1 for the positions that can't be in an answer, 0 for [CLS] and the context; float32 `[B, S]`.

    In `[CLS] question [SEP] context [SEP]` the second segment is the context and the last [SEP], which is the last
    token that is no padding (`convert_examples_to_features` of squad_utils.py).
    """
    attended = tf.cast(attention_mask, tf.float32)
    followed = tf.pad(attended, [[0, 0], [0, 1]])[:, 1:]  # whether the next position is a token too
    context = tf.cast(token_type_ids, tf.float32) * attended * followed
    behind_cls = tf.cast(tf.greater(tf.range(tf.shape(attended)[1]), 0), tf.float32)  # 0 for [CLS], 1 for the rest
    return (1.0 - context) * behind_cls


def masked_scores(scores: Tensor, p_mask: Tensor) -> Tensor:
    """The scores, and MASKED_SCORE where `p_mask` is 1."""
    return scores * (1.0 - p_mask) + MASKED_SCORE * p_mask


def best(log_probs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest values of the last axis and their indices, largest first; of equal ones, the first.

    A sequence with fewer positions is filled up with ones behind its end, which are less probable than masked ones.
    """
    padding = [[0, 0]] * (log_probs.shape.rank - 1) + [[0, count]]
    found = tf.math.top_k(tf.pad(log_probs, padding, constant_values=2 * MASKED_SCORE), k=count)
    return found.values, found.indices


class TFBeamStart(TFLayer):
    """The scores of each position as the answer's start: `[B, S, H]` -> `[B, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense = TFDense(config.hidden_size, 1, config)

    def call(self, hidden_states: Tensor) -> Tensor:
        return tf.squeeze(self.dense(hidden_states), -1)


class TFBeamEnd(TFLayer):
    """The scores of each position as the end of the answers that begin at K starts: `[B, K, H]` -> `[B, K, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense_0 = TFDense(2 * config.hidden_size, config.hidden_size, config)
        self.LayerNorm = TFLayerNorm(config.hidden_size, config)
        self.dense_1 = TFDense(config.hidden_size, 1, config)

    def call(self, hidden_states: Tensor, start_states: Tensor) -> Tensor:
        count, length = tf.shape(start_states)[1], tf.shape(hidden_states)[1]
        positions = tf.tile(tf.expand_dims(hidden_states, 1), [1, count, 1, 1])  # (B, K, S, H)
        starts = tf.tile(tf.expand_dims(start_states, 2), [1, 1, length, 1])
        # TensorFlow 2.21 with oneDNN gives wrong numbers for a product of four axes if the second has size 1.
        joined = tf.reshape(tf.concat([positions, starts], axis=-1), [-1, length, 2 * hidden_states.shape[2]])
        scores = self.dense_1(self.LayerNorm(tf.tanh(self.dense_0(joined))))  # (B * K, S, 1)
        return tf.reshape(scores, [-1, count, length])


class TFAnswerClass(TFLayer):
    """The logit of "there is no answer": `[B, H]` for the mean start and for [CLS] -> `[B]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense_0 = TFDense(2 * config.hidden_size, config.hidden_size, config)
        self.dropout = keras.layers.Dropout(config.classifier_dropout_prob)
        self.dense_1 = TFDense(config.hidden_size, 1, config, use_bias=False)

    def call(self, start_state: Tensor, cls_state: Tensor) -> Tensor:
        joined = tf.tanh(self.dense_0(tf.concat([start_state, cls_state], axis=-1)))
        return tf.squeeze(self.dense_1(self.dropout(joined)), -1)


class TFAlbertForQuestionAnsweringBeamSearch(TFAlbertPreTrainedModel):
    """Question answering with Google's head for SQuAD v2.0, which also says whether there is an answer."""

    task = "question-answering"
    head = "beam-search"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.beam = BeamSizes.of(config)
        self.albert = TFAlbertModel(config, add_pooling_layer=False)
        self.start_logits = TFBeamStart(config)
        self.end_logits = TFBeamEnd(config)
        self.answer_class = TFAnswerClass(config)

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
        is_impossible: Tensor | None = None,
        p_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> Any:
        """The best starts and ends; or the loss and `cls_logits` if start_positions and end_positions are given.

        start_positions, end_positions: first and last token of the answer, int `[B]`, 0 if there is none.
        is_impossible: 1 if there is no answer, `[B]`; without it the loss has no part for that.
        p_mask: 1 for positions that can't be in an answer, `[B, S]`; None takes [CLS] and the second segment but for
        its last token.
        """
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions=output_attentions, output_hidden_states=output_hidden_states, return_dict=True,
        )  # fmt: skip
        hidden = encoded.last_hidden_state  # (B, S, H)
        if p_mask is None:
            shape = tf.shape(hidden)[:2]
            p_mask = positions_outside(
                tf.ones(shape) if attention_mask is None else attention_mask,
                tf.zeros(shape) if token_type_ids is None else token_type_ids,
            )
        p_mask = tf.cast(p_mask, tf.float32)
        start_scores = masked_scores(self.start_logits(hidden), p_mask)  # (B, S)
        start_log_probs = tf.nn.log_softmax(start_scores)
        start_mean = tf.squeeze(tf.matmul(tf.expand_dims(tf.nn.softmax(start_scores), 1), hidden), 1)  # (B, H)
        cls_logits = self.answer_class(start_mean, hidden[:, 0])
        output = BeamSearchOutput(
            cls_logits=cls_logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )
        if start_positions is not None and end_positions is not None:
            starts = tf.reshape(start_positions, [-1, 1])
            end_log_probs = tf.squeeze(self.end_log_probs(hidden, starts, p_mask), 1)
            output.loss = (
                self.position_loss(start_log_probs, start_positions) + self.position_loss(end_log_probs, end_positions)
            ) / 2
            if is_impossible is not None:
                target = tf.cast(tf.reshape(is_impossible, [-1]), cls_logits.dtype)
                losses = tf.nn.sigmoid_cross_entropy_with_logits(target, cls_logits)
                output.loss = output.loss + tf.reduce_mean(losses) / 2
            return self.finish(output, return_dict)
        output.start_top_log_probs, output.start_top_index = best(start_log_probs, self.beam.starts)
        end_log_probs = self.end_log_probs(hidden, output.start_top_index, p_mask)  # (B, K, S)
        end_values, end_indices = best(end_log_probs, self.beam.ends)
        output.end_top_log_probs = tf.reshape(end_values, [-1, self.beam.starts * self.beam.ends])
        output.end_top_index = tf.reshape(end_indices, [-1, self.beam.starts * self.beam.ends])
        return self.finish(output, return_dict)

    def end_log_probs(self, hidden: Tensor, starts: Tensor, p_mask: Tensor) -> Tensor:
        """The log-probabilities of the ends for each of the `starts`, int `[B, K]` -> `[B, K, S]`."""
        one_hot = tf.one_hot(starts, tf.shape(hidden)[1])  # (B, K, S)
        scores = self.end_logits(hidden, tf.matmul(one_hot, hidden))
        return tf.nn.log_softmax(masked_scores(scores, tf.expand_dims(p_mask, 1)))

    @staticmethod
    def position_loss(log_probs: Tensor, positions: Tensor) -> Tensor:
        """Mean cross-entropy of `[B, S]` against positions `[B]`; as in Google's, S or more counts as 0."""
        one_hot = tf.one_hot(tf.reshape(positions, [-1]), tf.shape(log_probs)[1], on_value=True, off_value=False)
        return -tf.reduce_mean(tf.reduce_sum(tf.where(one_hot, log_probs, 0.0), axis=-1))
