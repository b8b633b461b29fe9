"""The model card of a bundle, its README.md: what the bundle is, how to use it, and how it was verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albert_export.checkpoints import Checkpoint
from albert_export.hub.card import card_head
from albert_export.quantization.search_report import markdown_table
from albert_export.samples.requests import sample_requests
from albert_export.samples.sample_texts import ENGLISH_TEXTS, SampleTexts
from albert_export.samples.token_ids import id_requests
from albert_export.utils.folder_name import folder_name
from albert_runtime.manifest import Manifest
from albert_runtime.tasks import Task


def model_card(manifest: Manifest, checkpoint: Checkpoint, folder: Path, samples: SampleTexts = ENGLISH_TEXTS) -> str:
    """The Markdown text for the bundle in `folder`, with an example made of `samples`.

    Every figure comes from the files or from the manifest.
    """
    task = manifest.graph_task
    size = (folder / manifest.model_file).stat().st_size
    config = checkpoint.config
    engine, ids = ("onnx", "int64") if manifest.model_file.endswith(".onnx") else ("litert", "int32")
    tensors = [f"| input | {name} | {ids} | {_axes(axes)} |" for name, axes in task.inputs().items()]
    tensors += [
        f"| output | {name} | {ids if name.endswith('_index') else 'float32'} | {_axes(axes)} |"
        for name, axes in task.outputs.items()
    ]
    checks = [
        f"| {name} | {kind['checks']} | {_number(kind.get('max_difference'))} | {_number(kind.get('tolerance'))} "
        f"| {kind.get('detail', '')} |"
        for name, kind in manifest.parity["checks"].items()
    ]
    missing = [f"The checkpoint had no weights for {name}." for name in manifest.missing_outputs]
    missing += [""] if missing else []
    labels = [f"Labels: {', '.join(manifest.labels)}.", ""] if manifest.labels else []
    return "\n".join(
        [
            *card_head(manifest, checkpoint.folder),
            f"# ALBERT for {task.name}, {manifest.precision}",
            "",
            f"Exported from {_origin(manifest, checkpoint)} ({config.num_hidden_layers} layers, hidden size "
            f"{config.hidden_size}, vocabulary {config.vocab_size}) by albert-export "
            f"{manifest.versions['albert-export']}: `{manifest.model_file}`, {size:,} bytes, {_graph_facts(manifest)}, "
            f"up to {manifest.max_length} tokens. Attention mask: {manifest.mask_policy}.",
            "",
            *labels,
            *([] if manifest.has_tokenizer else ["The bundle has no tokenizer: it takes token ids.", ""]),
            "## Use",
            "",
            "```python",
            f"import albert_runtime  # pip install 'albert-runtime[{engine}]'",
            "",
            f'session = albert_runtime.load("{task.name}")  # this folder',
            f"print({_sample_call(manifest, checkpoint, task, samples)})",
            "```",
            "",
            "| | name | type | axes |",
            "|---|---|---|---|",
            *tensors,
            "",
            *missing,
            *_compiled_model_note(manifest),
            *_text_graph(manifest),
            "## Verified",
            "",
            "The export compared the graph with the float32 original:",
            "",
            "| check | comparisons | largest difference | allowed | |",
            "|---|---|---|---|---|",
            *checks,
            "",
            *_answers_kept(manifest),
        ]
    )


def _compiled_model_note(manifest: Manifest) -> list[str]:
    """What to know before LiteRT's CompiledModel opens the graph; empty where there is nothing to know."""
    if not manifest.model_file.endswith(".tflite") or manifest.sequence_length is not None:
        return []
    return [
        "LiteRT's CompiledModel makes output buffers that are too small for dynamic shapes, and writes past their end. "
        "For it, and for GPUs and NPUs, export with static shapes: `albert-export tflite --sequence-length N`. "
        "LiteRT's Interpreter runs this graph right.",
        "",
    ]


def _origin(manifest: Manifest, checkpoint: Checkpoint) -> str:
    """What the checkpoint is called: its id and commit on the hub, or the name of its folder."""
    source = manifest.source
    if source:
        return f"`{source['repository']}` at commit `{source['commit']}`"
    return f"`{folder_name(checkpoint.folder)}`"


def _sample_call(manifest: Manifest, checkpoint: Checkpoint, task: Task, samples: SampleTexts) -> str:
    """The call of a session, as it is typed in Python."""
    if manifest.has_tokenizer:
        request, call = sample_requests(task, 1, samples=samples)[0], "session"
    else:
        # The bundle has no tokenizer: the ids come from the one that the model was trained with.
        request, call = id_requests(checkpoint.config.to_dict(), task, 1, longest=8)[0], "session.run_ids"
    ascii_only = samples.is_english  # letters of other languages stay readable
    arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=ascii_only)}" for name, value in request.items())
    return f"{call}({arguments})"


def _text_graph(manifest: Manifest) -> list[str]:
    """The section on the graph that takes texts; empty if there is none."""
    facts = manifest.text_graph
    if not facts:
        return []
    optional = [f"`{name}` (may be left out)" for name in facts["optional_inputs"]]
    inputs = ", ".join([*(f"`{name}`" for name in facts["inputs"]), *optional])
    return [
        "## Texts in, answers out",
        "",
        f"`{facts['file']}` holds the model and its tokenizer in one file, for ONNX Runtime with "
        f"onnxruntime-extensions {facts['needs']['onnxruntime-extensions']}. It takes {inputs}, and gives "
        f"{', '.join(f'`{name}`' for name in facts['outputs'])}. Its token ids were equal with the tokenizer's on "
        f"{facts['equal_ids']:,} of {facts['texts']:,} bundled texts, and its answers with this bundle's on "
        f"{facts['equal_answers']} of {facts['answers']}.",
        "",
    ]


def _answers_kept(manifest: Manifest) -> list[str]:
    """The section on the recipe search; empty if nothing was searched."""
    search = manifest.recipe_search
    if not search:
        return []
    budget = search["budget"]
    return [
        "## Answers kept",
        "",
        f"Measured on {search['texts']}. Of 100 answers, {budget['differing_answers']:g} may differ from the "
        f"float32 original's, near ties {'not ' if budget['differing_answers'] else ''}counted; a metric may fall by "
        f"{budget['metric_drop']:g} points.",
        "",
        *markdown_table(search),
        "",
    ]


def _graph_facts(manifest: Manifest) -> str:
    """The opset or the target of the graph, its shapes, and how much of it is quantized."""
    shares = integer_shares(manifest.quantized)
    integers = f", {shares}" if shares else ""
    if manifest.opset is not None:
        needs = manifest.quantized.get("needs", {}).get("onnxruntime")
        return f"opset {manifest.opset}{integers}" + (f", for ONNX Runtime {needs} or newer" if needs else "")
    length = "dynamic shapes" if manifest.sequence_length is None else f"{manifest.sequence_length} tokens at a time"
    return f"for {manifest.target}, {length}{integers}"


def integer_shares(quantized: Mapping[str, Any]) -> str:
    """How much of a file is in integers, in words; empty for a float file. `quantized` is the manifest's field."""
    share = quantized.get("quantized_share", 0.0)
    sizes = quantized.get("weight_bytes", {})
    if not share or not sizes:
        return ""
    integers = sum(size for kind, size in sizes.items() if "int" in kind)
    bytes_share = integers / sum(sizes.values())
    return f"{share:.0%} of the matrix multiplications and {bytes_share:.0%} of the weights' bytes in integers"


def _axes(axes: tuple[str, ...]) -> str:
    return " x ".join(axes)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
