"""ALBERT in PyTorch, to be read from top to bottom: embeddings, attention, layer, encoder, model.

Sources: Lan et al. 2020, "ALBERT: A Lite BERT" (arXiv 1909.11942); google-research/albert `modeling.py`; and
`modeling_albert.py` of Hugging Face transformers 4.57, whose parameter names and results these classes keep (held to
1e-5 by tests/parity/test_torch_vs_transformers.py). The code uses only plain operators, which every export target has.

Shapes: B batch, S tokens, Q attending tokens, E embedding_size, H hidden_size, N heads, D = H / N, F intermediate_size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from albert_export.checkpoints import Checkpoint, write_checkpoint
from albert_export.config import AlbertConfig
from albert_export.hub import load_checkpoint
from albert_export.reference import MASK_VALUE
from albert_export.reference.outputs import BaseModelOutput, ModelOutput
from albert_export.reference.passes import groups_of_passes, head_masks_of_group
from albert_export.reference.torch_weights import set_weights
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS

ACTIVATIONS = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_fast": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
    "swish": functional.silu,
    "tanh": torch.tanh,
}

Model = TypeVar("Model", bound="AlbertPreTrainedModel")


class AlbertEmbeddings(nn.Module):
    """Word, position and segment embeddings, added and normalized: ids `[B, S]` -> `[B, S, E]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.embedding_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.embedding_size)
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        input_ids: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        inputs_embeds: Tensor | None,
    ) -> Tensor:
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)  # (B, S, E)
        batch, length, _ = inputs_embeds.shape
        device = inputs_embeds.device
        if token_type_ids is None:
            token_type_ids = torch.zeros(batch, length, dtype=torch.long, device=device)
        if position_ids is None:
            position_ids = torch.arange(length, device=device).unsqueeze(0)  # (1, S)
        embeddings = inputs_embeds + self.token_type_embeddings(token_type_ids)
        embeddings = embeddings + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class AlbertAttention(nn.Module):
    """Self-attention, residual and LayerNorm: `[B, Q, H]` and `[B, S, H]` -> `[B, Q, H]`, and `[B, N, Q, S]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.head_size = config.hidden_size // config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention_dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.output_dropout = nn.Dropout(config.hidden_dropout_prob)

    def split_heads(self, projected: Tensor) -> Tensor:
        """`[B, S, H]` -> `[B, N, S, D]`"""
        batch, length, _ = projected.shape
        return projected.view(batch, length, self.heads, self.head_size).transpose(1, 2)

    def forward(
        self, attending: Tensor, hidden_states: Tensor, mask: Tensor, head_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        query = self.split_heads(self.query(attending))  # (B, N, Q, D)
        key = self.split_heads(self.key(hidden_states))  # (B, N, S, D)
        value = self.split_heads(self.value(hidden_states))

        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(self.head_size)  # (B, N, Q, S)
        probabilities = self.attention_dropout(functional.softmax(scores + mask, dim=-1))
        if head_mask is not None:
            probabilities = probabilities * head_mask

        context = torch.matmul(probabilities, value).transpose(1, 2)  # (B, Q, N, D)
        context = context.reshape(attending.shape)  # (B, Q, H)
        projected = self.output_dropout(self.dense(context))
        return self.LayerNorm(attending + projected), probabilities


class AlbertLayer(nn.Module):
    """Attention, then the feed-forward network with residual and LayerNorm: `[B, S, H]` -> `[B, Q, H]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.attention = AlbertAttention(config)
        self.ffn = nn.Linear(config.hidden_size, config.intermediate_size)
        self.ffn_output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.full_layer_layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(
        self, hidden_states: Tensor, mask: Tensor, head_mask: Tensor | None, rows: int | None = None
    ) -> tuple[Tensor, Tensor]:
        attending = hidden_states if rows is None else hidden_states[:, :rows]
        attended, probabilities = self.attention(attending, hidden_states, mask, head_mask)
        expanded = self.activation(self.ffn(attended))  # (B, Q, F)
        return self.full_layer_layer_norm(attended + self.ffn_output(expanded)), probabilities


class AlbertLayerGroup(nn.Module):
    """`inner_group_num` layers that always run one after the other."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.albert_layers = nn.ModuleList(AlbertLayer(config) for _ in range(config.inner_group_num))

    def forward(
        self, hidden_states: Tensor, mask: Tensor, head_masks: list[Tensor | None], rows: int | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        attentions: tuple[Tensor, ...] = ()
        *_, last = self.albert_layers
        for layer, head_mask in zip(self.albert_layers, head_masks, strict=True):
            hidden_states, probabilities = layer(hidden_states, mask, head_mask, rows if layer is last else None)
            attentions = (*attentions, probabilities)
        return hidden_states, attentions


class AlbertTransformer(nn.Module):
    """`num_hidden_layers` passes through `num_hidden_groups` groups of shared layers: `[B, S, E]` -> `[B, S, H]`."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding_hidden_mapping_in = nn.Linear(config.embedding_size, config.hidden_size)
        self.albert_layer_groups = nn.ModuleList(AlbertLayerGroup(config) for _ in range(config.num_hidden_groups))
        #: for exports: the last layer computes the first token alone
        self.first_token_only = False
        #: if the model's hidden channels were permuted: for each channel of the result, its index in the permuted state
        self.hidden_order: Tensor | None = None

    def forward(
        self,
        embeddings: Tensor,
        mask: Tensor,
        head_mask: Tensor | None,
        keep_hidden_states: bool,
        keep_attentions: bool,
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        # What nobody asked for isn't kept: the attentions of a large model take as much memory as its weights.
        hidden_states = self.embedding_hidden_mapping_in(embeddings)  # (B, S, H)
        all_hidden_states: tuple[Tensor, ...] = (hidden_states,)
        all_attentions: tuple[Tensor, ...] = ()
        groups = groups_of_passes(self.config)
        for index, group in enumerate(groups):
            head_masks = head_masks_of_group(self.config, head_mask, group)
            rows = 1 if self.first_token_only and index == len(groups) - 1 else None
            hidden_states, attentions = self.albert_layer_groups[group](hidden_states, mask, head_masks, rows)
            if keep_hidden_states:
                all_hidden_states = (*all_hidden_states, hidden_states)
            if keep_attentions:
                all_attentions = all_attentions + attentions
        if self.hidden_order is not None:
            hidden_states = hidden_states.index_select(-1, self.hidden_order)
        return hidden_states, all_hidden_states, all_attentions


class AlbertPreTrainedModel(nn.Module):
    """What the encoder and the models with heads have in common: they read and write checkpoints."""

    #: the task of `albert_runtime.tasks` that the class serves
    task: ClassVar[str]
    #: the head of the model, see `Task.head`
    head: ClassVar[str] = ""
    #: what turns this model's parameter names into Hugging Face's full names
    name_prefix: ClassVar[str] = ""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        config.validate()
        self.config = config

    def init_weights(self) -> None:
        """Draws matrices from a normal distribution with `initializer_range`; biases and the row of padding become 0.

        LayerNorms keep the ones and zeros that PyTorch gives them.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx].detach())

    def named_weights(self) -> dict[str, nn.Parameter]:
        """Every parameter by Hugging Face's full name, e.g. `albert.pooler.weight`."""
        return {self.name_prefix + name: parameter for name, parameter in self.named_parameters()}

    @classmethod
    def from_pretrained(
        cls: type[Model],
        folder: str | Path | Checkpoint,
        *,
        config: AlbertConfig | None = None,
        allow_random_head: bool = False,
        share_weights: bool = False,
    ) -> Model:
        """The model with the weights of a checkpoint folder (Hugging Face's or Google's), in evaluation mode.

        Args:
            folder: the folder, or the model's id on the hub, or a Checkpoint already read.
            config: replaces the checkpoint's configuration, for example for a head of another size.
            allow_random_head: a head that the checkpoint lacks keeps its random initial weights, with a warning.
            share_weights: the checkpoint's arrays themselves are the weights. They must not be trained or changed.

        Raises:
            CheckpointError: the checkpoint can't be read, or weights are missing, left over or of another shape.
            UnsupportedError: the checkpoint has no such head, or another one for the task.
        """
        checkpoint = folder if isinstance(folder, Checkpoint) else load_checkpoint(folder)
        config, arguments = config or checkpoint.config, cls._arguments(checkpoint)
        with torch.device("meta"):  # parameters without memory: most of them would be drawn only to be replaced
            model = cls(config, **arguments)
        shapes = {name: tuple(parameter.shape) for name, parameter in model.named_weights().items()}
        weights = checkpoint.weights_for(cls.task, shapes, head=cls.head, allow_random_head=allow_random_head)
        if len(weights) < len(shapes):
            model = cls(config, **arguments)
        arrays = {name.removeprefix(cls.name_prefix): array for name, array in weights.items()}
        set_weights(model, arrays, shared=share_weights)
        return model.eval()

    @classmethod
    def _arguments(cls, checkpoint: Checkpoint) -> dict[str, Any]:
        """Further arguments of the constructor for the weights of `checkpoint`."""
        return {}

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes `config.json` and `model.safetensors`, which transformers opens with equal results.

        This does not write the tokenizer's files: see `AlbertTokenizer.save_vocabulary`.
        """
        self.config.architectures = [type(self).__name__]
        weights = {name: weight.detach().cpu().numpy() for name, weight in self.named_weights().items()}
        write_checkpoint(folder, self.config, weights)

    def wants(self, given: bool | None, option: str) -> bool:
        """Whether an output option is on: the call decides, or else the configuration."""
        return bool(getattr(self.config, option)) if given is None else given

    def finish(self, output: ModelOutput, return_dict: bool | None) -> Any:
        """`output` itself, or a plain tuple if return_dict is False."""
        return output if self.wants(return_dict, "return_dict") else output.to_tuple()


class AlbertModel(AlbertPreTrainedModel):
    """The encoder, with a pooler unless `add_pooling_layer` is False."""

    task = "feature-extraction"
    name_prefix = "albert."

    def __init__(self, config: AlbertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = AlbertEmbeddings(config)
        self.encoder = AlbertTransformer(config)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if add_pooling_layer else None
        self.init_weights()

    @classmethod
    def _arguments(cls, checkpoint: Checkpoint) -> dict[str, Any]:
        return {"add_pooling_layer": "pooler_output" in checkpoint.available(TASKS[cls.task]).outputs}

    def forward(
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

        Returns:
            A BaseModelOutput.

        Raises:
            UsageError: not exactly one of input_ids and inputs_embeds is given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("give either input_ids or inputs_embeds, and not both")
        embeddings = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        if attention_mask is None:
            attention_mask = torch.ones(embeddings.shape[:2], device=embeddings.device)
        mask = (1.0 - attention_mask.to(embeddings.dtype)) * MASK_VALUE
        mask = mask.unsqueeze(1).unsqueeze(2)  # (B, 1, 1, S)
        if head_mask is not None:
            head_mask = head_mask.to(embeddings.dtype)
            per_layer = head_mask if head_mask.dim() == 2 else head_mask.expand(self.config.num_hidden_layers, -1)
            head_mask = per_layer[:, None, :, None, None]  # (layers, 1, N, 1, 1)

        with_hidden = self.wants(output_hidden_states, "output_hidden_states")
        with_attentions = self.wants(output_attentions, "output_attentions")
        hidden, all_hidden, attentions = self.encoder(embeddings, mask, head_mask, with_hidden, with_attentions)
        pooled = None if self.pooler is None else torch.tanh(self.pooler(hidden[:, 0]))
        output = BaseModelOutput(
            last_hidden_state=hidden,
            pooler_output=pooled,
            hidden_states=all_hidden if with_hidden else None,
            attentions=attentions if with_attentions else None,
        )
        return self.finish(output, return_dict)
