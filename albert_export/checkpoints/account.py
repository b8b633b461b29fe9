"""WeightAccount: what becomes of every weight in the files of a checkpoint. None is left out without a word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from albert_export.checkpoints.containers import NOT_READ
from albert_export.checkpoints.number_formats import float_format
from albert_export.checkpoints.read_options import ReadOptions
from albert_export.checkpoints.weight_names import DECODER, DECODER_BIAS, HEADS, full_name, is_known
from albert_export.checkpoints.wrapper_names import FULL, encoder_prefixes, unwrapped
from albert_export.tasks import TASK_SPECS
from albert_runtime.errors import CheckpointError, listed

# The class weights of a loss change training only.
_LOSS = re.compile(r"(criterion|loss\w*)\.(weight|pos_weight)")


class NamedWeight(NamedTuple):
    """A weight of a checkpoint."""

    #: its name in the file
    given: str
    #: its name in Hugging Face's full model, as far as it is known
    name: str
    array: np.ndarray


@dataclass(frozen=True)
class WeightAccount:
    """What becomes of the weights. The keys, and the names in lists, are those in the file."""

    #: the file that was read
    file: str = ""
    #: what stands before the encoder's names in the file
    prefix: str = FULL
    #: the weights that are read -> their full names
    used: Mapping[str, str] = field(default_factory=dict)
    #: entries that no task needs -> what they are
    unneeded: Mapping[str, str] = field(default_factory=dict)
    #: the weights that the user leaves out
    ignored: tuple[str, ...] = ()
    #: the weights that nothing reads -> their shapes
    unknown: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: "float32", "bfloat16" ... -> how many of the weights that are read are stored in this format
    formats: Mapping[str, int] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """What was done to the weights that a user must know."""
        notes = []
        if self.prefix not in ("", FULL):
            notes.append(f"the names of the encoder's weights begin with {self.prefix!r}, which was taken off")
        for name in self.formats:
            if name != "float32":
                change = "narrowed" if name == "float64" else "widened"
                notes.append(f"weights are stored in {name} and were {change} to float32")
        if self.ignored:
            notes.append(f"left out as asked: {', '.join(self.ignored)}")
        return notes

    def refuse_unknown(self, folder: Path) -> None:
        """Refuses weights that nothing reads, since they may decide the answer.

        Raises:
            CheckpointError: there are such weights; the message lists all of them.
        """
        if not self.unknown:
            return
        heads = ", ".join(head.removesuffix(".") for head in HEADS)
        module = next(iter(self.unknown)).rpartition(".")[0] or next(iter(self.unknown))
        advice = (
            f"If they are a head under another name, say which one: --rename {module}=classifier, for example (the "
            f"heads are called {heads}). If the answers do not depend on them, leave them out: --ignore-weights "
            f"'{module}.*'. Layers that no ALBERT of Hugging Face has can't be exported"
        )
        if any("lora_" in name for name in self.unknown):
            advice = "This is a LoRA adapter in its model: load it with peft, and save model.merge_and_unload()"
        raise CheckpointError(
            listed(
                f"{folder} has weights that nothing reads, and without them its answers may be others:",
                [f"{name} {list(shape)}" for name, shape in self.unknown.items()],
            )
            + f"\n{advice}."
        )


def choose(stored: Iterable[tuple[str, np.ndarray]], options: ReadOptions) -> tuple[list[NamedWeight], WeightAccount]:
    """The weights of a file that the user does not leave out, with the names that the user gives to them.

    Returns:
        The weights; and the account of those that are left out.
    """
    weights, unneeded, ignored = [], {}, []
    for given, array in stored:
        if array is NOT_READ or array.dtype.kind in "OSU":
            unneeded[given] = "state of the training, or a setting"
        elif options.ignores(given):
            ignored.append(given)
        else:
            weights.append(NamedWeight(given, options.renamed(given) or given, array))
    return weights, WeightAccount(unneeded=unneeded, ignored=tuple(ignored))


def resolve(
    file: Path, weights: Iterable[NamedWeight], left_out: WeightAccount, options: ReadOptions
) -> tuple[list[NamedWeight], WeightAccount]:
    """The weights that a model can use, by their full names, and the account of all.

    Args:
        file: what messages call the place of the weights.
        weights: the weights of the file that are not left out.
        left_out: the account of the others, which `choose` has begun.
        options: what the user says about the names.

    Raises:
        CheckpointError: there is no encoder of an ALBERT, or there are several.
        UsageError: an option is about no weight.
    """
    weights = list(weights)
    prefix = _only_encoder(file, [weight.name for weight in weights])
    unneeded, ignored = dict(left_out.unneeded), list(left_out.ignored)
    kept, unknown, seen = [], {}, [*unneeded, *ignored]
    for given, current, array in weights:
        short = unwrapped(current, prefix)
        seen += [given, short]
        if options.ignores(short):
            ignored.append(given)
            continue
        name = full_name(options.renamed(short) or short)
        if name is None:
            unneeded[given] = "a buffer, which the model makes by itself"
        elif _LOSS.fullmatch(name):
            unneeded[given] = "class weights of the training's loss"
        elif not is_known(name) and not _of_task(name):
            unknown[given] = array.shape
        else:
            kept.append(NamedWeight(given, name, array))
            if name in (DECODER, DECODER_BIAS):
                unneeded[given] = "a copy of a weight that it is tied to"
    options.refuse_unused(seen)
    account = WeightAccount(
        file=file.name,
        prefix=prefix,
        used={weight.given: weight.name for weight in kept if weight.given not in unneeded},
        unneeded=unneeded,
        ignored=tuple(ignored),
        unknown=unknown,
        formats=Counter(float_format(weight.array.dtype) or weight.array.dtype.name for weight in kept),
    )
    return kept, account


def _of_task(name: str) -> bool:
    """Whether `name` is that of a head which a task has, and which Google has no names for."""
    rows = [row.hugging_face for head in HEADS.values() for row in head]
    prefixes = {prefix for spec in TASK_SPECS.values() for prefix in spec.head}
    return name.startswith(tuple(one for one in prefixes if not any(row.startswith(one) for row in rows)))


def _only_encoder(file: Path, names: list[str]) -> str:
    """What stands before the names of the one encoder."""
    prefixes = encoder_prefixes(names)
    if not prefixes:
        first = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
        raise CheckpointError(
            f"the weights in {file} are not an ALBERT's: none of the {len(names)} belongs to its encoder"
            + (f" (they are called {first})" if names else "")
        )
    # `albert.` beside bare names is one encoder, of which old files may have parts under both names.
    if len(prefixes) > 1 and set(prefixes) != {"", FULL}:
        raise CheckpointError(
            f"{file} has {len(prefixes)} encoders, whose names begin with {' and '.join(map(repr, prefixes))}; leave "
            f"all but one of them out: --ignore-weights '{prefixes[-1]}*', for example"
        )
    return FULL if FULL in prefixes else prefixes[0]
