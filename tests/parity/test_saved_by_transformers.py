"""Checkpoints of every class that transformers 4.57 and 5 saved: the same ids, and the same outputs."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch

from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.checkpoint import default_task
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.reference.registry import build_reference
from albert_runtime.tasks import TASKS
from tests.tokenizer_json import VOCABULARY
from tests.virtual_environment import new_environment, run_in

TEXTS = [
    ["This is a (test), 1,999, or so."],
    ["``Quoted'' words - and a café, said ALICE."],
    ["tab\there  and\nlines [MASK] £5"],
    ["What is it?", "It is a (long) answer, in 1999, of 9,9."],
]
CLASSES = [task.architecture for task in TASKS.values()]
_SAVE = Path(__file__).with_name("save_with_transformers.py")


@pytest.fixture(scope="module", params=["4", "5"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the checkpoints of one version of transformers."""
    folder = tmp_path_factory.mktemp(f"transformers{request.param}")
    site_packages = str(metadata.distribution("torch").locate_file(""))
    asked = folder / "request.json"
    asked.write_text(
        json.dumps(
            {
                "folder": str(folder),
                "vocabulary": str(VOCABULARY),
                "site_packages": site_packages,
                "classes": CLASSES,
                "texts": TEXTS,
            }
        )
    )
    python = sys.executable
    if request.param == "5":
        requirements = ["transformers>=5,<6", "protobuf", "sentencepiece"]
        python = new_environment(folder / "environment", requirements, may_lack="transformers")
    ran = run_in(python, str(_SAVE), str(asked))
    shutil.rmtree(folder / "environment", ignore_errors=True)
    assert ran.returncode == 0, ran.stderr
    assert (folder / "version").read_text().startswith(request.param)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_ids_and_outputs(saved: Path, name: str) -> None:
    checkpoint = read_checkpoint(saved / name)
    tokenizer = load_tokenizer(checkpoint)
    task = default_task(checkpoint)
    assert task.architecture == name
    reference = build_reference(checkpoint, task.name).eval()
    expected = np.load(saved / name / "expected.npz")
    for number, texts in enumerate(TEXTS):
        encoding = tokenizer(*texts, truncation=True, max_length=64)
        assert encoding["input_ids"] == expected[f"{number}/ids"][0].tolist(), texts
        arrays = encoding.to_arrays()
        if name.endswith("MultipleChoice"):
            arrays = {key: np.repeat(array[:, None], 2, axis=1) for key, array in arrays.items()}
        with torch.no_grad():
            outputs = reference(**{key: torch.from_numpy(array) for key, array in arrays.items()})
        for key in expected.files:
            if key.startswith(f"{number}/out/"):
                ours = getattr(outputs, key.split("/")[-1]).numpy()
                np.testing.assert_allclose(ours, expected[key], atol=1e-5, rtol=1e-5, err_msg=f"{texts} {key}")
