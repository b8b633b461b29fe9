"""A task is one row in each of two tables: a made-up task works everywhere once it has both rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import Tensor, nn

import albert_runtime
import albert_runtime.cli
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.checkpoint import default_task
from albert_export.config import AlbertConfig
from albert_export.evaluation import evaluate, find_model, read_dataset
from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.decisions import Decision, decide
from albert_export.evaluation.metrics.registry import Measure
from albert_export.export import Exported, export_onnx
from albert_export.reference.outputs import ModelOutput
from albert_export.reference.torch_albert import AlbertModel, AlbertPreTrainedModel
from albert_export.samples.languages import Language
from albert_export.samples.requests import requests_from
from albert_export.tasks import (
    LABELLED_TSV,
    TASK_SPECS,
    LabelledData,
    TaskSpec,
    classifies_several_labels,
    task_of_architecture,
)
from albert_export.verification.verify import verify_bundle
from albert_runtime.answers import Label
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.lazy_import import load_object
from albert_runtime.postprocessing.classification import SINGLE_LABEL, label_text
from albert_runtime.session import AlbertSession, PreparedRequest
from albert_runtime.tasks import BATCH, SEQUENCE, TASKS, Argument, Task, find_task
from tests.conftest import TINY, VOCABULARY

NAME = "sentence-similarity"


@dataclass
class SimilarityOutput(ModelOutput):
    similarity_logits: Any = None


class AlbertForSentenceSimilarity(AlbertPreTrainedModel):
    """Whether two texts mean the same."""

    task = NAME

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.similarity = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, return_dict: bool | None = None
    ) -> Any:
        encoded = self.albert(input_ids, attention_mask, token_type_ids, return_dict=True)
        return self.finish(SimilarityOutput(self.similarity(encoded.pooler_output)), return_dict)


class SentenceSimilaritySession(AlbertSession):
    task = NAME

    def __call__(self, left: str, right: str) -> tuple[Label, ...]:
        return self._answer(self.prepare(left, right))

    def prepare(self, left: str, right: str) -> PreparedRequest[tuple[Label, ...]]:
        def finish(outputs: Sequence[Arrays]) -> tuple[Label, ...]:
            return label_text(outputs[0]["similarity_logits"], self.manifest.labels, SINGLE_LABEL)

        return PreparedRequest((self._encode(left, right),), finish)


def format_similarity(answer: Sequence[Label], request: dict[str, Any]) -> str:
    return f"{request['left']} / {request['right']}: {answer[0].label}"


def sample_pair(line: Callable[[int], str], index: int, short: bool, language: Language) -> dict[str, Any]:
    return {"left": line(0), "right": line(1)}


def pair_of_texts(texts: Sequence[tuple[str, str | None]], index: int, language: Language) -> dict[str, Any]:
    left, right = texts[index]
    return {"left": left, "right": right or left}


def decide_similarity(session: AlbertSession, request: dict[str, Any]) -> Decision:
    best, second = session(**request)
    return Decision.single(best.label, best.score - second.score)


def read_pairs(file: Path, text: str, labels: Sequence[str]) -> Dataset:
    rows = [line.split("\t") for line in text.splitlines()]
    if unknown := [label for _, _, label in rows if label not in labels]:
        raise UsageError(f"unknown labels: {unknown}")
    examples = [Example({"left": left, "right": right}, label) for left, right, label in rows]
    return Dataset(file, NAME, "pairs", examples)


def share_of_right_answers(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    right = sum(example.expected == answer for example, answer in zip(examples, answers, strict=True))
    return {"accuracy": 100 * right / len(answers)}


PAIRS = Measure("accuracy", lambda session, example: decide(session, example.request).answer, share_of_right_answers)

TASK = Task(
    name=NAME,
    aliases=("similarity",),
    architecture="AlbertForSentenceSimilarity",
    input_axes=(BATCH, SEQUENCE),
    outputs={"similarity_logits": (BATCH, "num_labels")},
    session=f"{__name__}:SentenceSimilaritySession",
    formatter=f"{__name__}:format_similarity",
    arguments=(Argument("left", "one text"), Argument("right", "the other text")),
    example='--left "It rained." --right "It was wet."',
    labelled=True,
)
SPEC = TaskSpec(
    references={"torch": f"{__name__}:AlbertForSentenceSimilarity"},
    head=("similarity.",),
    sample_request=f"{__name__}:sample_pair",
    text_request=f"{__name__}:pair_of_texts",
    decide=f"{__name__}:decide_similarity",
    float_head={"similarity": ("similarity_logits",)},
    labelled_data=LabelledData(
        file_format=LABELLED_TSV,
        reader=f"{__name__}:read_pairs",
        reader_arguments=("labels",),
        measures={"pairs": f"{__name__}:PAIRS"},
    ),
)


@pytest.fixture(scope="module", autouse=True)
def rows() -> Iterator[None]:
    """The rows of the made-up task are in both tables while the tests of this module run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, NAME, TASK)
        patch.setitem(TASK_SPECS, NAME, SPEC)
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random checkpoint for the made-up task."""
    folder = tmp_path_factory.mktemp("tasks") / "checkpoint"
    torch.manual_seed(0)
    AlbertForSentenceSimilarity(AlbertConfig(**TINY)).save_pretrained(folder)
    (folder / VOCABULARY.name).write_bytes(VOCABULARY.read_bytes())
    return folder


@pytest.fixture(scope="module")
def exported(checkpoint: Path) -> Exported:
    """The bundle of the checkpoint."""
    return export_onnx(checkpoint, checkpoint.parent / "bundle")


def test_the_checkpoint_is_exported_and_verified(checkpoint: Path, exported: Exported) -> None:
    assert default_task(read_checkpoint(checkpoint)) is find_task("similarity") is TASK
    assert exported.manifest.task == NAME
    assert exported.report.passed
    assert f"ALBERT for {NAME}" in (exported.folder / "README.md").read_text(encoding="utf-8")
    assert verify_bundle(exported.folder, checkpoint).passed


def test_the_bundle_answers(exported: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    session = albert_runtime.load(exported.folder)
    labels = session("It rained.", "It was wet.")
    assert {one.label for one in labels} == set(session.manifest.labels)
    [request] = requests_from([("It rained.", "It was wet.")], TASK)
    decision = decide(session, request)
    assert decision.answer == labels[0].label
    assert decision.margin == pytest.approx(labels[0].score - labels[1].score)

    bundle = str(exported.folder)
    assert albert_runtime.cli.main([bundle, "--left", "It rained.", "It was wet."]) == 0
    assert capsys.readouterr().out == f"It rained. / It was wet.: {labels[0].label}\n"
    assert albert_runtime.cli.main([bundle, "It rained.", "It was wet.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [label.to_dict() for label in labels]
    assert albert_runtime.cli.main([bundle, "It rained."]) == 2
    assert "--right is missing" in capsys.readouterr().err


def test_checkpoint_and_bundle_are_evaluated(checkpoint: Path, exported: Exported, tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("It rained.\tIt was wet.\tLABEL_0\nShe sang.\tHe slept.\tLABEL_1\n", encoding="utf-8")
    evaluations = []
    for folder in (checkpoint, exported.folder):
        model = find_model(folder)
        dataset = read_dataset(file, model.task, labels=model.labels)
        evaluations.append(evaluate(model.open(), dataset))
    assert [one.primary for one in evaluations] == ["accuracy", "accuracy"]
    assert evaluations[0].answers == evaluations[1].answers
    assert evaluations[0].score in (0, 50, 100)
    with pytest.raises(UsageError, match=r"pairs.tsv: unknown labels: \['LABEL_0', 'LABEL_1'\]"):
        read_dataset(file, NAME, labels=("other",))


def test_the_head_stays_in_float(checkpoint: Path, tmp_path: Path) -> None:
    # A budget of 100 points accepts any answers, because a random model is undecided about all of them.
    export_onnx(checkpoint, tmp_path / "bundle", precision="int8", max_drop=100)
    types = {one.name: one.data_type for one in onnx.load(tmp_path / "bundle" / "model.onnx").graph.initializer}
    assert types["similarity.weight"] == onnx.TensorProto.FLOAT
    assert onnx.TensorProto.INT8 in types.values() or onnx.TensorProto.UINT8 in types.values()


def test_both_tables_have_the_same_tasks_and_refer_to_what_exists() -> None:
    assert set(TASK_SPECS) == set(TASKS)
    for name, spec in TASK_SPECS.items():
        assert spec.references["torch"].endswith(f":{TASKS[name].architecture}")
        assert {output for outputs in spec.float_head.values() for output in outputs} <= set(TASKS[name].outputs)
        references = [*spec.references.values(), spec.sample_request, spec.text_request, spec.decide]
        if spec.labelled_data is not None:
            references += [spec.labelled_data.reader, *spec.labelled_data.measures.values()]
        for reference in references:
            assert load_object(reference) is not None


@pytest.mark.parametrize("task", TASKS.values())
def test_every_class_tells_its_task(task: Task) -> None:
    assert task_of_architecture(task.architecture) is task


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("AlbertForMultiLabelSequenceClassification", "text-classification"),
        ("AlbertForMultilabelSequenceClassification", "text-classification"),
        ("MyAlbertForTokenClassification", "token-classification"),
        ("TFAlbertForPreTraining", "pretraining"),
        ("FlaxAlbertForMaskedLM", "fill-mask"),
        ("AlbertForJointTokenClassificationAndSequenceClassification", None),
        ("MyAlbertModel", None),
        ("AlbertForRanking", None),
        ("", None),
    ],
)
def test_the_task_of_a_class_that_is_named_after_a_known_one(name: str, task: str | None) -> None:
    found = task_of_architecture(name)
    assert (found and found.name) == task


def test_classes_for_several_labels() -> None:
    names = {
        "AlbertForMultiLabelSequenceClassification": True,
        "AlbertForMulti_LabelSequenceClassification": True,
        "AlbertForSequenceClassification": False,
        "AlbertForMultiLabelTokenClassification": False,
    }
    assert {name: classifies_several_labels(name) for name in names} == names
