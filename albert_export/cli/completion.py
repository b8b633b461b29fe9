"""The values that a shell completes for an option, by click's shell completion; see docs/command-line.md."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from albert_runtime.errors import UsageError
from albert_runtime.precisions import PRECISION_ALIASES
from albert_runtime.tasks import TASKS, find_task


def complete_task(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tasks whose full name or alias begins with `incomplete`; an alias only once a letter is typed."""
    aliases = [(alias, task.name) for task in TASKS.values() for alias in task.aliases]
    return _beginning(incomplete, ((task.name, ", ".join(task.aliases)) for task in TASKS.values()), aliases)


def complete_head(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The heads that begin with `incomplete`: those of the task that was typed before, or of all tasks."""
    given = context.params.get("task")
    try:
        tasks = [find_task(given)] if given else list(TASKS.values())
    except UsageError:  # there is no such task
        return []
    return _beginning(incomplete, ((head, task.name) for task in tasks for head in task.offered_heads), ())


def complete_precision(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The precisions whose name or alias begins with `incomplete`; an alias only once a letter is typed."""
    aliases = [(alias, name) for name, others in PRECISION_ALIASES.items() for alias in others]
    return _beginning(incomplete, ((name, "") for name in PRECISION_ALIASES), aliases)


def complete_target(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The TFLite targets whose name begins with `incomplete`."""
    from albert_export.targets import TARGETS

    return _beginning(incomplete, ((name, "") for name in TARGETS), ())


def _beginning(
    incomplete: str, names: Iterable[tuple[str, str]], aliases: Iterable[tuple[str, str]]
) -> list[CompletionItem]:
    """The names, with their help, that begin with `incomplete`; where it is not empty, the aliases too."""
    offered = [*names, *(aliases if incomplete else ())]
    return [CompletionItem(name, help=note) for name, note in offered if name.startswith(incomplete)]
