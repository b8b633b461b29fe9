"""The training: a vocabulary, a new model, and AdamW with warm-up and decay."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn

import albert_export
from albert_export.config import AlbertConfig
from albert_export.reference import torch_albert
from albert_export.reference.torch_albert import AlbertPreTrainedModel
from albert_runtime.tasks import find_task
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import MAX_POSITIONS
from tools.train_demos.demo import Demo
from tools.train_demos.vocabulary import train_vocabulary
from tools.train_demos.words import Words

logger = logging.getLogger(__name__)

#: the number of examples whose texts the vocabulary is trained on
_VOCABULARY_EXAMPLES = 4000
_WARM_UP = 0.06
_REPORT_EVERY = 100


def train(demo: Demo, folder: Path, seed: int) -> tuple[AlbertPreTrainedModel, AlbertTokenizer]:
    """Trains the model of one demo from random weights. Each of `demo.steps` steps takes 0.1 to 0.4 s on one core.

    Args:
        demo: the demo to learn.
        folder: the folder for `spiece.model`.
        seed: decides the texts, the initial weights and the order; with the same versions and processor, one seed
            gives the same weights.

    Returns:
        The model in evaluation mode, and its tokenizer.
    """
    torch.manual_seed(seed)
    rng = Random(f"{seed} {demo.task} training")
    side = Words(held_out=False)
    # These examples have few made-up names, since those would use up pieces that the words of the lists need.
    listed = Words(held_out=False, made=0.05)
    samples = [demo.make(rng, listed, i / _VOCABULARY_EXAMPLES) for i in range(_VOCABULARY_EXAMPLES)]
    texts = (text for sample in samples for text in demo.texts(sample))
    tokenizer = train_vocabulary(texts, demo.vocabulary_size, folder)
    model = new_model(demo, tokenizer.vocab_size).train()

    def loss_at(step: int) -> Tensor:
        examples = [demo.make(rng, side, step / demo.steps) for _ in range(demo.batch_size)]
        return demo.loss(model, tokenizer, examples, rng)

    optimize(model, loss_at, demo.steps, demo.learning_rate, demo.task)
    return model.eval(), tokenizer


def optimize(model: nn.Module, loss_at: Callable[[int], Tensor], steps: int, learning_rate: float, name: str) -> None:
    """Trains with AdamW for `steps` steps, with warm-up and decay; `loss_at(step)` computes the loss of a step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_factor(step / steps))
    recent = 0.0
    for step in range(steps):
        loss = loss_at(step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent += loss.item() / _REPORT_EVERY
        if (step + 1) % _REPORT_EVERY == 0:
            logger.info("%s: step %d of %d, loss %.3f", name, step + 1, steps, recent)
            recent = 0.0


def new_model(demo: Demo, vocabulary_size: int) -> AlbertPreTrainedModel:
    """A model for the task whose initial weights are random, but suit such a short training.

    Position embeddings start as sinusoids (Vaswani et al. 2017, section 3.5), so that attention can find neighbouring
    tokens. If the task compares words, keys start equal to queries, so that every token attends to equal tokens. Both
    are trained like all other weights.
    """
    architecture = find_task(demo.task).architecture
    config = AlbertConfig(
        vocab_size=vocabulary_size,
        embedding_size=64,
        hidden_size=demo.hidden_size,
        num_hidden_layers=demo.passes,
        num_attention_heads=4,
        intermediate_size=demo.intermediate_size,
        max_position_embeddings=MAX_POSITIONS,
        initializer_range=demo.embedding_range,
        classifier_dropout_prob=0.0,
        bos_token_id=2,
        eos_token_id=3,
        architectures=[architecture],
    )
    if demo.labels:
        config.id2label = dict(enumerate(demo.labels))
        config.label2id = {label: index for index, label in enumerate(demo.labels)}
    model: AlbertPreTrainedModel = getattr(albert_export, architecture)(config)
    encoder = model if isinstance(model, torch_albert.AlbertModel) else model.albert
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(std=module.in_features**-0.5)
        for module in model.modules():
            if demo.compares_words and isinstance(module, torch_albert.AlbertAttention):
                module.key.weight.copy_(module.query.weight)
        encoder.embeddings.position_embeddings.weight.copy_(
            _sinusoids(MAX_POSITIONS, config.embedding_size) * demo.embedding_range
        )
    return model


def _sinusoids(positions: int, size: int) -> Tensor:
    """The sines and cosines of each position, `[positions, size]`."""
    angles = torch.arange(positions)[:, None] * torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _rate_factor(progress: float) -> float:
    """The factor of the learning rate, which rises during the warm-up and then falls to 0 along a cosine."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (progress - _WARM_UP) / (1.0 - _WARM_UP)))
