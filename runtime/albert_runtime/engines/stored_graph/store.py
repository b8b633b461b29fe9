"""Keeps the optimized graphs of models in the cache, each for one onnxruntime on one kind of processor.

What is stored is named by a hash of all that it depends on: the bytes of the model, the version and build of
onnxruntime, the processor, and the version of this format. Anything else is therefore never found, and is deleted when
it has become the oldest. The number of threads is no part of it, because no optimization depends on that.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime

from albert_runtime.engines.stored_graph.graph_template import SMALL_BYTES, GraphTemplate, make_template
from albert_runtime.packed.path import BundlePath, PackedPath
from albert_runtime.user_cache import read_cached, temporary_folder, write_cached

#: counts what changes the content or the making of stored graphs
_FORMAT = 1
#: what is stored for a model of which nothing can be kept, so that this is not tried again
_NOTHING = b""
#: one processor's part of /proc/cpuinfo is shorter
_CPUINFO_BYTES = 8192
#: what in /proc/cpuinfo names the processor and its instructions, on x86 and on ARM
_CPUINFO_FIELDS = (
    "vendor_id", "cpu family", "model", "model name", "stepping", "flags",
    "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features",
)  # fmt: skip

_logger = logging.getLogger("albert_runtime")

OpenModel = Callable[[Any], Any]


def open_stored(model: BundlePath, sha256: str, options: Callable[[], Any], open_model: OpenModel) -> Any:
    """The native session of the stored graph of `model`, which is made and stored if it is not there yet.

    Args:
        model: the ONNX model, whose weights the session maps into memory.
        sha256: its SHA-256, which has been compared.
        options: returns new session options.
        open_model: opens `model` itself with such options; it is called if there is no stored graph.

    Returns:
        None if there is no cache, or if nothing can be kept of this model.

    Raises:
        Exception: onnxruntime or the system does; the model is then to be opened without the cache.
    """
    name = _key(sha256)
    stored = read_cached(name)
    if stored == _NOTHING:
        return None
    file, start, length = _place(model)
    if stored is None:
        template = _optimized(file, start, length, options(), open_model)
        stored = _NOTHING if template is None else template.to_bytes()
        write_cached(name, stored)
        if template is None:
            return None
    settings = options()
    # It is optimized already.
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.add_session_config_entry("session.model_external_initializers_file_folder_path", str(file.parent))
    content = GraphTemplate.from_bytes(stored).model(file.name, start)
    return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])


def _optimized(file: Path, start: int, length: int, options: Any, open_model: OpenModel) -> GraphTemplate | None:
    """The template of the model in `file`; None if there is no cache, or if nothing can be kept of this model."""
    with temporary_folder() as folder:
        if folder is None:
            return None
        optimized = folder / "model.onnx"
        options.optimized_model_filepath = str(optimized)
        for name, value in {
            "session.optimized_model_external_initializers_file_name": "weights",
            "session.optimized_model_external_initializers_min_size_in_bytes": str(SMALL_BYTES),
            "session.disable_prepacking": "1",  # this session runs nothing
        }.items():
            options.add_session_config_entry(name, value)
        open_model(options)
        return make_template(optimized, file, start, length)


def _place(model: BundlePath) -> tuple[Path, int, int]:
    """The file that holds the model, the place of its first byte in it, and its length.

    Links are followed, because onnxruntime maps no file that a link has outside of the folder that it is given.
    """
    if isinstance(model, PackedPath):
        model.packed.open().close()  # it must be the file that was checked
        return model.packed.file.resolve(), model.entry.start, model.entry.size
    file = model.resolve()
    return file, 0, file.stat().st_size


def _key(sha256: str) -> str:
    parts = [_FORMAT, sha256.lower(), onnxruntime.__version__, onnxruntime.get_build_info(), sys.platform, _processor()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _processor() -> list[str]:
    """What tells this kind of processor from others. Home folders, and the caches in them, may be on many machines."""
    named = [platform.machine()]
    try:
        with Path("/proc/cpuinfo").open("rb", buffering=0) as stream:
            text = stream.read(_CPUINFO_BYTES).decode("utf-8", "replace")
    except OSError:
        # macOS says nothing that costs little, so that a graph is for one machine; Windows has a variable.
        return [*named, platform.node(), platform.version(), os.environ.get("PROCESSOR_IDENTIFIER", "")]
    lines = text.split("\n\n", 1)[0].splitlines()
    return named + [line for line in lines if line.partition(":")[0].strip() in _CPUINFO_FIELDS]
