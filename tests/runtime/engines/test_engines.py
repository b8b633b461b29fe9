from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import os
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from albert_runtime.engines import Engine, installed_engines, open_engine
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.engines.cores import usable_cores
from albert_runtime.engines.onnx_engine import OnnxEngine
from albert_runtime.errors import BundleError, DependencyError, OperatorError, UnsupportedError, UsageError
from albert_runtime.tasks import INPUT_NAMES
from tests.runtime.lookup_graph import lookup_graph
from tests.runtime.tiny_bundle import question_answering_graph, serialized


@pytest.fixture
def model_file(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(question_answering_graph())
    return file


def ids(*rows):
    array = np.array(rows, np.int64)
    return {"input_ids": array, "attention_mask": np.ones_like(array), "token_type_ids": np.zeros_like(array)}


class TestOpenEngine:
    def test_chooses_by_suffix(self, model_file):
        engine = open_engine(model_file, threads=1)
        assert isinstance(engine, OnnxEngine)
        assert isinstance(engine, Engine)
        assert engine.threads == 1

    def test_a_name_wins_over_the_suffix(self, model_file):
        other = model_file.rename(model_file.with_suffix(".graph"))
        assert open_engine(other, name="onnx").name == "onnx"

    def test_unknown_files_and_names(self, tmp_path, model_file):
        with pytest.raises(
            UnsupportedError, match=r"no engine runs a file like model\.pt; supported: \.onnx, \.tflite$"
        ):
            open_engine(tmp_path / "model.pt")
        with pytest.raises(UsageError, match="no engine 'tpu'; the engines are: onnx, litert, tflite-runtime, tf-lite"):
            open_engine(model_file, name="tpu")

    @pytest.mark.parametrize(
        ("file", "name", "able"), [("model.onnx", "litert", "onnx"), ("model.tflite", "onnx", "litert")]
    )
    def test_an_engine_that_can_not_run_such_a_file_says_which_can(self, tmp_path, file, name, able):
        with pytest.raises(UnsupportedError, match=rf"'{name}' .* can't run {file}.*engine='{able}' .*--engine {able}"):
            open_engine(tmp_path / file, name=name)

    def test_the_first_engine_that_is_installed_runs_the_file_and_is_named_in_the_log(
        self, tmp_path, monkeypatch, caplog
    ):
        file = tmp_path / "model.tflite"
        file.write_bytes(lookup_graph("text-classification", (-1, -1)))
        with caplog.at_level(logging.INFO, "albert_runtime"):
            assert open_engine(file).name == "litert"
        assert caplog.messages == [f"{file} is run by litert {importlib.metadata.version('ai-edge-litert')}"]

        # The old package has the same interface as its successor, which stands in for it here.
        successor = importlib.import_module("ai_edge_litert.interpreter")
        monkeypatch.setitem(sys.modules, "tflite_runtime", types.SimpleNamespace(__version__="2.14.0"))
        monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", successor)
        assert open_engine(file).name == "litert"
        monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
        engine = open_engine(file)
        assert (engine.name, engine.version) == ("tflite-runtime", "2.14.0")

    def test_missing_packages_are_named_with_their_pip_lines(self, tmp_path, monkeypatch):
        for module in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(DependencyError) as caught:
            open_engine(tmp_path / "model.tflite")
        message = str(caught.value)
        assert message.startswith("model.tflite needs one of what can't be imported:")
        assert [line.split(": pip")[-1] for line in message.splitlines()[1:]] == [
            " install ai-edge-litert",
            " install tflite-runtime 'numpy<2' (Linux, Python 3.11 or older)",
            " install tensorflow",
        ]
        with pytest.raises(DependencyError, match=r"(?s)needs what can't be imported:.*pip install tensorflow$"):
            open_engine(tmp_path / "model.tflite", name="tf-lite")

    @pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
    def test_threads(self, model_file, threads):
        with pytest.raises(UsageError, match="threads must be a whole number"):
            open_engine(model_file, threads=threads)

    def test_a_missing_package_is_named_with_its_pip_line(self, model_file, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        monkeypatch.delitem(sys.modules, "albert_runtime.engines.onnx_engine")
        with pytest.raises(DependencyError, match="pip install onnxruntime"):
            open_engine(model_file)

    def test_the_package_alone_imports_no_engine(self):
        engines = "{'onnxruntime', 'ai_edge_litert', 'tensorflow'}"
        code = f"import albert_runtime.engines, albert_runtime.session, sys; assert not {engines} & set(sys.modules)"
        path = os.pathsep.join(entry for entry in sys.path if entry)
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


class TestOnnxEngine:
    def test_binds_by_name_and_ignores_other_arrays(self, model_file):
        engine = OnnxEngine(model_file, threads=1)
        assert engine.input_names == INPUT_NAMES
        assert engine.output_names == ("start_logits", "end_logits")
        inputs = ids([2, 7, 3])
        outputs = engine.run({"more": np.zeros(1), **dict(reversed(inputs.items()))})
        assert list(outputs) == ["start_logits", "end_logits"]
        assert outputs["start_logits"].shape == (1, 3)
        int32 = {name: array.astype(np.int32)[:, ::1] for name, array in inputs.items()}
        np.testing.assert_array_equal(engine.run(int32)["end_logits"], outputs["end_logits"])

    def test_feeds_only_what_the_graph_declares(self, tmp_path):
        graph = helper.make_graph(
            [helper.make_node("Identity", ["input_ids"], ["same"])],
            "g",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "s"])],
            [helper.make_tensor_value_info("same", TensorProto.INT64, ["b", "s"])],
        )
        (tmp_path / "model.onnx").write_bytes(serialized(graph))
        assert OnnxEngine(tmp_path / "model.onnx").run(ids([5, 6]))["same"].tolist() == [[5, 6]]

    def test_lists_all_missing_inputs(self, model_file):
        with pytest.raises(UsageError, match=r"(?s)attention_mask .*tensor\(int64\).*token_type_ids"):
            OnnxEngine(model_file).run({"input_ids": np.zeros((1, 2))})

    def test_shapes_must_fit_the_graph_and_each_other(self, model_file):
        engine = OnnxEngine(model_file)
        with pytest.raises(UsageError, match=r"input_ids is \[3\], the graph declares \['batch_size', 'sequence_l"):
            engine.run(ids(2, 7, 3))
        inputs = ids([2, 7, 3])
        with pytest.raises(UsageError, match=r"attention_mask is \[1, 2\]"):
            engine.run({**inputs, "attention_mask": inputs["attention_mask"][:, :2]})

    def test_inputs_must_be_numbers(self, model_file):
        with pytest.raises(UsageError, match="takes arrays of numbers"):
            OnnxEngine(model_file).run({**ids([1]), "input_ids": np.array([["a"]])})

    def test_an_id_outside_the_vocabulary_is_a_usage_error(self, model_file):
        with pytest.raises(UsageError, match=r"can't run model\.onnx on input_ids \[1, 2\].*5000"):
            OnnxEngine(model_file).run(ids([5000, 1]))

    @pytest.mark.parametrize("content", [b"x", b"not a graph" * 100, question_answering_graph()[:-300]])
    def test_refuses_files_that_are_not_graphs(self, tmp_path, content, capfd):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(BundleError, match=r"onnxruntime \d.* can't load .*model\.onnx"):
            OnnxEngine(tmp_path / "model.onnx")
        assert capfd.readouterr() == ("", "")

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(BundleError, match="can't load"):
            OnnxEngine(tmp_path / "model.onnx")

    def too_new_opset(self):
        model = onnx.load_from_string(question_answering_graph())
        model.opset_import[0].version = 999
        return model.SerializeToString()

    def unknown_operator(self):
        value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
        return serialized(helper.make_graph([helper.make_node("Rhyme", ["x"], ["y"])], "g", value[:1], value[1:]))

    def too_new_format(self):
        model = onnx.load_from_string(question_answering_graph())
        model.ir_version = 999
        return model.SerializeToString()

    @pytest.mark.parametrize("kind", ["too_new_opset", "unknown_operator", "too_new_format"])
    def test_operators_that_onnxruntime_lacks(self, tmp_path, kind):
        (tmp_path / "model.onnx").write_bytes(getattr(self, kind)())
        with pytest.raises(OperatorError, match="pip install --upgrade onnxruntime") as caught:
            OnnxEngine(tmp_path / "model.onnx")
        assert caught.value.exit_code == 9

    def test_inputs_that_no_albert_has(self, tmp_path):
        value = [helper.make_tensor_value_info(name, TensorProto.STRING, [1]) for name in "xy"]
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
        (tmp_path / "model.onnx").write_bytes(serialized(graph))
        with pytest.raises(BundleError, match=r"x: tensor\(string\)"):
            OnnxEngine(tmp_path / "model.onnx")

    def test_threads_share_it(self, model_file):
        engine = OnnxEngine(model_file, threads=2)
        batches = [ids(*np.random.default_rng(seed).integers(0, 200, (3, seed + 2))) for seed in range(24)]
        alone = [engine.run(batch) for batch in batches]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(engine.run, batches * 4))
        for number, outputs in enumerate(together):
            np.testing.assert_array_equal(outputs["start_logits"], alone[number % 24]["start_logits"])


