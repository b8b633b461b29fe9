"""AutoTokenizer of transformers 4.57 and 5 gives the inputs of this project's tokenizer, and the types of tokens."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.demos import demo_checkpoint
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import TASKS
from tests.clients.environments import SCRIPTS, python_client, run_client
from tests.clients.rows import Record, Row
from tests.clients.versions import TRANSFORMERS_5, version_of
from tests.tokenizer_json import VOCABULARY
from tests.wordpiece_vocabulary import write_vocabulary

pytestmark = pytest.mark.clients

TEXTS = [["Clara lives in Lisbon."], ["Where does Clara live?", "Clara (a baker) lives in Lisbon, 1999."]]
_NOTE = "The ids and types of tokens are the runtime's. All precisions have the same tokenizer."
_CLIENTS = {"4": "transformers 4, AutoTokenizer", "5": "transformers 5, AutoTokenizer"}


@pytest.mark.parametrize("major", _CLIENTS)
def test_inputs(major: str, tmp_path: Path, record: Record) -> None:
    if major == "5":
        python, version = python_client("transformers-5", [TRANSFORMERS_5], shared=False), version_of(TRANSFORMERS_5)
    else:
        python, version = Path(sys.executable), metadata.version("transformers")
    tokenizers = {task: load_tokenizer(read_checkpoint(demo_checkpoint(task))) for task in TASKS}
    tokenizers["without types"] = AlbertTokenizer(VOCABULARY, gives_token_type_ids=False)
    write_vocabulary(tmp_path / "vocab.txt")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    tokenizers["WordPiece"] = AlbertTokenizer.from_folder(tmp_path)
    assert tokenizers["WordPiece"].wordpiece is not None
    for name, tokenizer in tokenizers.items():
        (tmp_path / name).mkdir()
        write_tokenizer(tokenizer, tmp_path / name)
        # in the layout "hub", config.json of token classification says "bert", for transformers.js
        kind = "bert" if name == "token-classification" else "albert"
        (tmp_path / name / "config.json").write_text(json.dumps({"model_type": kind}))
    request = {"folders": [str(tmp_path / name) for name in tokenizers], "texts": TEXTS}
    found = run_client(python, SCRIPTS / "run_auto_tokenizer.py", request)
    assert found["version"] == version
    for (name, tokenizer), inputs in zip(tokenizers.items(), found["inputs"], strict=True):
        for texts, given in zip(TEXTS, inputs, strict=True):
            expected = {kind: list(ids) for kind, ids in tokenizer(*texts).items()}
            if name == "without types":
                assert "token_type_ids" not in given
                del expected["token_type_ids"]
            assert given == expected, (name, texts)
            assert name == "without types" or set(given["token_type_ids"]) == set(range(len(texts))), (name, texts)
    for task in TASKS:
        record(Row(_CLIENTS[major], version, task, "onnx", "fp32", True, True, _NOTE))
