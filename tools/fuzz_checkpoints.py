"""Fuzzes the files of a checkpoint with atheris: `python -m tools.fuzz_checkpoints -max_total_time=600`.

The arguments are libFuzzer's. atheris is not among the project's requirements: `pip install atheris`. Each input is
the content of one of a checkpoint's files: config.json, tokenizer.json, tokenizer_config.json, special_tokens_map.json,
vocab.txt, model.safetensors or the index of a TF1 checkpoint. The checkpoint is read and its tokenizer used; an error
of this project is a right answer. Everything else stops the run, and so does an input that takes more than 20 seconds,
or more than 1 GB above what the libraries take.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found,unused-ignore]

with atheris.instrument_imports(include=["albert_export.checkpoints", "albert_export.config", "albert_runtime"]):
    from albert_export.checkpoints import read_checkpoint
    from albert_export.checkpoints.tokenizer import load_tokenizer
    from albert_runtime.errors import AlbertError

from tests.tokenizer_json import fast_tokenizer, small_vocabulary
from tests.wordpiece_vocabulary import write_vocabulary

_LINES = ["the cat sat on the mat", "a dog, a cat and 1,999 mice", "they (never) saw the sea", "it costs £5 - or €6."]
_TEXTS = ("the cat [MASK] (sat), 1,999 é ``", "猫 は \u0301 [SEP]")
_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "model.safetensors",
    "model.ckpt-1.index",
)
_SIZES = {"embedding_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


def make_seeds(folder: Path) -> tuple[Path, Path]:
    """Makes a checkpoint and a corpus of its files, each behind the number of its name; returns both folders."""
    import tensorflow as tf

    import albert_export
    from albert_export.config import AlbertConfig

    checkpoint, corpus = folder / "checkpoint", folder / "corpus"
    corpus.mkdir(parents=True)
    config = AlbertConfig(**_SIZES, intermediate_size=12, vocab_size=200, max_position_embeddings=16)
    albert_export.AlbertForSequenceClassification(config).save_pretrained(checkpoint)
    pieces = small_vocabulary(checkpoint / "spiece.model", _LINES, vocab_size=60)
    fast = fast_tokenizer(5, pieces)
    # Without the compiled rules of normalization, which are 200 kB, the file is small enough to be changed often.
    steps = fast["normalizer"]["normalizers"]
    fast["normalizer"]["normalizers"] = [step for step in steps if step["type"] != "Precompiled"]
    (checkpoint / "tokenizer.json").write_text(json.dumps(fast))
    settings = {"tokenizer_class": "AlbertTokenizer", "added_tokens_decoder": {"60": {"content": "[E1]"}}}
    (checkpoint / "tokenizer_config.json").write_text(json.dumps(settings))
    (checkpoint / "special_tokens_map.json").write_text('{"cls_token": "[CLS]"}')
    write_vocabulary(checkpoint / "vocab.txt")
    saver = tf.train.Checkpoint(x=tf.Variable([1.0, 2.0]))
    saved = Path(saver.write(str(folder / "saved")))
    (checkpoint / "model.ckpt-1.index").write_bytes(saved.with_name("saved.index").read_bytes())
    shutil.copy(saved.with_name("saved.data-00000-of-00001"), checkpoint / "model.ckpt-1.data-00000-of-00001")
    for number, name in enumerate(_FILES):
        (corpus / name).write_bytes(bytes([number]) + (checkpoint / name).read_bytes()[:16000])
    return checkpoint, corpus


def main() -> None:
    """Runs the fuzzer with the arguments of the command line."""
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, corpus = make_seeds(Path(folder))
        contents = {name: (checkpoint / name).read_bytes() for name in (*_FILES, "spiece.model")}

        def test_one_input(data: bytes) -> None:
            if not data:
                return
            name = _FILES[data[0] % len(_FILES)]
            # With one tokenizer in the folder, nothing is compared, which would take most of the time.
            alone = {
                "tokenizer.json": ("spiece.model", "vocab.txt"),
                "vocab.txt": ("spiece.model", "tokenizer.json", "tokenizer_config.json"),
                "model.ckpt-1.index": ("model.safetensors", "tokenizer.json", "vocab.txt"),
            }.get(name, ("tokenizer.json", "vocab.txt"))
            for one in alone:
                (checkpoint / one).unlink()
            (checkpoint / name).write_bytes(data[1:])
            with contextlib.suppress(AlbertError):
                tokenizer = load_tokenizer(read_checkpoint(checkpoint))
                for text in _TEXTS:
                    tokenizer.decode(tokenizer.encode(text, text))
            for one in (name, *alone):
                (checkpoint / one).write_bytes(contents[one])

        limits = ["-timeout=20", "-rss_limit_mb=2600", "-max_len=16000"]
        atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], str(corpus)], test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
