"""What the pages of the documentation assume to be in the current folder: checkpoints, bundles and files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from albert_export.demos import demo_checkpoint
from tests.conftest import BuiltOnce, DemoBundleOf
from tools.train_demos.labelled_files import write_demo_file

#: the task whose demo is also made into a checkpoint for natural language inference, by renaming its labels
_NLI = "nli"
#: the format, task (or `_NLI`) and precision of a demo's bundle
BundleSpec = tuple[str, str, str]
_QA_BUNDLE: BundleSpec = ("onnx", "question-answering", "fp32")
_CLASSIFIER: BundleSpec = ("onnx", "text-classification", "fp32")
_REVIEWS = ["The story was gripping and I loved the cast.", "The food was not good, and the waiter was rude."]
_REVIEWS_CSV = "id,review\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(_REVIEWS))


@dataclass(frozen=True)
class Assumed:
    """What a page assumes. Names are relative to the folder that its blocks run in."""

    #: folder -> the task of the demo checkpoint in it, or `_NLI`
    checkpoints: dict[str, str] = field(default_factory=dict)
    #: folder -> the demo's bundle in it
    bundles: dict[str, BundleSpec] = field(default_factory=dict)
    #: file -> its text, or a function that writes it
    files: dict[str, str | Callable[[Path], object]] = field(default_factory=dict)


def _labelled(task: str) -> Callable[[Path], object]:
    def write(file: Path) -> None:
        write_demo_file(file.parent, task).rename(file)

    return write


def _squad_2(file: Path) -> None:
    """SQuAD 2 data: the examples of the demo, and questions that the next context does not answer."""
    write_demo_file(file.parent, "question-answering", count=12).rename(file)
    record = json.loads(file.read_text(encoding="utf-8"))
    paragraphs = record["data"][0]["paragraphs"]
    for paragraph, following in zip(paragraphs[::2], paragraphs[1::2], strict=True):
        question = {**following["qas"][0], "answers": [], "is_impossible": True}
        paragraph["qas"].append({**question, "id": f"{question['id']}-impossible"})
    file.write_text(json.dumps({**record, "version": "v2.0"}), encoding="utf-8")


def _head_called_fc(folder: Path) -> None:
    """The demo for text classification, with a head of a class of the user's own."""
    shutil.copytree(demo_checkpoint("text-classification"), folder)
    weights = load_file(folder / "model.safetensors")
    renamed = {name.replace("classifier.", "fc."): array for name, array in weights.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})


def _tagger_with_crf(folder: Path) -> None:
    """The demo for token classification, with the transitions that a CRF has learned."""
    shutil.copytree(demo_checkpoint("token-classification"), folder)
    weights = load_file(folder / "model.safetensors")
    labels = len(weights["classifier.bias"])
    weights["crf.transitions"] = np.zeros((labels, labels), np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _graph_with_copies(file: Path) -> None:
    """A graph as other tools write it: every matrix twice, one of them behind an Identity."""
    import onnx

    from albert_export.export import export_onnx

    bundle = export_onnx(demo_checkpoint("text-classification"), file.parent / "exported").folder
    model = onnx.load(bundle / "model.onnx")
    stored = {one.name: one for one in model.graph.initializer}
    nodes = []
    for number, node in enumerate(model.graph.node):
        if node.op_type == "MatMul" and node.input[1] in stored:
            copy = onnx.TensorProto()
            copy.CopyFrom(stored[node.input[1]])
            copy.name = f"onnx::MatMul_{number}"
            model.graph.initializer.append(copy)
            nodes.append(onnx.helper.make_node("Identity", [copy.name], [f"hidden_{number}"]))
            node.input[1] = f"hidden_{number}"
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, file)
    shutil.rmtree(bundle)


