"""Google's TF1 checkpoints give the same weights as a Hugging Face folder with the same numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from albert_export.checkpoints import read_checkpoint, write_checkpoint

tf = pytest.importorskip("tensorflow")

from tests.google_checkpoint import GOOGLE_CONFIG, random_variables, save_google  # noqa: E402


def hugging_face_model(variables, head="pretraining", **settings):
    """The model of transformers with the same numbers. Each attribute is set by hand, without the table of names."""
    import torch
    import transformers

    architecture = {
        "pretraining": "AlbertForPreTraining",
        "squad": "AlbertForQuestionAnswering",
        "classifier": "AlbertForSequenceClassification",
        "race": "AlbertForMultipleChoice",
    }[head]
    config = {**GOOGLE_CONFIG, **settings, "hidden_act": "gelu_new", "num_labels": 3 if head == "classifier" else 2}
    model = getattr(transformers, architecture)(transformers.AlbertConfig(**config)).eval()

    def fill(parameter, name, *, transpose=False):
        array = variables[name]
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(array.T.copy() if transpose else array))

    def dense(module, scope):
        fill(module.weight, f"{scope}/kernel", transpose=True)
        fill(module.bias, f"{scope}/bias")

    def norm(module, scope):
        fill(module.weight, f"{scope}/gamma")
        fill(module.bias, f"{scope}/beta")

    def output(module, scope):
        fill(module.weight, f"{scope}output_weights")
        fill(module.bias, f"{scope}output_bias")

    albert = model.albert
    for kind in ("word", "position", "token_type"):
        fill(getattr(albert.embeddings, f"{kind}_embeddings").weight, f"bert/embeddings/{kind}_embeddings")
    norm(albert.embeddings.LayerNorm, "bert/embeddings/LayerNorm")
    dense(albert.encoder.embedding_hidden_mapping_in, "bert/encoder/embedding_hidden_mapping_in")
    for i, group in enumerate(albert.encoder.albert_layer_groups):
        for j, layer in enumerate(group.albert_layers):
            scope = f"bert/encoder/transformer/group_{i}/inner_group_{j}"
            for kind in ("query", "key", "value"):
                dense(getattr(layer.attention, kind), f"{scope}/attention_1/self/{kind}")
            dense(layer.attention.dense, f"{scope}/attention_1/output/dense")
            norm(layer.attention.LayerNorm, f"{scope}/LayerNorm")
            dense(layer.ffn, f"{scope}/ffn_1/intermediate/dense")
            dense(layer.ffn_output, f"{scope}/ffn_1/intermediate/output/dense")
            norm(layer.full_layer_layer_norm, f"{scope}/LayerNorm_1")
    if albert.pooler is not None:
        dense(albert.pooler, "bert/pooler/dense")
    if head == "pretraining":
        dense(model.predictions.dense, "cls/predictions/transform/dense")
        norm(model.predictions.LayerNorm, "cls/predictions/transform/LayerNorm")
        fill(model.predictions.bias, "cls/predictions/output_bias")
        output(model.sop_classifier.classifier, "cls/seq_relationship/")
    elif head == "squad":
        output(model.qa_outputs, "cls/squad/")
    else:
        output(model.classifier, "")
    return model


def assert_same(google, hugging_face, *, without=()):
    assert set(google) - set(hugging_face) == set(without)
    for name, array in hugging_face.items():
        np.testing.assert_array_equal(google[name], array, err_msg=name)


@pytest.mark.parametrize(
    ("head", "tasks"),
    [
        ("pretraining", ("feature-extraction", "pretraining", "fill-mask")),
        ("squad", ("feature-extraction", "question-answering")),
        ("classifier", ("feature-extraction", "text-classification")),
        ("race", ("feature-extraction", "text-classification", "multiple-choice")),
    ],
)
def test_weights_are_those_of_hugging_face(tmp_path, head, tasks):
    variables = random_variables(head)
    save_google(tmp_path / "google", variables)
    hugging_face_model(variables, head).save_pretrained(tmp_path / "hf")
    google, hugging_face = read_checkpoint(tmp_path / "google"), read_checkpoint(tmp_path / "hf")

    # Google's checkpoints always have the pooler; Hugging Face's model for question answering has none.
    pooler = {"albert.pooler.weight", "albert.pooler.bias"} if head == "squad" else ()
    assert_same(google.weights, hugging_face.weights, without=pooler)
    assert google.tasks == tasks
    assert google.config.hidden_act == "gelu_new"
    assert google.config.num_labels == {"classifier": 3, "race": 1}.get(head, 2)


@pytest.mark.parametrize("name", ["albert_config.json", "config.json", "albert_base_config.json"])
def test_logits_do_not_depend_on_the_name_of_the_configuration(tmp_path, name):
    """The exact GELU, which Hugging Face means by "gelu", gives other logits than Google's."""
    import torch

    from albert_export.reference.registry import build_reference

    variables = random_variables("squad")
    save_google(tmp_path, variables)
    (tmp_path / "albert_config.json").rename(tmp_path / name)
    ids = torch.randint(5, 50, (2, 7), generator=torch.Generator().manual_seed(0))
    model, theirs = build_reference(read_checkpoint(tmp_path), "qa"), hugging_face_model(variables, "squad")
    with torch.no_grad():
        found = model(ids).start_logits
        torch.testing.assert_close(found, theirs(ids).start_logits, rtol=0, atol=3e-5)
        theirs.albert.encoder.albert_layer_groups[0].albert_layers[0].activation = torch.nn.GELU()
        exact = theirs(ids).start_logits
    assert (found - exact).abs().max() > 2e-4


