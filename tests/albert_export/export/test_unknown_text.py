"""Exports of a model whose language is in no bundled corpus."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sentencepiece import SentencePieceTrainer

import albert_runtime
from albert_export.cli.main import main
from albert_export.export import export_onnx
from tests.conftest import BuiltOnce, save_tiny

#: words in Cherokee, from the Universal Declaration of Human Rights
WORDS = "Ꭼꮎꮫ Ꮧꭶꮓꮳꮃꮕꭲ ꭰꮒᏼꮻ ꭴꮒꮂ ꭲᏻꮎꮫꮧꭲ ꭼꮒᏻꮙ ꮧꮣꮒꮈꮸ ꮎꮝꭹ ꭰꮰꮿꮝꮧꮝꭹ ꭰꮲꮙꮩꮧ ꭰꮄ ꮎꮝꭹꮓ ꭲꭶꮨ ꭴꮩꭿᏻꭿꮿ".split()  # noqa: SIM905
LINES = [" ".join(np.random.default_rng(number).permutation(WORDS)) for number in range(40)]


def save_cherokee(folder: Path) -> None:
    folder.mkdir(parents=True)
    SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_prefix=str(folder / "spiece"), vocab_size=60, hard_vocab_limit=False,
        character_coverage=1.0, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )  # fmt: skip
    vocabulary = (folder / "spiece.model").read_bytes()
    pieces = sum(1 for _ in (folder / "spiece.vocab").open(encoding="utf-8"))
    save_tiny(folder, "text-classification", vocab_size=pieces)
    (folder / "spiece.model").write_bytes(vocabulary)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "keep_accents": true}')


@pytest.fixture
def cherokee(built_once: BuiltOnce) -> Path:
    return built_once("unknown/cherokee", save_cherokee)


def test_int8_asks_for_calibration_data(cherokee: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "bundle"
    assert main(["onnx", "--model", str(cherokee), "--precision", "int8", "--output", str(output)]) == 2
    assert "give --calibration-data FILE" in capsys.readouterr().err
    assert not output.exists()
    (tmp_path / "mine.txt").write_text("\n".join(LINES), encoding="utf-8")
    exported = export_onnx(cherokee, output, precision="int8", calibration_data=tmp_path / "mine.txt", max_drop=5)
    assert exported.manifest.recipe_search["texts"] == "the calibration data"
    assert exported.manifest.recipe_search["trials"][-1]["texts"] == 40
    albert_runtime.load(output)


def test_foreign_calibration_data_is_refused(cherokee: Path, tmp_path: Path) -> None:
    (tmp_path / "english.txt").write_text("Not a word of this is in the vocabulary.\n" * 3)
    with pytest.raises(albert_runtime.errors.UsageError, match="100% of the text in the calibration data is unknown"):
        export_onnx(cherokee, tmp_path / "bundle", precision="int8", calibration_data=tmp_path / "english.txt")


def test_fp32_warns_and_compares_ids_of_the_whole_vocabulary(
    cherokee: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exported = export_onnx(cherokee, tmp_path / "bundle")
    assert exported.report.passed
    assert "does not know any of the bundled languages" in caplog.text
    # Other embeddings of words that no bundled text has are found all the same.
    shutil.copytree(cherokee, tmp_path / "other")
    from safetensors.numpy import load_file, save_file

    from albert_export.verification.verify import verify_bundle

    weights = load_file(cherokee / "model.safetensors")
    weights["albert.embeddings.word_embeddings.weight"][20:] *= -1
    save_file(weights, tmp_path / "other" / "model.safetensors", metadata={"format": "pt"})
    assert verify_bundle(tmp_path / "bundle", cherokee).passed
    assert not verify_bundle(tmp_path / "bundle", tmp_path / "other").passed