_ASSUMED = {
    "docs/bench.md": Assumed(
        {"my-albert": "question-answering"},
        {"my-bundle": _QA_BUNDLE},
        {"dev-v1.1.json": _labelled("question-answering")},
    ),
    "docs/performance.md": Assumed(bundles={"my-bundle": _QA_BUNDLE}),
    "docs/recommend.md": Assumed(
        bundles={"qa-fp32": _QA_BUNDLE, "qa-int8": ("onnx", "question-answering", "int8")},
    ),
    "README.md": Assumed({"my-albert": "question-answering"}),
    "runtime/README.md": Assumed(
        bundles={"my-qa-bundle": _QA_BUNDLE, "my-classifier": _CLASSIFIER},
        files={"page.txt": "The tower stands in Paris."},
    ),
    "docs/android.md": Assumed({"my-albert": "question-answering"}),
    "docs/batches.md": Assumed(
        bundles={"my-albert-onnx": _QA_BUNDLE, "my-classifier": _CLASSIFIER},
        files={"reviews.csv": _REVIEWS_CSV},
    ),
    "docs/beyond-one-machine.md": Assumed(
        bundles={"my-classifier": _CLASSIFIER}, files={"reviews.jsonl": '{"review": "The story was gripping."}\n'}
    ),
    "docs/checkpoints.md": Assumed(
        {"my-albert": "question-answering"},
        files={"my-classifier": _head_called_fc, "my-tagger": _tagger_with_crf},
    ),
    "docs/clients.md": Assumed(bundles={"my-classifier": _CLASSIFIER}),
    "docs/command-line.md": Assumed({"my-albert": "question-answering"}),
    "docs/coming-from-pipelines.md": Assumed(
        {
            "my-cls": "text-classification",
            "my-encoder": "feature-extraction",
            "my-mlm": "fill-mask",
            "my-ner": "token-classification",
            "my-nli": _NLI,
            "my-qa": "question-answering",
        },
        {
            "my-cls-onnx": _CLASSIFIER,
            "my-encoder-onnx": ("onnx", "feature-extraction", "fp32"),
            "my-mlm-onnx": ("onnx", "fill-mask", "fp32"),
            "my-nli-onnx": ("onnx", _NLI, "fp32"),
        },
    ),
    "docs/browser.md": Assumed({"my-albert": "question-answering"}),
    "docs/contributing/add-a-task.md": Assumed(bundles={"my-classifier": _CLASSIFIER}),
    "docs/contributing/add-an-engine.md": Assumed(bundles={"my-albert-onnx": _QA_BUNDLE}),
    "docs/doctor.md": Assumed(bundles={"my-folder": _CLASSIFIER}, files={"model.onnx": _graph_with_copies}),
    "docs/embedding.md": Assumed(bundles={"my-albert-onnx": _QA_BUNDLE, "my-nli-bundle": ("onnx", _NLI, "fp32")}),
    "docs/evaluation.md": Assumed(
        {"my-albert": "question-answering"},
        {
            "my-albert-tflite-int8": ("tflite", "question-answering", "int8"),
            "my-classifier": _CLASSIFIER,
        },
        {
            "dev-v1.1.json": _labelled("question-answering"),
            "dev-v2.0.json": _squad_2,
            "dev.tsv": _labelled("text-classification"),
        },
    ),
    "docs/languages.md": Assumed({"my-albert": "question-answering"}, files={"my-inputs.txt": "\n".join(_REVIEWS)}),
    "docs/outliers.md": Assumed({"my-albert": "text-classification"}),
    "docs/quantization.md": Assumed(
        {"my-albert": "question-answering"}, files={"dev-v1.1.json": _labelled("question-answering")}
    ),
    "docs/sensitivity.md": Assumed({"my-albert": "question-answering"}, files={"my-inputs.txt": "\n".join(_REVIEWS)}),
    "docs/tutorials/another-tools-file.md": Assumed(
        {"my-albert": "text-classification"}, files={"model.onnx": _graph_with_copies}
    ),
    "docs/tutorials/checkpoint-to-app.md": Assumed(
        {"my-albert": "question-answering"}, files={"dev.json": _labelled("question-answering")}
    ),
    "docs/tutorials/cpu-script.md": Assumed(
        bundles={"my-classifier": _CLASSIFIER},
        files={"reviews.txt": "\n".join(_REVIEWS), "reviews.csv": _REVIEWS_CSV},
    ),
    "docs/raspberry-pi.md": Assumed({"my-albert": "text-classification"}),
    "docs/vectors.md": Assumed(bundles={"my-bundle": _QA_BUNDLE}),
    "docs/tflite.md": Assumed({"my-albert": "question-answering", "my-classifier": "text-classification"}),
}


def prepare(page: str, folder: Path, demo_bundle_of: DemoBundleOf, built_once: BuiltOnce) -> None:
    """Put into `folder` what `page` assumes."""
    assumed = _ASSUMED.get(page, Assumed())
    for name, task in assumed.checkpoints.items():
        if task == _NLI:
            _nli_checkpoint(folder / name)
        else:
            shutil.copytree(demo_checkpoint(task), folder / name)
    for name, (model_format, task, precision) in assumed.bundles.items():
        shared = (
            built_once("docs-nli-bundle", _nli_bundle)
            if task == _NLI
            else demo_bundle_of(model_format, task, precision)
        )
        shutil.copytree(shared, folder / name)
    for name, content in assumed.files.items():
        if isinstance(content, str):
            (folder / name).write_text(content, encoding="utf-8")
        else:
            content(folder / name)


def _nli_checkpoint(folder: Path) -> Path:
    """The demo for text classification, with labels that are called like those of a model for inference."""
    shutil.copytree(demo_checkpoint("text-classification"), folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    labels = {"0": "contradiction", "1": "entailment"}
    config.update(id2label=labels, label2id={name: int(number) for number, name in labels.items()})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _nli_bundle(folder: Path) -> None:
    from albert_export.export import export_onnx

    checkpoint = _nli_checkpoint(folder.with_name("docs-nli-checkpoint"))
    export_onnx(checkpoint, folder)
    shutil.rmtree(checkpoint)
