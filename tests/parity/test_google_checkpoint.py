"""Google's TF1 checkpoints give the weights of the Hugging Face folder with the same numbers."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from albert_export.checkpoints import read_checkpoint, write_checkpoint
from albert_export.checkpoints.weight_names import ENCODER, HEADS
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, DependencyError, UnsupportedError

tf = pytest.importorskip("tensorflow")

GOOGLE_CONFIG = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 16,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 37,
    "max_position_embeddings": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 50,
}
HEAD_VARIABLES = {
    "pretraining": {
        "cls/predictions/transform/dense/kernel": (32, 16),
        "cls/predictions/transform/dense/bias": (16,),
        "cls/predictions/transform/LayerNorm/gamma": (16,),
        "cls/predictions/transform/LayerNorm/beta": (16,),
        "cls/predictions/output_bias": (50,),
        "cls/seq_relationship/output_weights": (2, 32),
        "cls/seq_relationship/output_bias": (2,),
    },
    "squad": {"cls/squad/output_weights": (2, 32), "cls/squad/output_bias": (2,)},
    "classifier": {"output_weights": (3, 32), "output_bias": (3,)},
    "race": {"output_weights": (1, 32), "output_bias": (1,)},
    "squad v2": {
        "start_logits/dense/kernel": (32, 1),
        "start_logits/dense/bias": (1,),
        "end_logits/dense_0/kernel": (64, 32),
        "end_logits/LayerNorm/gamma": (32,),
        "answer_class/dense_1/kernel": (32, 1),
    },
    "none": {},
}


def encoder_variables(config) -> dict[str, tuple[int, ...]]:
    """Names and shapes as google-research/albert modeling.py makes them, written out by hand."""
    embedding, hidden, inner = config["embedding_size"], config["hidden_size"], config["intermediate_size"]
    variables: dict[str, tuple[int, ...]] = {
        "bert/embeddings/word_embeddings": (config["vocab_size"], embedding),
        "bert/embeddings/token_type_embeddings": (2, embedding),
        "bert/embeddings/position_embeddings": (config["max_position_embeddings"], embedding),
        "bert/embeddings/LayerNorm/beta": (embedding,),
        "bert/embeddings/LayerNorm/gamma": (embedding,),
        "bert/pooler/dense/kernel": (hidden, hidden),
        "bert/pooler/dense/bias": (hidden,),
    }
    if embedding != hidden:
        variables["bert/encoder/embedding_hidden_mapping_in/kernel"] = (embedding, hidden)
        variables["bert/encoder/embedding_hidden_mapping_in/bias"] = (hidden,)
    for group in range(config["num_hidden_groups"]):
        for number in range(config["inner_group_num"]):
            scope = f"bert/encoder/transformer/group_{group}/inner_group_{number}"
            for name in ("query", "key", "value"):
                variables[f"{scope}/attention_1/self/{name}/kernel"] = (hidden, hidden)
                variables[f"{scope}/attention_1/self/{name}/bias"] = (hidden,)
            variables[f"{scope}/attention_1/output/dense/kernel"] = (hidden, hidden)
            variables[f"{scope}/attention_1/output/dense/bias"] = (hidden,)
            variables[f"{scope}/ffn_1/intermediate/dense/kernel"] = (hidden, inner)
            variables[f"{scope}/ffn_1/intermediate/dense/bias"] = (inner,)
            variables[f"{scope}/ffn_1/intermediate/output/dense/kernel"] = (inner, hidden)
            variables[f"{scope}/ffn_1/intermediate/output/dense/bias"] = (hidden,)
            for norm in ("LayerNorm", "LayerNorm_1"):
                variables[f"{scope}/{norm}/gamma"] = (hidden,)
                variables[f"{scope}/{norm}/beta"] = (hidden,)
    return variables


def random_variables(head="pretraining", **settings) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = encoder_variables({**GOOGLE_CONFIG, **settings}) | HEAD_VARIABLES[head]
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def save(folder, variables, name="model.ckpt-best", *, slots=True, **settings) -> None:
    """A checkpoint as TF1 training leaves it: V2 files, with the optimizer's slots and the step."""
    folder.mkdir(exist_ok=True)
    (folder / "albert_config.json").write_text(json.dumps({**GOOGLE_CONFIG, **settings}))
    tensors = dict(variables)
    if slots:
        for variable, array in variables.items():
            tensors[f"{variable}/adam_m"] = np.zeros_like(array)
            tensors[f"{variable}/adam_v"] = np.zeros_like(array)
        tensors["global_step"] = np.array(125_000, np.int64)
    tf.raw_ops.SaveV2(
        prefix=str(folder / name),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(array) for array in tensors.values()],
    )


