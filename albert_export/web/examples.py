"""The requests that a page offers as examples: the user's own, those of the demos, or those of the self-test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.utils.text_file import read_text
from albert_runtime.bundle import VOCABULARY_FILE, Bundle, sha256_of
from albert_runtime.errors import AlbertError, UsageError, listed

#: examples of a page
_MOST = 6
#: feature extraction: the page compares several texts, while a session takes one
_TEXTS = "texts"


def page_examples(bundle: Bundle, file: Path | None = None) -> list[dict[str, Any]]:
    """The requests for the page of `bundle`, as keyword arguments of the session's call.

    For feature-extraction a request is {"texts": [...]}: the texts to compare.

    Args:
        bundle: the bundle of the page.
        file: a JSON file with a list of requests; None takes the demo's if the bundle is one of a demo, and else those
            of the bundle's self-test, which are in the language of the model.

    Raises:
        UsageError: the file holds something else.
    """
    if file is not None:
        return _given(bundle, file)
    requests = _of_the_demo(bundle)
    if requests is None:
        requests = [vector["inputs"] for vector in bundle.manifest.self_test]
        if bundle.manifest.task == "feature-extraction":
            requests = [{_TEXTS: [request["text"] for request in requests]}]
    return requests[:_MOST]


def _of_the_demo(bundle: Bundle) -> list[dict[str, Any]] | None:
    """The demo's requests, if the bundle's vocabulary is the one of its task's demo."""
    try:
        vocabulary = demo_checkpoint(bundle.manifest.task) / VOCABULARY_FILE
        if sha256_of(vocabulary) != bundle.manifest.files.get(VOCABULARY_FILE):
            return None
        examples = demo_examples(bundle.manifest.task)
    except (AlbertError, OSError):
        return None  # this installation lacks the demo, which is no reason to write no page
    if bundle.manifest.task == "feature-extraction":
        return [{_TEXTS: [one.inputs["text"], one.expected["closer"], one.expected["farther"]]} for one in examples]
    return [one.inputs for one in examples]


def _given(bundle: Bundle, file: Path) -> list[dict[str, Any]]:
    arguments = {one.name: one for one in bundle.task.arguments}
    comparing = bundle.manifest.task == "feature-extraction"
    known = [_TEXTS] if comparing else list(arguments)
    needed = [_TEXTS] if comparing else [name for name, one in arguments.items() if one.required]
    lists = {_TEXTS, *(name for name, one in arguments.items() if one.repeated)}
    advice = f"give a JSON list of objects with {', '.join(json.dumps(name) for name in needed)}" + (
        f" (also: {', '.join(name for name in known if name not in needed)})" if len(known) > len(needed) else ""
    )
    try:
        requests = json.loads(read_text(file, "examples", advice))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the examples {file} are not JSON ({error}); {advice}") from error
    if not isinstance(requests, list) or not requests:
        raise UsageError(f"the examples {file} are no list with anything in it; {advice}")
    problems = []
    for number, request in enumerate(requests, start=1):
        if not isinstance(request, dict):
            problems.append(f"example {number} is no object")
            continue
        problems += [f'example {number} has no "{name}"' for name in needed if name not in request]
        problems += [
            f'example {number} has "{name}", which the page does not know' for name in request if name not in known
        ]
        problems += [
            f'"{name}" of example {number} must be {"a list of texts" if name in lists else "a text"}'
            for name, value in request.items()
            if name in known and not _is_of_kind(value, listed=name in lists)
        ]
    if problems:
        raise UsageError(listed(f"the examples {file} can't be used:", problems) + f"\n{advice}")
    return requests


def _is_of_kind(value: object, *, listed: bool) -> bool:
    if listed:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)
