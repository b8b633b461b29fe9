"""Google's head for SQuAD v2.0, written in TensorFlow 1's operators after google-research/albert `squad_utils.py`.

It shares no code with the product: the graph (`create_v2_model`), its losses (`v2_model_fn_builder`), the features
(`convert_examples_to_features`) and the predictions (`accumulate_predictions_v2`, `write_predictions_v2`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

MASKED = 1e30


def head_shapes(hidden: int) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the head's variables."""
    return {
        "start_logits/dense/kernel": (hidden, 1),
        "start_logits/dense/bias": (1,),
        "end_logits/dense_0/kernel": (2 * hidden, hidden),
        "end_logits/dense_0/bias": (hidden,),
        "end_logits/LayerNorm/gamma": (hidden,),
        "end_logits/LayerNorm/beta": (hidden,),
        "end_logits/dense_1/kernel": (hidden, 1),
        "end_logits/dense_1/bias": (1,),
        "answer_class/dense_0/kernel": (2 * hidden, hidden),
        "answer_class/dense_0/bias": (hidden,),
        "answer_class/dense_1/kernel": (hidden, 1),
    }


class GoogleHead:
    """The graph on the final hidden states `[batch, sequence, hidden]`, time-major as in the original."""

    def __init__(self, variables, hidden_states, p_mask):
        self.variables = variables
        self.output = tf.transpose(tf.constant(hidden_states), [1, 0, 2])  # l b h
        self.p_mask = tf.cast(p_mask, tf.float32)
        self.length = hidden_states.shape[1]
        scores = tf.transpose(tf.squeeze(self._dense(self.output, "start_logits/dense"), -1), [1, 0])
        self.start_masked = scores * (1 - self.p_mask) - MASKED * self.p_mask
        self.start_log_probs = tf.nn.log_softmax(self.start_masked, -1)

    def _dense(self, x, name):
        product = tf.tensordot(x, tf.constant(self.variables[f"{name}/kernel"]), [[-1], [0]])
        bias = self.variables.get(f"{name}/bias")
        return product if bias is None else product + tf.constant(bias)

    def _end_scores(self, joined):
        hidden = tf.tanh(self._dense(joined, "end_logits/dense_0"))
        mean, variance = tf.nn.moments(hidden, [-1], keepdims=True)  # contrib's layer_norm with begin_norm_axis=-1
        scale, shift = (self.variables[f"end_logits/LayerNorm/{name}"] for name in ("gamma", "beta"))
        normal = tf.nn.batch_normalization(hidden, mean, variance, shift, scale, 1e-12)
        return tf.squeeze(self._dense(normal, "end_logits/dense_1"), -1)

    def _cls_logits(self):
        start_p = tf.nn.softmax(self.start_masked, -1)
        start_feature = tf.einsum("lbh,bl->bh", self.output, start_p)
        hidden = self._dense(tf.concat([start_feature, self.output[0]], -1), "answer_class/dense_0")
        return tf.squeeze(self._dense(tf.tanh(hidden), "answer_class/dense_1"), -1)

    def predictions(self, start_n_top, end_n_top):
        """What the graph gives for prediction, by the names of the original."""
        top_log_probs, top_index = tf.nn.top_k(self.start_log_probs, k=start_n_top)
        one_hot = tf.one_hot(top_index, self.length, axis=-1)
        features = tf.einsum("lbh,bkl->bkh", self.output, one_hot)
        tiled = tf.tile(self.output[:, :, None], [1, 1, start_n_top, 1])
        features = tf.tile(features[None], [self.length, 1, 1, 1])
        scores = tf.transpose(self._end_scores(tf.concat([tiled, features], -1)), [1, 2, 0])  # b k l
        masked = scores * (1 - self.p_mask[:, None]) - MASKED * self.p_mask[:, None]
        end_log_probs, end_index = tf.nn.top_k(tf.nn.log_softmax(masked, -1), k=end_n_top)
        flat = [-1, start_n_top * end_n_top]
        return {
            "start_top_log_probs": top_log_probs.numpy(),
            "start_top_index": top_index.numpy(),
            "end_top_log_probs": tf.reshape(end_log_probs, flat).numpy(),
            "end_top_index": tf.reshape(end_index, flat).numpy(),
            "cls_logits": self._cls_logits().numpy(),
        }

    def loss(self, start_positions, end_positions, is_impossible):
        """The loss of training, without dropout."""
        start = tf.one_hot(start_positions, self.length)
        features = tf.einsum("lbh,bl->bh", self.output, start)
        features = tf.tile(features[None], [self.length, 1, 1])
        scores = tf.transpose(self._end_scores(tf.concat([self.output, features], -1)), [1, 0])
        end_log_probs = tf.nn.log_softmax(scores * (1 - self.p_mask) - MASKED * self.p_mask, -1)
        total = 0.0
        for log_probs, positions in ((self.start_log_probs, start_positions), (end_log_probs, end_positions)):
            one_hot = tf.one_hot(positions, self.length)
            total += 0.5 * tf.reduce_mean(-tf.reduce_sum(one_hot * log_probs, -1))
        answerable = tf.nn.sigmoid_cross_entropy_with_logits(
            labels=tf.cast(is_impossible, tf.float32), logits=self._cls_logits()
        )
        return float(total + 0.5 * tf.reduce_mean(answerable))


