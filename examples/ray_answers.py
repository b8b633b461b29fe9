"""Answers the rows of a JSONL or Parquet file on a Ray cluster.

    pip install 'albert-runtime[onnx,ray]'
    python examples/ray_answers.py /models/my-bundle reviews.jsonl answers --column text=review --workers 2

The bundle must lie at the same path on every machine. The output is a folder of Parquet files.
"""

from __future__ import annotations

import argparse

import ray

from albert_runtime.integrations.ray import AnswerBatches


def main() -> None:
    """Answer the whole file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the folder of the bundle")
    parser.add_argument("input", help="a .jsonl or .parquet file, or a folder of them")
    parser.add_argument("output", help="the folder to write")
    parser.add_argument("--column", action="append", default=[], metavar="ARGUMENT=COLUMN", help="may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    read = ray.data.read_json if given.input.endswith((".json", ".jsonl")) else ray.data.read_parquet
    # A worker takes a CPU for as long as it runs. If reading and writing took one too, they would wait forever where
    # there are as many workers as CPUs.
    no_cpu = {"num_cpus": 0}
    answered = read(given.input, ray_remote_args=no_cpu).map_batches(
        AnswerBatches,
        fn_constructor_args=(given.bundle,),
        fn_constructor_kwargs={"columns": dict(pair.split("=", 1) for pair in given.column)},
        compute=ray.data.ActorPoolStrategy(size=given.workers),
        batch_format="pyarrow",
        batch_size=64,
    )
    answered.write_parquet(given.output, ray_remote_args=no_cpu)


if __name__ == "__main__":
    main()
