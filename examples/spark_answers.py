"""Answers the rows of a JSONL or Parquet file with Spark.

    pip install 'albert-runtime[onnx,spark]'
    spark-submit examples/spark_answers.py /models/my-bundle reviews.jsonl answers --column text=review

The bundle must lie at the same path on every machine. The output is a folder of Parquet files.
"""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession

from albert_runtime.integrations.spark import answer_frames, with_answers


def main() -> None:
    """Answer the whole file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the folder of the bundle")
    parser.add_argument("input", help="a .jsonl or .parquet file, or a folder of them")
    parser.add_argument("output", help="the folder to write")
    parser.add_argument("--column", action="append", default=[], metavar="ARGUMENT=COLUMN", help="may be repeated")
    given = parser.parse_args()
    spark = SparkSession.builder.appName("answers").getOrCreate()
    read = spark.read.json if given.input.endswith((".json", ".jsonl")) else spark.read.parquet
    frame = read(given.input)
    answer = answer_frames(given.bundle, columns=dict(pair.split("=", 1) for pair in given.column))
    frame.mapInPandas(answer, with_answers(frame.schema)).write.parquet(given.output)
    spark.stop()


if __name__ == "__main__":
    main()
