"""ALBERT's task heads in PyTorch: one or two dense layers on top of `AlbertModel`, and the loss of each task.

Parameter names, results and losses are those of Hugging Face transformers 4.57. Every `forward` takes what
`AlbertModel.forward` takes, in the same order, and the labels of its task.

Shapes: B batch, C choices, S sequence, E embedding_size, H hidden_size, V vocab_size, L labels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from albert_export.config import AlbertConfig
from albert_export.reference.outputs import (
    AlbertForPreTrainingOutput,
    LogitsOutput,
    QuestionAnsweringOutput,
)
from albert_export.reference.torch_albert import ACTIVATIONS, AlbertModel, AlbertPreTrainedModel
from albert_runtime.errors import UsageError


class AlbertMLMHead(nn.Module):
    """Scores of all vocabulary entries: `[B, S, H]` -> `[B, S, V]`; the decoder's weight is the word embeddings."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.embedding_size)
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden_states: Tensor, word_embeddings: Tensor) -> Tensor:
        transformed = self.LayerNorm(self.activation(self.dense(hidden_states)))  # (B, S, E)
        return functional.linear(transformed, word_embeddings, self.bias)


class AlbertSOPHead(nn.Module):
    """Sentence order prediction: `[B, H]` -> `[B, 2]`, index 0 for "in order" and 1 for "swapped"."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, 2)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(self.dropout(pooled))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of `[..., L]` against int labels `[...]`; the label -100 is left out."""
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))


class AlbertForPreTraining(AlbertPreTrainedModel):
    """Masked language modelling and sentence order prediction."""

    task = "pretraining"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.predictions = AlbertMLMHead(config)
        self.sop_classifier = AlbertSOPHead(config)
        self.init_weights()

    def forward(
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
    ) -> Any:
        """labels: ids of masked tokens, -100 elsewhere, int `[B, S]`. sentence_order_label: 1 if swapped, int `[B]`."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
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


class AlbertForMaskedLM(AlbertPreTrainedModel):
    """Masked language modelling."""

    task = "fill-mask"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.predictions = AlbertMLMHead(config)
        self.init_weights()

    def forward(
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
        masked_positions: Tensor | None = None,
    ) -> Any:
        """Compute the scores of the vocabulary.

        Args:
            labels: ids of the masked tokens, -100 elsewhere, int `[B, S]`.
            masked_positions: the places to score, int `[B, M]`, for logits `[B, M, V]`; None scores all of them.
        """
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        hidden_states = encoded.last_hidden_state
        if masked_positions is not None:
            places = masked_positions.unsqueeze(2).expand(-1, -1, hidden_states.shape[2])
            hidden_states = hidden_states.gather(1, places)  # (B, M, H)
        logits = self.predictions(hidden_states, self.albert.embeddings.word_embeddings.weight)
        loss = None if labels is None else cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)


class AlbertForSequenceClassification(AlbertPreTrainedModel):
    """Classification of a text or of a pair of texts, or regression on them."""

    task = "text-classification"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
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
    ) -> Any:
        """labels: int `[B]` for one label each, float `[B, L]` for several labels each, float `[B]` for regression."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.pooler_output))
        loss = None if labels is None else self.loss(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss that `config.problem_type` names. If it is None, the labels decide, and this sets it."""
        if self.config.problem_type is None:
            if self.config.num_labels == 1:
                self.config.problem_type = "regression"
            elif labels.dtype in (torch.int64, torch.int32):
                self.config.problem_type = "single_label_classification"
            else:
                self.config.problem_type = "multi_label_classification"
        if self.config.problem_type == "regression":
            return functional.mse_loss(logits.squeeze(), labels.squeeze())
        if self.config.problem_type == "single_label_classification":
            return cross_entropy(logits, labels)
        return functional.binary_cross_entropy_with_logits(logits, labels)


class AlbertForTokenClassification(AlbertPreTrainedModel):
    """A label for each token, such as the parts of named entities."""

    task = "token-classification"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
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
    ) -> Any:
        """labels: int `[B, S]`, -100 for tokens that don't count."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        loss = None if labels is None else cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)


class AlbertForQuestionAnswering(AlbertPreTrainedModel):
    """Question answering: the scores of each token as the start and as the end of the answer."""

    task = "question-answering"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.init_weights()

    def forward(
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
    ) -> Any:
        """start_positions, end_positions: first and last token of the answer, int `[B]`; S or more is left out."""
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        start_logits, end_logits = self.qa_outputs(encoded.last_hidden_state).split(1, dim=-1)  # (B, S, 1) each
        start_logits, end_logits = start_logits.squeeze(-1), end_logits.squeeze(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            start_loss = self.position_loss(start_logits, start_positions)
            loss = (start_loss + self.position_loss(end_logits, end_positions)) / 2
        output = QuestionAnsweringOutput(loss, start_logits, end_logits, encoded.hidden_states, encoded.attentions)
        return self.finish(output, return_dict)

    @staticmethod
    def position_loss(logits: Tensor, positions: Tensor) -> Tensor:
        """Mean cross-entropy of `[B, S]` against positions `[B]`; positions of S or more are left out."""
        beyond = logits.shape[1]
        return functional.cross_entropy(logits, positions.reshape(-1).clamp(0, beyond), ignore_index=beyond)


class AlbertForMultipleChoice(AlbertPreTrainedModel):
    """Multiple choice: which of several continuations fits. Each choice is a sequence of its own."""

    task = "multiple-choice"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.init_weights()

    def forward(
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
    ) -> Any:
        """All inputs are `[B, C, S]` (inputs_embeds `[B, C, S, E]`). labels: index of the right choice, int `[B]`."""
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("give either input_ids or inputs_embeds, and not both")
        batch, choices = (inputs_embeds if input_ids is None else input_ids).shape[:2]  # type: ignore[union-attr]
        flat = [
            None if tensor is None else tensor.flatten(0, 1)
            for tensor in (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        ]
        encoded = self.albert(
            flat[0], flat[1], flat[2], flat[3], head_mask, flat[4],
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.pooler_output)).view(batch, choices)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return self.finish(LogitsOutput(loss, logits, encoded.hidden_states, encoded.attentions), return_dict)