@pytest.mark.parametrize(("groups", "inner"), [(2, 1), (1, 2), (3, 2)])
def test_groups_and_inner_layers(tmp_path, groups, inner):
    settings = {"num_hidden_groups": groups, "inner_group_num": inner, "num_hidden_layers": 6}
    variables = random_variables(**settings)
    save_google(tmp_path / "google", variables, **settings)
    hugging_face_model(variables, **settings).save_pretrained(tmp_path / "hf")
    assert_same(read_checkpoint(tmp_path / "google").weights, read_checkpoint(tmp_path / "hf").weights)


def test_files_of_a_tf1_saver_give_the_same_weights(tmp_path):
    """The files of `tf.train.Saver` also contain Adam's slots and a meta graph."""
    variables = random_variables("squad")
    save_google(tmp_path / "google", variables)
    (tmp_path / "saver").mkdir()
    (tmp_path / "saver" / "albert_config.json").write_text(json.dumps(GOOGLE_CONFIG))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = [tf.compat.v1.get_variable(name, initializer=array) for name, array in variables.items()]
        step = tf.compat.v1.train.get_or_create_global_step()
        loss = tf.add_n([tf.reduce_sum(variable) for variable in made])
        tf.compat.v1.train.AdamOptimizer().minimize(loss, global_step=step)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "saver" / "model.ckpt"), global_step=step)
    written = dict(tf.train.list_variables(str(tmp_path / "saver" / "model.ckpt-0")))
    assert {"beta1_power", "global_step", "bert/pooler/dense/bias/Adam_1"} <= written.keys()
    assert_same(read_checkpoint(tmp_path / "saver").weights, read_checkpoint(tmp_path / "google").weights)


def test_transformers_opens_a_converted_checkpoint(tmp_path):
    import torch
    import transformers

    variables = random_variables()
    save_google(tmp_path / "google", variables)
    checkpoint = read_checkpoint(tmp_path / "google")
    write_checkpoint(tmp_path / "hf", checkpoint.config, checkpoint.weights)
    model, loading = transformers.AlbertForPreTraining.from_pretrained(tmp_path / "hf", output_loading_info=True)
    assert not any(loading.values()), loading
    ids = torch.randint(5, 50, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for ours, theirs in zip(
            model.eval()(ids).to_tuple(), hugging_face_model(variables)(ids).to_tuple(), strict=True
        ):
            assert torch.equal(ours, theirs)


def test_tf_hub_names(tmp_path):
    variables = random_variables()
    save_google(tmp_path / "hub", {f"module/{name}": array for name, array in variables.items()}, slots=False)
    save_google(tmp_path / "google", variables)
    assert_same(read_checkpoint(tmp_path / "hub").weights, read_checkpoint(tmp_path / "google").weights)
