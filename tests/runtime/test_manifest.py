from __future__ import annotations

import pytest

from albert_runtime.errors import BundleError
from albert_runtime.manifest import FORMAT_VERSION, Manifest

HASH = "0" * 64
FIELDS = {
    "task": "question-answering",
    "model_file": "model.onnx",
    "max_length": 512,
    "files": {"model.onnx": HASH, "config.json": HASH, "spiece.model": HASH},
}


def test_to_dict_and_from_dict_keep_every_field_and_unknown_ones():
    manifest = Manifest(**FIELDS, opset=18, versions={"torch": "2.13.0"}, unknown={"colour": "green"})
    record = manifest.to_dict()
    assert record["format_version"] == FORMAT_VERSION
    assert record["colour"] == "green"
    assert record["labels"] == []
    assert Manifest.from_dict(record) == manifest


def test_reads_the_recipe_search_under_its_older_names():
    trials = [{"recipe": "per-channel", "objections": ["2.0% of the answers differ"]}, {"recipe": "outlier split"}]
    record = Manifest(**FIELDS).to_dict()
    del record["recipe_search"]
    record["fidelity"] = {"texts": "the bundled corpus", "ladder": trials}
    manifest = Manifest.from_dict(record)
    assert manifest.recipe_search == {
        "texts": "the bundled corpus",
        "trials": [
            {"recipe": "per-channel", "violations": ["2.0% of the answers differ"]},
            {"recipe": "outlier split"},
        ],
    }
    assert manifest.unknown == {}
    assert record["fidelity"]["ladder"] == trials  # what was given is left as it was
    assert Manifest.from_dict(manifest.to_dict()) == manifest


def test_a_manifest_from_before_the_recipe_search_is_read():
    record = Manifest(**FIELDS).to_dict()
    del record["recipe_search"]
    assert Manifest.from_dict(record).recipe_search == {}


def test_the_null_threshold_is_a_number_of_question_answering_and_missing_in_older_bundles():
    record = Manifest(**FIELDS, null_threshold=-1.5).to_dict()
    assert Manifest.from_dict(record).null_threshold == record.pop("null_threshold") == -1.5
    assert Manifest.from_dict(record).null_threshold is None
    for wrong in (True, "0", float("nan"), float("inf")):
        with pytest.raises(BundleError, match='"null_threshold" must be a finite number or null'):
            Manifest.from_dict({**record, "null_threshold": wrong})
    with pytest.raises(BundleError, match="does not go with fill-mask"):
        Manifest.from_dict({**record, "task": "fill-mask", "null_threshold": 0.0})


@pytest.mark.parametrize("name", ["recipe_search", "fidelity"])
def test_a_recipe_search_that_is_no_table_is_refused(name):
    record = Manifest(**FIELDS).to_dict()
    del record["recipe_search"]
    with pytest.raises(BundleError, match='"recipe_search" must be a table'):
        Manifest.from_dict({**record, name: "none"})
    assert Manifest.from_dict({**record, name: {"ladder": "none"}}).recipe_search == {"ladder": "none"}


def test_lists_all_wrong_fields_at_once():
    with pytest.raises(BundleError) as caught:
        Manifest(**{**FIELDS, "task": "poetry", "max_length": True, "files": {"model.onnx": "short"}})
    message = str(caught.value)
    assert '"task" must be one of feature-extraction' in message
    assert '"max_length" must be' in message
    assert '"files" must be' in message


def test_lists_all_missing_fields_at_once():
    record = Manifest(**FIELDS).to_dict()
    del record["labels"], record["parity"]
    with pytest.raises(BundleError, match=r'(?s)"labels" is missing.*"parity" is missing'):
        Manifest.from_dict(record)


def test_names_the_required_files_that_have_no_hash():
    with pytest.raises(BundleError, match=r"(?s)no hash for config.json.*no hash for spiece.model"):
        Manifest(**{**FIELDS, "files": {"model.onnx": HASH}})


def test_label_tasks_need_labels():
    with pytest.raises(BundleError, match="token-classification needs the name of each label"):
        Manifest(**{**FIELDS, "task": "token-classification"})


@pytest.mark.parametrize(
    ("version", "advice"),
    [(FORMAT_VERSION + 1, "pip install --upgrade albert-runtime"), (0, "export the model again"), ("1", "export")],
)
def test_refuses_other_format_versions_before_anything_else(version, advice):
    with pytest.raises(BundleError, match=advice) as caught:
        Manifest.from_dict({"format_version": version})
    assert "missing" not in str(caught.value)


@pytest.mark.parametrize("record", [None, [], "text", {}, {"task": "question-answering"}])
def test_refuses_other_json_values(record):
    with pytest.raises(BundleError, match="format_version"):
        Manifest.from_dict(record)


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/../../b", "C:model", "a\\b", "", ".", "a\0"])
def test_file_names_stay_inside_the_bundle(name):
    with pytest.raises(BundleError, match="must be"):
        Manifest(**{**FIELDS, "files": {**FIELDS["files"], name: HASH}})
    with pytest.raises(BundleError, match="must be"):
        Manifest(**{**FIELDS, "model_file": name})