class TestCannedEngine:
    def test_arrays(self):
        engine = CannedEngine("qa", {"start_logits": np.zeros((1, 2)), "end_logits": np.ones((1, 2))})
        assert isinstance(engine, Engine)
        outputs = engine.run(ids([1, 2]))
        assert outputs["end_logits"].dtype == np.float32
        assert engine.runs[0]["input_ids"].tolist() == [[1, 2]]

    def test_function(self):
        engine = CannedEngine("cls", lambda inputs: {"logits": inputs["input_ids"] * 2})
        assert engine.run(ids([1, 2]))["logits"].tolist() == [[2, 4]]


class TestUsableCores:
    def quota(self, tmp_path, membership, files):
        for name, content in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        (tmp_path / "self").write_text(membership)
        return usable_cores(tmp_path / "cgroup", tmp_path / "self")

    @pytest.fixture(autouse=True)
    def sixteen_cores(self, monkeypatch):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)

    def test_version_2(self, tmp_path):
        assert self.quota(tmp_path, "0::/", {"cpu.max": "150000 100000\n"}) == 2

    def test_the_smallest_quota_of_all_parent_groups_counts(self, tmp_path):
        files = {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n", "cpu.max": "max 100000\n"}
        assert self.quota(tmp_path, "0::/a/b", files) == 3

    def test_version_1(self, tmp_path):
        files = {"cpu,cpuacct/box/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n"}
        assert self.quota(tmp_path, "4:cpu,cpuacct:/box\n3:memory:/box\n", files) == 1

    def test_version_1_without_a_limit(self, tmp_path):
        files = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}
        assert self.quota(tmp_path, "4:cpu:/\n", files) == 16

    @pytest.mark.parametrize("content", ["", "max", "a b", "100000 0", "-5 100000"])
    def test_unreadable_quotas_are_ignored(self, tmp_path, content):
        assert self.quota(tmp_path, "0::/\nno colons\n", {"cpu.max": content}) == 16

    def test_without_control_groups(self, tmp_path):
        assert usable_cores(tmp_path, tmp_path / "absent") == 16

    def test_without_affinity(self, tmp_path, monkeypatch):
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.setattr(os, "cpu_count", lambda: 6)
        assert usable_cores(tmp_path, tmp_path / "absent") == 6


def test_the_installed_engines_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_engines("model.onnx") == ["onnx"]
    assert installed_engines("model.tflite")[0] == "litert"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "tensorflow" else None)
    assert installed_engines("model.tflite") == ["tf-lite"]
    assert installed_engines("model.onnx") == []
    with pytest.raises(UnsupportedError, match=r"no engine runs a file like model\.pt"):
        installed_engines("model.pt")
