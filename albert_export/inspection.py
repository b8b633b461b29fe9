"""The contents of a bundle, a graph file or a checkpoint folder, as facts and as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from albert_converters.extras import GRAPH_SUFFIXES, needing_graph_reader
from albert_export.checkpoints import Checkpoint, ReadOptions, read_checkpoint
from albert_export.checkpoints.weight_names import part_of
from albert_export.hub import resolve_checkpoint
from albert_export.hub.repository_id import source_of
from albert_export.utils.terminal import Progress
from albert_runtime import open_bundle
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.local_file import local_file
from albert_runtime.packed.path import BundlePath, is_bundle

# how many names of one kind the text lists; `--json` has all of them
_SHOWN = 4


def inspect_path(
    path: str | Path,
    reading: ReadOptions | None = None,
    *,
    precision: str | None = None,
    progress: Progress = lambda step: None,
) -> dict[str, Any]:
    """Return the facts about `path`, or about the checkpoint with this id on the hub, as JSON types.

    "kind" says what it is: "bundle", "onnx", "tflite" or "checkpoint". `reading` has new names for the weights of a
    checkpoint, and says which to leave out. Weights that nothing reads are listed, not refused.
    `precision` is the graph of a bundle with several; None means the first. "precisions" lists them.

    Raises:
        UsageError: there is nothing at `path`, or it can't be fetched from the hub, or a precision is given for what
            has no such graph.
        UnsupportedError: it is none of the four, or damaged.
        DependencyError: onnx or ai-edge-litert, whichever reads it, is not installed.
    """
    reading = reading or ReadOptions()
    path = resolve_checkpoint(path, reading.revision, progress=progress)
    if not path.exists():
        raise UsageError(
            failed_download(path)
            or f"there is nothing at {path}; give a bundle, a .onnx file, a .tflite file or a checkpoint folder"
        )
    if is_bundle(path):
        bundle = open_bundle(path, precision=precision)
        manifest = bundle.manifest.to_dict()
        manifest["self_test"] = len(manifest["self_test"])
        return {
            "kind": "bundle",
            "folder": str(path),
            "precisions": list(bundle.precisions),
            "manifest": manifest,
            "graph": _graph(bundle.model_file),
        }
    if precision is not None:
        raise UsageError(f"--precision chooses a graph of a bundle, and {path} is none; leave it out")
    if path.is_dir():
        return {"kind": "checkpoint", **_checkpoint(path, reading)}
    return {"kind": path.suffix.removeprefix("."), "graph": _graph(path)}


def _graph(file: BundlePath) -> dict[str, Any]:
    if file.suffix not in GRAPH_SUFFIXES:
        raise UnsupportedError(
            failed_download(file)
            or f"{file} is not a .onnx file, a .tflite file, a bundle or a checkpoint folder; those can be inspected"
        )
    with needing_graph_reader(file), local_file(file) as local:
        if file.suffix == ".onnx":
            from albert_converters.onnx.inspection import inspect_onnx as inspect_file
        else:
            from albert_converters.tflite.inspection import inspect_tflite as inspect_file
        return {**inspect_file(local), "file": str(file)}


def _checkpoint(folder: Path, reading: ReadOptions) -> dict[str, Any]:
    checkpoint = read_checkpoint(folder, replace(reading, refuse_unknown=False, revision=None))
    source = source_of(folder)
    return {
        "folder": str(folder),
        **({"source": source.to_dict()} if source else {}),
        "tasks": list(checkpoint.tasks),
        "vocabulary": checkpoint.vocab_file.name if checkpoint.vocab_file else None,
        "parameters": sum(array.size for array in checkpoint.weights.values()),
        "weights": _weights(checkpoint),
        "config": checkpoint.config.to_dict(),
    }


def _weights(checkpoint: Checkpoint) -> dict[str, Any]:
    """What became of every weight in the files, by their names there."""
    account = checkpoint.account
    unneeded: dict[str, list[str]] = {}
    for name, reason in account.unneeded.items():
        unneeded.setdefault(reason, []).append(name)
    parts: dict[str, dict[str, int]] = {}
    for name, array in checkpoint.weights.items():
        part = parts.setdefault(part_of(name), {"weights": 0, "numbers": 0})
        part["weights"] += 1
        part["numbers"] += array.size
    return {
        "file": account.file,
        "prefix": account.prefix,
        "stored_as": dict(account.formats),
        "used": dict(account.used),
        "parts": parts,
        "not_needed": unneeded,
        "left_out": list(account.ignored),
        "unknown": {name: list(shape) for name, shape in account.unknown.items()},
    }


def describe(facts: dict[str, Any]) -> str:
    """Write the facts that `inspect_path` returned as lines of text."""
    if facts["kind"] == "checkpoint":
        return "\n".join(_describe_checkpoint(facts))
    lines = []
    if facts["kind"] == "bundle":
        lines += _describe_manifest(facts["folder"], facts["manifest"])
        if len(facts["precisions"]) > 1:
            lines.append(f"  precisions  {', '.join(facts['precisions'])}; --precision chooses the graph")
    return "\n".join([*lines, *_describe_graph(facts["graph"])])


def _describe_checkpoint(facts: dict[str, Any]) -> list[str]:
    config = facts["config"]
    return [
        f"checkpoint {facts['folder']}: {facts['parameters']:,} parameters",
        *(f"  {name:12}{value}" for name, value in facts.get("source", {}).items()),
        f"  heads for   {', '.join(facts['tasks']) or 'no task'}",
        f"  vocabulary  {facts['vocabulary'] or 'none: spiece.model is missing'}",
        *_describe_weights(facts["weights"]),
        *(f"  {name:30}{config[name]}" for name in sorted(config)),
    ]


def _describe_weights(weights: dict[str, Any]) -> list[str]:
    def some(names: list[str]) -> str:
        return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")

    formats = ", ".join(f"{count} in {name}" for name, count in weights["stored_as"].items())
    lines = [f"  weights     {weights['file']}: {formats or 'none'}"]
    if weights["prefix"] not in ("", "albert."):
        lines.append(f"  prefix      {weights['prefix']}")
    lines += [
        f"  read        {part}: {one['weights']} weights, {one['numbers']:,} parameters"
        for part, one in weights["parts"].items()
    ]
    lines += [f"  not needed  {some(names)}: {reason}" for reason, names in weights["not_needed"].items()]
    if weights["left_out"]:
        lines.append(f"  left out    {some(weights['left_out'])}")
    lines += [
        f"  unknown     {name} {shape}: an export refuses it (see --rename and --ignore-weights)"
        for name, shape in weights["unknown"].items()
    ]
    return lines


def _describe_manifest(folder: str, manifest: dict[str, Any]) -> list[str]:
    parity = manifest["parity"]
    head = f" with the head {manifest['head']}" if "head" in manifest else ""
    static = manifest.get("sequence_length")
    tokens = f"exactly {static} tokens, padded" if static else f"up to {manifest['max_length']} tokens"
    return [
        f"bundle {folder}: {manifest['task']}{head}, {manifest['precision']}, {tokens}",
        f"  verified    {parity.get('passed')}, largest difference {parity.get('max_difference', 0.0):.1e}",
        f"  labels      {', '.join(manifest['labels']) or '-'}",
        *([] if manifest.get("has_tokenizer", True) else ["  tokenizer   none: it takes token ids"]),
        f"  mask        {manifest['mask_policy']}",
        f"  made by     {', '.join(f'{tool} {version}' for tool, version in manifest['versions'].items())}",
        f"  files       {', '.join(sorted(manifest['files']))}",
        *_text_graph_line(manifest),
    ]


def _text_graph_line(manifest: dict[str, Any]) -> list[str]:
    """What the second graph is, which takes texts; empty if there is none."""
    facts = manifest.get("text_graph")
    if not facts:
        return []
    needs = ", ".join(f"{package} {version}" for package, version in facts["needs"].items())
    return [
        f"  text graph  {facts['file']}: {', '.join(facts['inputs'])} -> {', '.join(facts['outputs'])}; needs {needs}; "
        f"ids equal on {facts['equal_ids']:,} of {facts['texts']:,} texts, answers on {facts['equal_answers']} of "
        f"{facts['answers']}"
    ]


def _describe_graph(graph: dict[str, Any]) -> list[str]:
    def tensor(value: dict[str, Any]) -> str:
        return f"{value['name']} {value['type']} [{', '.join(map(str, value['axes']))}]"

    def counts(values: dict[str, int], unit: str = "") -> str:
        return ", ".join(f"{name} {count:,}{unit}" for name, count in values.items()) or "none"

    duplicates = graph["duplicated_weights"]
    wasted = sum((entry["copies"] - 1) * entry["bytes_each"] for entry in duplicates)
    twice = f"{len(duplicates)} weights more than once, {wasted:,} bytes wasted"
    lines = [
        f"graph {graph['file']}: {graph['bytes']:,} bytes, {graph['producer'] or 'unknown producer'}",
        *(f"  input       {tensor(value)}" for value in graph["inputs"]),
        *(f"  output      {tensor(value)}" for value in graph["outputs"]),
        f"  operators   {counts(graph['operators'])}; {graph['subgraphs']} subgraphs",
        f"  weights     {counts(graph['weight_bytes'], ' bytes')}; {twice if duplicates else 'each weight once'}",
        f"  matmuls     {counts(graph['matrix_products'])}; {graph['quantized_share']:.0%} quantized",
        f"  arithmetic  {counts(graph['arithmetic'])}",
    ]
    if "opsets" in graph:
        lines.append(f"  attention   {graph['activation_products']} matmuls of two activations")
        return [*lines, f"  opsets      {counts(graph['opsets'])}; IR version {graph['ir_version']}"]
    return [
        *lines,
        *(f"  large       {tensor(value)} {value['bytes']:,} bytes" for value in graph["largest_weights"]),
        f"  metadata    {counts(graph['metadata_bytes'], ' bytes')}",
        f"  packed      {counts(graph['packed_files'], ' bytes')}",
    ]