def hugging_face_twin(variables, head="pretraining", **settings):
    """transformers' model with the same numbers, set attribute by attribute: no table of names is used."""
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


def test_the_table_has_every_name_once():
    rows = [*ENCODER, *(row for head in HEADS.values() for row in head)]
    assert len({row.hugging_face for row in rows}) == len(rows) == len({row.google for row in rows})


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
    save(tmp_path / "google", variables)
    hugging_face_twin(variables, head).save_pretrained(tmp_path / "hf")
    google, hugging_face = read_checkpoint(tmp_path / "google"), read_checkpoint(tmp_path / "hf")

    # Google always keeps the pooler; Hugging Face's question answering has none.
    pooler = {"albert.pooler.weight", "albert.pooler.bias"} if head == "squad" else ()
    assert_same(google.weights, hugging_face.weights, without=pooler)
    assert google.tasks == tasks
    assert google.config.hidden_act == "gelu_new"
    assert google.config.num_labels == {"classifier": 3, "race": 1}.get(head, 2)


@pytest.mark.parametrize(("groups", "inner"), [(2, 1), (1, 2), (3, 2)])
def test_groups_and_inner_layers(tmp_path, groups, inner):
    settings = {"num_hidden_groups": groups, "inner_group_num": inner, "num_hidden_layers": 6}
    variables = random_variables(**settings)
    save(tmp_path / "google", variables, **settings)
    hugging_face_twin(variables, **settings).save_pretrained(tmp_path / "hf")
    assert_same(read_checkpoint(tmp_path / "google").weights, read_checkpoint(tmp_path / "hf").weights)


def test_a_tf1_saver_writes_the_same(tmp_path):
    """The files of `tf.train.Saver`, Adam's own slots and its meta graph included."""
    variables = random_variables("squad")
    save(tmp_path / "google", variables)
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


def test_it_can_be_written_for_transformers(tmp_path):
    import torch
    import transformers

    variables = random_variables()
    save(tmp_path / "google", variables)
    checkpoint = read_checkpoint(tmp_path / "google")
    write_checkpoint(tmp_path / "hf", checkpoint.config, checkpoint.weights)
    model, loading = transformers.AlbertForPreTraining.from_pretrained(tmp_path / "hf", output_loading_info=True)
    assert not any(loading.values()), loading
    ids = torch.randint(5, 50, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for ours, theirs in zip(
            model.eval()(ids).to_tuple(), hugging_face_twin(variables)(ids).to_tuple(), strict=True
        ):
            assert torch.equal(ours, theirs)


def test_equal_sizes_need_no_mapping(tmp_path):
    """Google's encoder takes the embeddings as they are when embedding_size is hidden_size."""
    variables = random_variables("squad", embedding_size=32)
    assert "bert/encoder/embedding_hidden_mapping_in/kernel" not in variables
    save(tmp_path, variables, embedding_size=32)
    weights = read_checkpoint(tmp_path).weights
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.weight"], np.eye(32))
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.bias"], np.zeros(32))


def test_tf_hub_names(tmp_path):
    variables = random_variables()
    save(tmp_path / "hub", {f"module/{name}": array for name, array in variables.items()}, slots=False)
    save(tmp_path / "google", variables)
    assert_same(read_checkpoint(tmp_path / "hub").weights, read_checkpoint(tmp_path / "google").weights)


def test_vocabulary_and_unknown_fields(tmp_path):
    save(tmp_path, random_variables())
    (tmp_path / "30k-clean.model").write_bytes(b"pieces")
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.vocab_file == tmp_path / "30k-clean.model"
    assert checkpoint.config.extra["net_structure_type"] == 0
    assert AlbertConfig.from_dict(checkpoint.config.to_dict()) == checkpoint.config


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["model.ckpt-9", "model.ckpt-1000"], "model.ckpt-1000"),
        (["model.ckpt-1000", "model.ckpt-best"], "model.ckpt-best"),
        (["model.ckpt", "model.ckpt-0"], "model.ckpt-0"),
    ],
)
def test_which_of_several_is_read(tmp_path, names, read):
    for name in names:
        variables = random_variables("none")
        variables["bert/pooler/dense/bias"][:] = name == read
        save(tmp_path, variables, name, slots=False)
    assert read_checkpoint(tmp_path).weights["albert.pooler.bias"].all()


