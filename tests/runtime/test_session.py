from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import BundleError, UnsupportedError, UsageError
from albert_runtime.sessions.question_answering import QuestionAnsweringSession
from albert_runtime.sessions.text_classification import TextClassificationSession
from albert_runtime.tasks import INPUT_NAMES
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest


def by_token(session, scores, shape=()):
    """Outputs `[batch, sequence, *shape]`: the row of `scores` for each piece, zeros elsewhere."""

    def answer(inputs):
        rows = np.zeros((*inputs["input_ids"].shape, *shape), np.float32)
        for piece, row in scores.items():
            rows[inputs["input_ids"] == session.tokenizer.convert_tokens_to_ids([piece])[0]] = row
        return rows

    return answer


def canned(tmp_path, task, answer, **fields):
    """A session for `task` whose engine returns `answer(session, inputs)`."""
    engine = CannedEngine(task, lambda inputs: answer(session, inputs))
    session = albert_runtime.load(make_bundle(tmp_path / "bundle", task, **fields), engine=engine)
    return session


class TestLoading:
    def test_load_returns_the_session_of_the_task(self, tmp_path):
        bundle = make_bundle(tmp_path, "question-answering", model=question_answering_graph())
        session = albert_runtime.load(str(bundle), threads=1)
        assert isinstance(session, QuestionAnsweringSession)
        assert (session.task, session.manifest.task, session.engine.name) == (*["question-answering"] * 2, "onnx")
        assert session.engine.threads == 1
        assert "QuestionAnsweringSession" in repr(session)

    def test_a_session_of_another_task_refuses_the_bundle(self, tmp_path):
        with pytest.raises(BundleError, match="for question-answering, not for text-classification"):
            TextClassificationSession(make_bundle(tmp_path, "question-answering"))

    def test_a_changed_byte_is_refused_unless_verify_is_false(self, tmp_path):
        bundle = make_bundle(tmp_path, "question-answering", model=question_answering_graph(seed=0))
        (bundle / "model.onnx").write_bytes(question_answering_graph(seed=1))
        with pytest.raises(BundleError, match=r"model\.onnx .* is not the file that was exported"):
            albert_runtime.load(bundle)
        assert albert_runtime.load(bundle, verify=False)("where?", "in Paris").text

    def test_parts_that_do_not_fit_are_listed_together(self, tmp_path):
        bundle = make_bundle(
            tmp_path, "text-classification", config={"vocab_size": 5, "max_position_embeddings": 16}, max_length=64
        )
        with pytest.raises(BundleError) as caught:
            albert_runtime.load(bundle, engine=CannedEngine("qa", {}))
        message = str(caught.value)
        assert "model.onnx has no output logits, which text-classification needs" in message
        assert "pieces, config.json says that the model has 5" in message
        assert "manifest.json allows 64 tokens, config.json 16" in message

    def test_a_damaged_vocabulary(self, tmp_path):
        bundle = make_bundle(tmp_path, "text-classification")
        (bundle / "spiece.model").write_bytes(b"")
        with pytest.raises(UnsupportedError, match=r"spiece\.model"):
            albert_runtime.load(bundle, verify=False, engine=CannedEngine("cls", {}))


