"""The process of a peer: it reads a request as JSON from standard input, and prints one line of JSON.

`action` is "versions", "save", "prepare", "reference", "measure" or "first-answer". Of an exception, the process prints
its message as `error`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from .onnx_subjects import (
    OptimumInt8Subject,
    OptimumSubject,
    OrtDynamicSubject,
    prepare_optimum,
    prepare_optimum_int8,
    prepare_ort_dynamic,
)
from .openvino_subjects import OpenVinoInt8Subject, OpenVinoSubject, prepare_openvino, prepare_openvino_int8
from .pipeline_subject import MODEL_CLASSES, PipelineSubject
from .subject import first_answer, measure
from .torch_subjects import CompiledSubject, ReferenceSubject, TransformersSubject

_SUBJECTS: dict[str, type[PipelineSubject]] = {
    "transformers": TransformersSubject,
    "torch-compile": CompiledSubject,
    "optimum": OptimumSubject,
    "optimum-int8": OptimumInt8Subject,
    "ort-dynamic": OrtDynamicSubject,
    "openvino": OpenVinoSubject,
    "openvino-int8": OpenVinoInt8Subject,
}
_PREPARE = {
    "optimum": prepare_optimum,
    "optimum-int8": prepare_optimum_int8,
    "ort-dynamic": prepare_ort_dynamic,
    "openvino": prepare_openvino,
    "openvino-int8": prepare_openvino_int8,
}


def _versions(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, str | None] = {}
    for package in request["packages"]:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return {"versions": found, "python": sys.version.split()[0]}


def _save(request: dict[str, Any]) -> dict[str, Any]:
    """Save the checkpoint as transformers does, with the tokenizer.json that repositories of the hub have."""
    import transformers

    model = getattr(transformers, MODEL_CLASSES[request["task"]]).from_pretrained(request["source"])
    model.save_pretrained(request["output"])
    transformers.AutoTokenizer.from_pretrained(request["source"]).save_pretrained(request["output"])
    return {"longest": model.config.max_position_embeddings}


def _prepare(request: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    method = _PREPARE[request["peer"]](Path(request["source"]), Path(request["output"]), request)
    return {"conversion_ms": (time.perf_counter() - start) * 1e3, "method": method}


def _subject(request: dict[str, Any]) -> PipelineSubject:
    folders = Path(request["checkpoint"]), Path(request["files"])
    return _SUBJECTS[request["peer"]](*folders, request["task"], request["threads"])


def _first_answer(request: dict[str, Any]) -> dict[str, Any]:
    first_answer(_subject(request), request["text"], request["context"])
    return {"first_answer_ms": (time.monotonic() - request["started"]) * 1e3}


def _reference(request: dict[str, Any]) -> dict[str, Any]:
    """Answer the texts and questions of the request with the checkpoint itself."""
    source = Path(request["source"])
    subject = ReferenceSubject(source, source, request["task"], request["threads"])
    subject.load_engine()
    subject.load_session()
    return {
        "texts": [subject.answer_text(text) for text in request["texts"]],
        "questions": [subject.answer_question(*asked) for asked in request["questions"]],
    }


_ACTIONS = {
    "versions": _versions,
    "save": _save,
    "prepare": _prepare,
    "reference": _reference,
    "measure": lambda request: measure(_subject(request), request),
    "first-answer": _first_answer,
}


def main() -> None:
    """Do what the request asks for."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # tools print messages on standard output too, which may hold nothing but the record
    request = json.loads(sys.stdin.read())
    try:
        record = _ACTIONS[request["action"]](request)
    except Exception as error:
        traceback.print_exc()
        record = {"error": f"{type(error).__name__}: {str(error).strip() or 'without a message'}"}
    print(json.dumps(record), file=output, flush=True)
