"""Sessions that are pickled or copied open their bundle again."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shutil

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines import open_engine
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import AlbertError, BundleError, UsageError
from tests.runtime.lookup_graph import lookup_graph
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest

REQUEST = ("where is the tower?", "the tower stands in paris")
COPIERS = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "deepcopy": copy.deepcopy, "copy": copy.copy}


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())


@pytest.mark.parametrize("copied", COPIERS.values(), ids=COPIERS)
class TestCopies:
    def test_give_the_same_answers(self, bundle, copied):
        session = albert_runtime.load(bundle, threads=2, engine="onnx")
        other = copied(session)
        assert type(other) is type(session)
        assert other is not session
        assert other.engine is not session.engine
        assert (other.engine.name, other.engine.threads) == ("onnx", 2)
        assert other(*REQUEST, top_k=3) == session(*REQUEST, top_k=3)
        assert copied(other)(*REQUEST) == session(*REQUEST)

    def test_open_the_same_bundle_from_another_folder(self, bundle, copied, monkeypatch, tmp_path):
        monkeypatch.chdir(bundle.parent)
        session = albert_runtime.load("bundle")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert copied(session)(*REQUEST) == session(*REQUEST)

    def test_verify_as_the_session_did(self, bundle, copied):
        strict, lenient = albert_runtime.load(bundle), albert_runtime.load(bundle, verify=False)
        (bundle / "model.onnx").write_bytes(question_answering_graph(seed=1))
        with pytest.raises(BundleError, match=r"model\.onnx .* is not the file that was exported"):
            copied(strict)
        assert copied(lenient)(*REQUEST)

    def test_refuse_another_bundle_in_the_same_folder(self, bundle, copied):
        session = albert_runtime.load(bundle)
        (bundle / "model.onnx").write_bytes(question_answering_graph(seed=1))
        write_manifest(bundle, task="question-answering")
        with pytest.raises(
            BundleError, match=r"(?s)is not the bundle .* opened with; .*\n  - model\.onnx\nCopy the same"
        ):
            copied(session)

    def test_say_that_the_folder_must_be_there(self, bundle, copied):
        session = albert_runtime.load(bundle)
        shutil.rmtree(bundle)
        with pytest.raises(UsageError, match="at the same path on every machine"):
            copied(session)

    def test_keep_an_engine_that_runs_a_file(self, bundle, copied):
        session = albert_runtime.load(bundle, engine=open_engine(bundle / "model.onnx", threads=2))
        other = copied(session)
        assert other.engine.threads == 2
        assert other(*REQUEST) == session(*REQUEST)

    def test_refuse_an_engine_that_can_not_be_opened_again(self, bundle, copied):
        zeros = np.zeros((1, 16), np.float32)
        engine = CannedEngine("qa", {"start_logits": zeros, "end_logits": zeros})
        session = albert_runtime.load(bundle, engine=engine)
        with pytest.raises(AlbertError, match=r"CannedEngine .* can't be pickled or copied.*albert_runtime\.load\('/"):
            copied(session)


def test_a_tflite_session_is_copied_too(tmp_path):
    graph = lookup_graph("text-classification", (-1, -1))
    bundle = make_bundle(tmp_path / "bundle", "text-classification", model=graph, model_file="model.tflite")
    session = albert_runtime.load(bundle, engine="litert")
    for copied in COPIERS.values():
        assert copied(session)("a good film") == session("a good film")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_answer_with_a_session(bundle, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system can't {method} processes")
    session = albert_runtime.load(bundle, threads=2)
    contexts = [f"the {word} stands in paris" for word in ("tower", "film", "door", "capital")]
    expected = [session("where?", context) for context in contexts]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(session, [("where?", context) for context in contexts]) == expected