def test_run_computes_the_graph_alone(tmp_path):
    bundle = make_bundle(tmp_path, "question-answering", model=question_answering_graph())
    session = albert_runtime.load(bundle)
    arrays = session.arrays("where?", "the tower stands in Paris")
    assert tuple(arrays) == INPUT_NAMES
    outputs = session.run(arrays)
    assert {name: array.shape for name, array in outputs.items()} == dict.fromkeys(
        ("start_logits", "end_logits"), arrays["input_ids"].shape
    )
    with pytest.raises(UsageError, match="token_type_ids"):
        session.run({"input_ids": arrays["input_ids"], "attention_mask": arrays["attention_mask"]})


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "text is empty; give it"),
            (" \n\t", "text is empty but for white space"),
            (None, "text must be a str, not NoneType"),
            (b"bytes", r"not bytes; decode it first: text\.decode\('utf-8'\)"),
            (("a", "tuple"), "must be a str, not tuple"),
        ],
    )
    def test_values_that_are_not_texts(self, tmp_path, text, message):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))})
        with pytest.raises(UsageError, match=message):
            session(text)

    @pytest.mark.parametrize("text", ["\ud800", "a\0b", "\udfff film \0", "\x07", "\u200b", "❤️", "٣"])
    def test_strange_characters_are_texts(self, tmp_path, text):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))})
        assert len(session(text)) == 2

    def test_truncation_is_logged_once_with_the_counts(self, tmp_path, caplog):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))})
        with caplog.at_level(logging.WARNING, "albert_runtime"):
            session("film " * 100)
            session("film " * 300)
        assert [record.getMessage() for record in caplog.records] == [
            "the text has 102 tokens and the model takes 64: 38 tokens at the end were left out "
            "(said once for each session)"
        ]
        assert session.engine.runs[0]["input_ids"].shape == (1, 64)

    def test_what_is_far_behind_the_limit_is_not_tokenized(self, tmp_path, caplog, monkeypatch):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))})
        tokenized = []
        tokenize = type(session.tokenizer).__call__

        def record(tokenizer, *texts, **options):
            tokenized.append(max(len(text) for text in texts if text is not None))
            return tokenize(tokenizer, *texts, **options)

        monkeypatch.setattr(type(session.tokenizer), "__call__", record)
        text = ("a good film, \u0301 " * 700_000)[:10_000_000]
        with caplog.at_level(logging.WARNING, "albert_runtime"):
            session(text)
            session("short", text)
            session(text, text)
        assert max(tokenized) < 1000
        assert "the text has more than " in caplog.text
        for run, texts in zip(session.engine.runs, ((text,), ("short", text), (text, text)), strict=True):
            whole = [one[:20_000] for one in texts]
            expected = session.tokenizer(*whole, truncation=True, max_length=64).encodings[0]
            assert run["input_ids"].tolist() == [list(expected.ids)]

    def test_an_added_token_may_hold_several_words(self, tmp_path):
        folder = make_bundle(tmp_path, "text-classification")
        size = AlbertTokenizer.from_folder(folder).vocab_size
        added = {str(size): {"content": "the tower stands", "special": False, "normalized": False}}
        (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
        write_manifest(folder, task="text-classification")
        engine = CannedEngine("cls", {"logits": np.zeros((1, 2))})
        albert_runtime.load(folder, engine=engine)("the tower stands " * 3000)
        ids = engine.runs[0]["input_ids"]
        assert ids.shape == (1, 64)
        assert (ids == size).sum() >= 31

    def test_a_mask_behind_the_limit_is_missed(self, tmp_path):
        session = canned(tmp_path, "fill-mask", lambda *_: {"logits": np.zeros((1, 64, 200))})
        text = "[MASK] " + "film " * 5000
        assert len(session(text)) == 1
        with pytest.raises(UsageError, match=r"1 of 2 \[MASK\] would be cut off"):
            session(text + "[MASK]")

    def test_sequences_are_padded_to_a_static_length(self, tmp_path):
        fields = {"sequence_length": 16}
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))}, **fields)
        session("a good film")
        session("film " * 100)
        assert [run["input_ids"].shape for run in session.engine.runs] == [(1, 16), (1, 16)]
        assert session.engine.runs[0]["attention_mask"].sum() == 5


class TestFeatureExtraction:
    def test_padding_is_not_in_the_embedding(self, tmp_path):
        def answer(_, inputs):
            hidden = np.repeat(inputs["input_ids"][..., None], 4, axis=-1)
            return {"last_hidden_state": hidden, "pooler_output": hidden[:, 0] * 10}

        session = canned(tmp_path, "feature-extraction", answer, sequence_length=16)
        embedding = session("a film")
        assert embedding.vector.tolist() == [20] * 4
        assert embedding.tokens[:, 0].tolist() == session.tokenizer.encode("a film")


class TestTextClassification:
    def test_pairs_have_types(self, tmp_path):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.array([[0, 1]])})
        assert [one.label for one in session("a film", "a door")] == ["good", "bad"]
        assert session.engine.runs[0]["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1]]
        with pytest.raises(UsageError, match="text_pair is empty"):
            session("a film", "")

    def test_the_configuration_says_what_logits_mean(self, tmp_path):
        config = {"problem_type": "multi_label_classification"}
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 2))}, config=config)
        assert [one.score for one in session("a film")] == [0.5, 0.5]

    def test_labels_must_fit_the_graph(self, tmp_path):
        session = canned(tmp_path, "text-classification", lambda *_: {"logits": np.zeros((1, 3))})
        with pytest.raises(BundleError, match="gives 3 scores"):
            session("a film")