@dataclass
class Feature:
    """One window of a context behind a question."""

    ids: list[int]
    segment_ids: list[int]
    p_mask: list[int]
    #: position -> whether no other window shows more around the token
    max_context: dict[int, bool]
    #: the characters of each token of the window
    offsets: list[tuple[int, int]]
    #: the position of the first of them
    doc_offset: int


def features(tokenizer, question, context, *, max_seq_length, doc_stride):
    """The windows of one example, not padded."""
    query = tokenizer.encode(question, add_special_tokens=False)
    encoding = tokenizer(context, add_special_tokens=False).encodings[0]
    room = max_seq_length - len(query) - 3
    spans, start = [], 0
    while start < len(encoding.ids):
        length = min(len(encoding.ids) - start, room)
        spans.append((start, length))
        if start + length == len(encoding.ids):
            break
        start += min(length, doc_stride)

    def best_span(position):
        scored = [
            (min(position - first, first + length - 1 - position) + 0.01 * length, -number)
            for number, (first, length) in enumerate(spans)
            if first <= position < first + length
        ]
        return -max(scored)[1]

    made = []
    for number, (first, length) in enumerate(spans):
        tokens = [tokenizer.cls_token_id, *query, tokenizer.sep_token_id]
        p_mask, segment_ids = [0] + [1] * (len(query) + 1), [0] * len(tokens)
        doc_offset = len(tokens)
        max_context = {doc_offset + i: best_span(first + i) == number for i in range(length)}
        made.append(
            Feature(
                [*tokens, *encoding.ids[first : first + length], tokenizer.sep_token_id],
                segment_ids + [1] * (length + 1),
                p_mask + [0] * length + [1],
                max_context,
                list(encoding.offsets[first : first + length]),
                doc_offset,
            )
        )
    return made


def write_predictions(made, results, context, *, n_best_size, max_answer_length, null_score_diff_threshold=None):
    """The n-best passages as (text, log score), the prediction, and `score_diff`, for one example.

    `results` are the graph's predictions for each feature, without the batch axis.
    """
    score_null = 1000000.0
    prelim = []
    for feature, result in zip(made, results, strict=True):
        score_null = min(score_null, float(result["cls_logits"]))
        starts = len(result["start_top_index"])
        ends = len(result["end_top_index"]) // starts
        for i in range(starts):
            for j in range(ends):
                start, end = int(result["start_top_index"][i]), int(result["end_top_index"][i * ends + j])
                if not feature.max_context.get(start, False) or end < start:
                    continue
                if end - feature.doc_offset >= len(feature.offsets) or end - start + 1 > max_answer_length:
                    continue
                first = feature.offsets[start - feature.doc_offset][0]
                last = feature.offsets[end - feature.doc_offset][1]
                log_prob = float(result["start_top_log_probs"][i]) + float(result["end_top_log_probs"][i * ends + j])
                prelim.append((log_prob, context[first:last].strip()))
    nbest: dict[str, float] = {}
    for log_prob, text in sorted(prelim, key=lambda one: one[0], reverse=True):
        if len(nbest) < n_best_size:
            nbest.setdefault(text, log_prob)
    best = next(iter(nbest), "")
    answered = null_score_diff_threshold is None or score_null < null_score_diff_threshold
    return list(nbest.items()), best if answered else "", score_null


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def pad(rows, fill):
    longest = max(map(len, rows))
    return np.array([[*row, *[fill] * (longest - len(row))] for row in rows], np.int64)
