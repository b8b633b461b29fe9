"""The options that several commands share, and helpers that interpret them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from albert_export.cli.completion import complete_head, complete_task
from albert_export.utils.folder_name import folder_name
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS, find_task

_TASKS = ", ".join(f"{task.name} ({', '.join(task.aliases)})" for task in TASKS.values())
_HEADS = "; ".join(
    f"for {task.name}: {name}, which {head.help}"
    for task in TASKS.values()
    for name, head in task.offered_heads.items()
)

task_option = click.option(
    "--task", metavar="TASK", shell_complete=complete_task,
    help=f"One of: {_TASKS}. Default: the task of the checkpoint's head.",
)  # fmt: skip
model_option = click.option(
    "-m", "--model", type=click.Path(), metavar="FOLDER",
    help="Folder of a checkpoint in Hugging Face's or Google's format, or its id on the Hugging Face hub. "
    "Default: the demo checkpoint of the task.",
)  # fmt: skip
head_option = click.option(
    "--head", metavar="HEAD", shell_complete=complete_head,
    help=f"Another head with the same weights: {_HEADS}. Default: the usual outputs of the task.",
)  # fmt: skip
random_head_option = click.option(
    "--allow-random-head", is_flag=True, help="Use a random, untrained head if the checkpoint has none."
)
no_tokenizer_option = click.option(
    "--no-tokenizer", is_flag=True,
    help="Leave the tokenizer out: the bundle takes token ids, and --calibration-data holds lines of ids.",
)  # fmt: skip
force_option = click.option("--force", is_flag=True, help="Replace the bundle that is at the output already.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="Do not show progress on standard error.")
calibration_option = click.option(
    "--calibration-data", type=click.Path(path_type=Path), metavar="FILE",
    help="Typical inputs, one on each line, with a tab between the two texts of a pair. They show which ranges and "
    "outliers activations have.  [default: a bundled corpus in the model's language]",
)  # fmt: skip
eval_data_option = click.option(
    "--eval-data", type=click.Path(path_type=Path), metavar="FILE",
    help="Labelled examples, on which the exported model must score like the original; see `evaluate --help`.",
)  # fmt: skip
max_drop_option = click.option(
    "--max-drop", type=float, metavar="POINTS",
    help="How many of 100 answers may differ from the original's, and by how many points the score on --eval-data may "
    "fall. With 0, near ties count as differences too.  [default: 1, and 0.5]",
)  # fmt: skip
null_threshold_option = click.option(
    "--null-threshold", type=float, metavar="NUMBER",
    help="Question answering: let the answer be that there is none, if its score exceeds that of the best passage by "
    "this much; `evaluate` on SQuAD 2 data finds the best number.  [default: 0 if config.json says "
    "version_2_with_negative, else answer always]",
)  # fmt: skip


pooling_option = click.option(
    "--pooling", metavar="[pooler|cls|mean|max]",
    help="Feature extraction: how one vector is made of the tokens' vectors.  [default: what the checkpoint says, else "
    "the model's pooler; in the layout hub the mean]",
)  # fmt: skip


bundle_precision_option = click.option(
    "--precision", metavar="NAME", help="The graph to use in a bundle with several, e.g. int8.  [default: the first]"
)


def output_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the folder of the new bundle, with or without -o in front of it; the command gets it as `output`."""

    @click.argument("folder", type=click.Path(path_type=Path), metavar="[OUTPUT]", required=False)
    @click.option(
        "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
        help="Folder of the new bundle; it may also be given without -o. Default: a folder here, named after the "
        "checkpoint, format and precision.",
    )  # fmt: skip
    @functools.wraps(command)
    def with_output(*, folder: Path | None, output: Path | None, **options: Any) -> None:
        if folder is not None and output is not None:
            raise UsageError(f"the output is given twice, as {folder} and as --output {output}; leave one of them out")
        if folder is not None and options.get("model") is None and is_checkpoint_folder(folder):
            raise UsageError(f"{folder} is a checkpoint, and the folder without an option is the output; add --model")
        command(output=output or folder, **options)

    return with_output


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --revision, --rename, --ignore-weights and --tokenizer, which the command gets as a `ReadOptions`."""

    @click.option(
        "--revision", metavar="NAME",
        help="Branch, tag or commit of the model, if its id on the hub is given.  [default: its main branch]",
    )  # fmt: skip
    @click.option(
        "--rename", multiple=True, metavar="OLD=NEW",
        help="Names of the checkpoint's weights that begin with OLD begin with NEW: --rename fc=classifier for a head "
        "under another name. May be repeated.",
    )  # fmt: skip
    @click.option(
        "--ignore-weights", multiple=True, metavar="PATTERN",
        help="Leave out the checkpoint's weights with such names, as in 'crf.*', instead of refusing weights that "
        "nothing reads. May be repeated.",
    )  # fmt: skip
    @click.option(
        "--tokenizer", metavar="[slow|fast]",
        help="Follow the slow tokenizer of the checkpoint's vocabulary, or its tokenizer.json, where the two differ.  "
        "[default: the one that saved the folder]",
    )  # fmt: skip
    @functools.wraps(command)
    def with_reading(
        *,
        rename: tuple[str, ...],
        ignore_weights: tuple[str, ...],
        tokenizer: str | None,
        revision: str | None,
        **options: Any,
    ) -> None:
        from albert_export.checkpoints import ReadOptions

        command(reading=ReadOptions.from_texts(rename, ignore_weights, tokenizer, revision), **options)

    return with_reading


def chosen_checkpoint(model: str | None, task: str | None) -> tuple[str | Path, str]:
    """The checkpoint that `--model` or `--task` names, and a name for the files that are made from it.

    A model stays as it was typed, because `./name` is a folder only, and `name` may be an id on the hub.

    Raises:
        UsageError: neither is given, or the task is unknown.
    """
    if model is not None:
        return model, folder_name(model)
    from albert_export.demos import demo_checkpoint

    if task is None:
        raise UsageError("say which model: --model FOLDER, or --task TASK for a demo checkpoint, e.g. --task qa")
    return demo_checkpoint(task), f"demo-{find_task(task).name}"


def is_checkpoint_folder(folder: Path) -> bool:
    """Whether a configuration, but no manifest of a bundle, is in the folder."""
    from albert_runtime.bundle import CONFIG_FILE, MANIFEST_FILE

    return (folder / CONFIG_FILE).is_file() and not (folder / MANIFEST_FILE).exists()


def print_json(value: Any) -> None:
    """Prints `value` to standard output as indented JSON."""
    click.echo(json.dumps(value, indent=2))