class TestFillMask:
    def answer(self, session, inputs):
        vocabulary = session.tokenizer.vocab_size
        row = np.zeros(vocabulary)
        row[session.tokenizer.convert_tokens_to_ids(["▁capital", "▁door"])] = 9, 8
        return {"logits": by_token(session, {"[MASK]": row}, (vocabulary,))(inputs)}

    def test_fills(self, tmp_path):
        session = canned(tmp_path, "fill-mask", self.answer)
        (ways,) = session("Paris is the [MASK] of France.", top_k=2)
        assert [one.text for one in ways] == ["Paris is the capital of France.", "Paris is the door of France."]
        assert len(session("[MASK] [MASK]")) == 2
        assert len(session("[MASK]", top_k=10**6)[0]) == session.tokenizer.vocab_size

    def test_needs_a_mask(self, tmp_path):
        session = canned(tmp_path, "fill-mask", self.answer)
        with pytest.raises(UsageError, match=r"there is no \[MASK\]"):
            session("Paris is the capital.")
        with pytest.raises(UsageError, match=r"(?s)has 104 tokens and the model takes 64: 1 of 2 \[MASK\]"):
            session("[MASK]" + " film" * 100 + " [MASK]")

    @pytest.mark.parametrize("top_k", [0, -1, True, 1.0, None])
    def test_top_k(self, tmp_path, top_k):
        session = canned(tmp_path, "fill-mask", self.answer)
        with pytest.raises(UsageError, match="top_k must be a whole number, 1 or more"):
            session("[MASK]", top_k=top_k)


class TestPretraining:
    def test_order_and_masks(self, tmp_path):
        def answer(session, inputs):
            filled = TestFillMask().answer(session, inputs)["logits"]
            return {"prediction_logits": filled, "sop_logits": np.array([[0, 2]])}

        session = canned(tmp_path, "pretraining", answer)
        order = session("she wrote", "the [MASK] of France", top_k=1)
        assert (order.label, order.in_order) == ("swapped", False)
        assert order.filled[0][0].text == "the capital of France"
        assert session("she wrote", "she lived").filled == ()
        with pytest.raises(UsageError, match="second is empty"):
            session("she wrote", " ")


class TestMultipleChoice:
    def test_chooses(self, tmp_path):
        session = canned(tmp_path, "multiple-choice", lambda *_: {"logits": np.array([[0, 3, 1]])})
        choice = session("he opened", ["the film", "the door", "a good capital of France"])
        assert (choice.index, choice.text) == (1, "the door")
        (run,) = session.engine.runs
        assert run["input_ids"].shape[:2] == (1, 3)
        assert run["attention_mask"].sum(axis=-1).tolist() == [[7, 7, 10]]

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            (["one"], "two choices or more, not 1"),
            ([], "two choices or more, not 0"),
            ("ab", "choices must be a list of texts, not str"),
            (None, "must be a list of texts, not NoneType"),
            (["a", ""], r"choices\[1\] is empty"),
        ],
    )
    def test_values_that_are_not_choices(self, tmp_path, choices, message):
        session = canned(tmp_path, "multiple-choice", lambda *_: {})
        with pytest.raises(UsageError, match=message):
            session("he opened", choices)


ENTITY_SCORES = {"▁ada": [0, 9, 0, 0, 0], "▁lovelace": [0, 0, 9, 0, 0], "▁london": [0, 0, 0, 9, 0]}


class TestTokenClassification:
    def answer(self, session, inputs):
        logits = by_token(session, ENTITY_SCORES, (5,))(inputs)
        logits[..., 0] += 1
        return {"logits": logits}

    def test_entities(self, tmp_path):
        session = canned(tmp_path, "token-classification", self.answer)
        found = session("Then Ada  Lovelace lived in London, not (here).")
        assert [(one.label, one.text) for one in found] == [("PER", "Ada  Lovelace"), ("LOC", "London")]

    @pytest.mark.parametrize("sequence_length", [None, 32])
    def test_a_long_text_goes_through_in_windows(self, tmp_path, sequence_length):
        session = canned(tmp_path, "token-classification", self.answer, sequence_length=sequence_length)
        text = "Ada Lovelace lived in London and " * 200
        found = session(text)
        assert [one.text for one in found] == ["Ada Lovelace", "London"] * 200
        assert all(text[one.start : one.end] == one.text for one in found)
        assert max(run["input_ids"].shape for run in session.engine.runs) == (1, sequence_length or 64)


def test_threads_share_a_session(tmp_path):
    """Eight threads at once get the same answers as one thread."""
    bundle = make_bundle(tmp_path, "question-answering", model=question_answering_graph())
    session = albert_runtime.load(bundle, threads=1)
    requests = [("where is the door?", f"the {word} stands in Paris " * 7) for word in ("tower", "film", "capital")]
    alone = [session(*request) for request in requests]
    start = threading.Barrier(8)

    def ask(number):
        start.wait()
        return [session(*requests[(number + turn) % 3]) for turn in range(10)]

    with ThreadPoolExecutor(8) as pool:
        for number, answers in enumerate(pool.map(ask, range(8))):
            assert answers == [alone[(number + turn) % 3] for turn in range(10)]