def test_missing_and_left_over_variables_are_reported_together(tmp_path):
    variables = random_variables(num_hidden_groups=2)
    del variables["bert/embeddings/LayerNorm/beta"]
    del variables["cls/predictions/output_bias"]
    save(tmp_path, variables)  # the configuration says one group
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path)
    message = str(caught.value)
    assert "missing: bert/embeddings/LayerNorm/beta" in message
    assert "missing: cls/predictions/output_bias" in message
    assert message.count("left over: bert/encoder/transformer/group_1/inner_group_0/") == 16
    assert message.count("\n") == 18
    assert "adam" not in message


def test_squad_v2_head_is_refused_only_where_it_is_asked_for(tmp_path):
    save(tmp_path, random_variables("squad v2"))
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.tasks == ("feature-extraction",)
    shapes = {name: array.shape for name, array in checkpoint.weights.items()}
    assert checkpoint.weights_for("feature-extraction", shapes).keys() == shapes.keys()
    with pytest.raises(UnsupportedError, match="Google's SQuAD 2 head") as caught:
        checkpoint.weights_for("qa", {**shapes, "qa_outputs.weight": (2, 32), "qa_outputs.bias": (2,)})
    assert caught.value.exit_code == 3


def test_wrong_size(tmp_path):
    save(tmp_path, random_variables(vocab_size=51))
    with pytest.raises(CheckpointError, match="vocab_size is 50"):
        read_checkpoint(tmp_path)


def test_not_finite(tmp_path):
    variables = random_variables()
    variables["bert/pooler/dense/bias"][3] = np.nan
    save(tmp_path, variables)
    with pytest.raises(CheckpointError, match=r"albert\.pooler\.bias has values that are not finite"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("damage", ["no data", "short data", "short index", "empty index"])
def test_damaged_files(tmp_path, damage):
    save(tmp_path, random_variables())
    data, index = tmp_path / "model.ckpt-best.data-00000-of-00001", tmp_path / "model.ckpt-best.index"
    if damage == "no data":
        data.unlink()
    elif damage == "short data":
        data.write_bytes(data.read_bytes()[:5000])
    elif damage == "short index":
        index.write_bytes(index.read_bytes()[:500])
    else:
        index.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"model\.ckpt-best is damaged or incomplete"):
        read_checkpoint(tmp_path)


def test_flipped_bytes(tmp_path):
    save(tmp_path, random_variables(), slots=False)
    data = tmp_path / "model.ckpt-best.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 0xFF
    data.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)


def test_without_configuration(tmp_path):
    save(tmp_path, random_variables())
    (tmp_path / "albert_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds model\.ckpt-best\.index, but no config\.json"):
        read_checkpoint(tmp_path)


def test_without_tensorflow(tmp_path, monkeypatch):
    save(tmp_path, random_variables())
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DependencyError, match=r"pip install 'albert-export\[tf\]'") as caught:
        read_checkpoint(tmp_path)
    assert caught.value.exit_code == 4
