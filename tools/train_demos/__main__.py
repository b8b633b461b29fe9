"""Trains demo checkpoints, measures them, and writes their folders.

    python -m tools.train_demos --out DIR [--task qa]

This runs on one CPU thread and takes a few minutes for each task, but most of an hour for question answering. The same
seed, versions and processor give the same weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from albert_export.reference.torch_albert import AlbertPreTrainedModel
from albert_runtime.errors import AccuracyError, AlbertError
from albert_runtime.tasks import find_task
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import MAX_POSITIONS
from tools.train_demos.card import write_card
from tools.train_demos.demo import Demo, Example
from tools.train_demos.evaluation import disturbed, measure, new_examples, new_long_examples
from tools.train_demos.lengthening import LongTextDemo, lengthen
from tools.train_demos.registry import DEMOS
from tools.train_demos.training import train

logger = logging.getLogger(__name__)

SEED = 1
#: the number of examples of each kind that a finished model is measured on
_MEASURED = 1000
#: the number of generated examples in examples.json, besides the handwritten ones of the demo
_GENERATED_EXAMPLES = 5
#: the number of examples with longer texts, if the demo learns such texts
_LONG_EXAMPLES = 1

_TOKENIZER_CONFIG = {
    "tokenizer_class": "AlbertTokenizer",
    "do_lower_case": True,
    "remove_space": True,
    "keep_accents": False,
    "model_max_length": MAX_POSITIONS,
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
    "unk_token": "<unk>",
    "sep_token": "[SEP]",
    "pad_token": "<pad>",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def make_demo(demo: Demo, folder: Path, seed: int = SEED) -> None:
    """Trains one demo and writes its folder: weights, vocabulary, card and examples.

    Raises:
        AccuracyError: the model does not answer all handwritten examples of the demo right.
    """
    started = time.perf_counter()
    model, tokenizer = train(demo, folder, seed)
    if isinstance(demo, LongTextDemo):
        lengthen(demo, model, tokenizer, seed)
    model.save_pretrained(folder)
    write_card_and_examples(demo, model, tokenizer, folder, seed)
    logger.info("%s: done in %.0f s: %s", demo.task, time.perf_counter() - started, folder)


def write_card_and_examples(
    demo: Demo, model: AlbertPreTrainedModel, tokenizer: AlbertTokenizer, folder: Path, seed: int
) -> None:
    """Measures a trained demo, and writes the other files of its folder: tokenizer settings, card and examples.

    Raises:
        AccuracyError: the model does not answer all handwritten examples of the demo right.
    """
    _write_json(folder / "tokenizer_config.json", {**_TOKENIZER_CONFIG, "model_max_length": tokenizer.model_max_length})
    sides = {"held-out": True, "new, of familiar words": False}
    scores = {}
    for kind, held_out in sides.items():
        examples = new_examples(demo, held_out=held_out, count=_MEASURED, seed=seed)
        scores[kind] = measure(demo, model, tokenizer, examples)
    if isinstance(demo, LongTextDemo):
        for kind, held_out in sides.items():
            examples = new_long_examples(demo, tokenizer, held_out=held_out, count=_MEASURED, seed=seed)
            scores[f"{kind}; answer after token {MAX_POSITIONS}"] = measure(demo, model, tokenizer, examples)
    weights = sum(parameter.numel() for parameter in model.parameters())
    write_card(folder, demo, model.config, weights, scores, seed)
    for kind, score in scores.items():
        logger.info("%s: %.1f%% of %d %s examples", demo.task, 100 * score.share, score.total, kind)
    _write_json(folder / "examples.json", choose_examples(demo, model, tokenizer, seed))


def choose_examples(demo: Demo, model: nn.Module, tokenizer: AlbertTokenizer, seed: int) -> list[dict[str, Any]]:
    """The examples that `make demo` and the tests ask: the handwritten ones, then held-out ones that the model knows.

    The held-out examples must show whether a conversion is right, so their answers must not depend on rounding. For
    this reason, copies of the model with disturbed weights must answer them right too.

    Raises:
        AccuracyError: the model answers a handwritten example wrong.
    """
    models = [model, *disturbed(model, seed)]

    def is_right(example: Example) -> bool:
        return all(demo.is_right(one, tokenizer, example) for one in models)

    with torch.inference_mode():
        wrong = [example for example in demo.shown if not demo.is_right(model, tokenizer, example)]
        if wrong:
            raise AccuracyError(f"the {demo.task} model does not answer {wrong[0].inputs}; train it for more steps")
        made = new_examples(demo, held_out=True, count=_MEASURED, seed=seed + 1)
        chosen = [*demo.shown, *islice(filter(is_right, made), _GENERATED_EXAMPLES)]
        if isinstance(demo, LongTextDemo):
            made = new_long_examples(demo, tokenizer, held_out=True, count=_MEASURED, seed=seed + 1)
            chosen += islice(filter(is_right, made), _LONG_EXAMPLES)
    return [{"inputs": example.inputs, "expected": example.expected} for example in chosen]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_demos", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder that gets a folder for each task")
    parser.add_argument("--task", help="train only this task; a full name or an alias")
    parser.add_argument("--seed", type=int, default=SEED, help=f"{SEED} by default")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    # With more threads, sums are computed in another order, which gives other weights.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        tasks = [find_task(options.task).name] if options.task else list(DEMOS)
        for task in tasks:
            make_demo(DEMOS[task], options.out / task, options.seed)
    except AlbertError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
