"""Writes the card of a demo checkpoint with the scores that its evaluation measured."""

from __future__ import annotations

from pathlib import Path

from albert_export.config import AlbertConfig
from tools.train_demos.batches import MAX_POSITIONS
from tools.train_demos.demo import Demo
from tools.train_demos.evaluation import Score
from tools.train_demos.lengthening import LongTextDemo

CARD_FILE = "README.md"

_CARD = """\
---
license: apache-2.0
pipeline_tag: {pipeline}
language: en
---

# A demonstration ALBERT for {task}

A tiny model that shows `albert-export` at work without a download. **It is a demonstration, not for real use.**

{summary}

## How well it does it

| examples | right | of | share |
|---|---|---|---|
{rows}

"Held-out" examples have names, words or sentence patterns that the training never saw (the card's limits below say what
that leaves out); all of them come from the same makers of text, so text by people is harder.

## Limits

{limits}

English only, {positions} tokens at most, lower-case letters (it does not see capitals).

## How it was made

- Model: ALBERT with {hidden} hidden units, {passes} passes through one shared layer, {pieces} SentencePiece pieces,
  {weights} weights in float32.
- Text: made from templates and word lists by `tools/train_demos` of albert-export; no text of other people is in it.
- Training: `python -m tools.train_demos --out DIR --task {task}`: {steps} steps of {batch} new examples, AdamW,
  seed {seed}, one thread on a CPU.{longer}
- Licence: Apache-2.0, like the program that made it.
"""

_LONGER = """
  Then the {before} positions become {positions}, and {steps} steps follow; {share:.0%} of them see {batch} longer
  examples, of up to {positions} tokens, the others the same as before."""


def write_card(
    folder: Path, demo: Demo, config: AlbertConfig, weights: int, scores: dict[str, Score], seed: int
) -> None:
    """Writes the card of the checkpoint in `folder`.

    Args:
        folder: the folder of the checkpoint.
        demo: the demo that the model was trained for.
        config: the configuration of the trained model.
        weights: the number of parameters of the model.
        scores: kind of example -> how many examples of this kind the model answers right.
        seed: the seed of the training.
    """
    rows = (
        f"| {kind} | {score.right:,} | {score.total:,} | {100 * score.share:.1f}% |" for kind, score in scores.items()
    )
    text = _CARD.format(
        pipeline="feature-extraction" if demo.task == "pretraining" else demo.task,
        task=demo.task,
        summary=demo.summary,
        rows="\n".join(rows),
        limits=demo.limits,
        positions=config.max_position_embeddings,
        hidden=config.hidden_size,
        passes=config.num_hidden_layers,
        pieces=f"{config.vocab_size:,}",
        weights=f"{weights:,}",
        steps=f"{demo.steps:,}",
        batch=demo.batch_size,
        seed=seed,
        longer=_longer(demo) if isinstance(demo, LongTextDemo) else "",
    )
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def _longer(demo: LongTextDemo) -> str:
    return _LONGER.format(
        before=MAX_POSITIONS,
        positions=demo.positions,
        steps=f"{demo.long_steps:,}",
        share=demo.long_share,
        batch=demo.long_batch_size,
    )
