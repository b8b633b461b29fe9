"""Google's head for SQuAD v2.0 in PyTorch: a beam of starts, the ends for each, and whether there is an answer.

Sources: `create_v2_model` and `v2_model_fn_builder` of google-research/albert `squad_utils.py`. The names of the
parameters are those of the same head in transformers (`XLNetForQuestionAnswering`).

Shapes: B batch, S sequence, H hidden_size, K start_n_top, E end_n_top.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from albert_export.config import AlbertConfig
from albert_export.reference import MASKED_SCORE
from albert_export.reference.beam_sizes import BeamSizes
from albert_export.reference.outputs import BeamSearchOutput
from albert_export.reference.torch_albert import AlbertModel, AlbertPreTrainedModel


def positions_outside(attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
    """Google's `p_mask`: 1 for the positions that can't be in an answer, 0 for [CLS] and the context; float32 `[B, S]`.

    In `[CLS] question [SEP] context [SEP]` the second segment is the context and the last [SEP], which is the last
    token that is no padding (`convert_examples_to_features` of squad_utils.py).
    """
    attended = attention_mask.float()
    followed = functional.pad(attended, (0, 1))[:, 1:]  # whether the next position is a token too
    context = token_type_ids.float() * attended * followed
    behind_cls = torch.arange(attended.shape[1], device=attended.device).bool().float()  # 0 for [CLS], 1 for the rest
    return (1.0 - context) * behind_cls


def masked_scores(scores: Tensor, p_mask: Tensor) -> Tensor:
    """The scores, and MASKED_SCORE where `p_mask` is 1; float32 in every model, so that a beam's order is exact."""
    return scores.float() * (1.0 - p_mask) + MASKED_SCORE * p_mask


def best(log_probs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest values of the last axis and their indices, largest first; of equal ones, the first.

    A sequence with fewer positions is filled up with ones behind its end, which are less probable than masked ones.
    """
    filled = functional.pad(log_probs, (0, count), value=2 * MASKED_SCORE)
    values, indices = torch.sort(filled, dim=-1, descending=True, stable=True)  # torch.topk takes any of equal ones
    return values[..., :count], indices[..., :count]


class BeamStart(nn.Module):
    """The scores of each position as the answer's start: `[B, S, H]` -> `[B, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, 1)

    def forward(self, hidden_states: Tensor) -> Tensor:
        return self.dense(hidden_states).squeeze(-1)


class BeamEnd(nn.Module):
    """The scores of each position as the end of the answers that begin at K starts: `[B, K, H]` -> `[B, K, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dense_1 = nn.Linear(config.hidden_size, 1)

    def forward(self, hidden_states: Tensor, start_states: Tensor) -> Tensor:
        count, length = start_states.shape[1], hidden_states.shape[1]
        positions = hidden_states.unsqueeze(1).expand(-1, count, -1, -1)  # (B, K, S, H)
        starts = start_states.unsqueeze(2).expand(-1, -1, length, -1)
        joined = torch.tanh(self.dense_0(torch.cat([positions, starts], dim=-1)))
        return self.dense_1(self.LayerNorm(joined)).squeeze(-1)


class AnswerClass(nn.Module):
    """The logit of "there is no answer": `[B, H]` for the mean start and for [CLS] -> `[B]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.dense_1 = nn.Linear(config.hidden_size, 1, bias=False)

    def forward(self, start_state: Tensor, cls_state: Tensor) -> Tensor:
        joined = torch.tanh(self.dense_0(torch.cat([start_state, cls_state], dim=-1)))
        return self.dense_1(self.dropout(joined)).squeeze(-1)


class AlbertForQuestionAnsweringBeamSearch(AlbertPreTrainedModel):
    """Question answering with Google's head for SQuAD v2.0, which also says whether there is an answer."""

    task = "question-answering"
    head = "beam-search"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.beam = BeamSizes.of(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.start_logits = BeamStart(config)
        self.end_logits = BeamEnd(config)
        self.answer_class = AnswerClass(config)
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
        is_impossible: Tensor | None = None,
        p_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """The best starts and ends; or the loss and `cls_logits` if start_positions and end_positions are given.

        start_positions, end_positions: first and last token of the answer, int `[B]`, 0 if there is none.
        is_impossible: 1 if there is no answer, `[B]`; without it the loss has no part for that.
        p_mask: 1 for positions that can't be in an answer, `[B, S]`; None takes [CLS] and the second segment but for
        its last token.
        """
        encoded = self.albert(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, return_dict=True,
        )  # fmt: skip
        hidden = encoded.last_hidden_state  # (B, S, H)
        if p_mask is None:
            shape, device = hidden.shape[:2], hidden.device
            p_mask = positions_outside(
                torch.ones(shape, device=device) if attention_mask is None else attention_mask,
                torch.zeros(shape, device=device) if token_type_ids is None else token_type_ids,
            )
        p_mask = p_mask.float()
        start_scores = masked_scores(self.start_logits(hidden), p_mask)  # (B, S)
        start_log_probs = functional.log_softmax(start_scores, dim=-1)
        start_probs = functional.softmax(start_scores, dim=-1).to(hidden.dtype)
        start_mean = torch.matmul(start_probs.unsqueeze(1), hidden).squeeze(1)  # (B, H)
        cls_logits = self.answer_class(start_mean, hidden[:, 0])
        output = BeamSearchOutput(
            cls_logits=cls_logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )
        if start_positions is not None and end_positions is not None:
            starts = start_positions.reshape(-1, 1)
            end_log_probs = self.end_log_probs(hidden, starts, p_mask).squeeze(1)
            output.loss = (
                self.position_loss(start_log_probs, starts)
                + self.position_loss(end_log_probs, end_positions.reshape(-1, 1))
            ) / 2
            if is_impossible is not None:
                target = is_impossible.reshape(-1).to(cls_logits.dtype)
                output.loss = output.loss + functional.binary_cross_entropy_with_logits(cls_logits, target) / 2
            return self.finish(output, return_dict)
        output.start_top_log_probs, output.start_top_index = best(start_log_probs, self.beam.starts)
        end_log_probs = self.end_log_probs(hidden, output.start_top_index, p_mask)  # (B, K, S)
        end_values, end_indices = best(end_log_probs, self.beam.ends)
        output.end_top_log_probs = end_values.reshape(-1, self.beam.starts * self.beam.ends)
        output.end_top_index = end_indices.reshape(-1, self.beam.starts * self.beam.ends)
        return self.finish(output, return_dict)

    def end_log_probs(self, hidden: Tensor, starts: Tensor, p_mask: Tensor) -> Tensor:
        """The log-probabilities of the ends for each of the `starts`, int `[B, K]` -> `[B, K, S]`."""
        positions = torch.arange(hidden.shape[1], device=hidden.device)
        one_hot = (starts.unsqueeze(-1) == positions).to(hidden.dtype)  # (B, K, S)
        scores = self.end_logits(hidden, torch.matmul(one_hot, hidden))
        return functional.log_softmax(masked_scores(scores, p_mask.unsqueeze(1)), dim=-1)

    @staticmethod
    def position_loss(log_probs: Tensor, positions: Tensor) -> Tensor:
        """Mean cross-entropy of `[B, S]` against positions `[B, 1]`; as in Google's, S or more counts as 0."""
        one_hot = positions == torch.arange(log_probs.shape[1], device=log_probs.device)
        return -(torch.where(one_hot, log_probs, 0.0)).sum(-1).mean()
