"""Trains the demonstration checkpoints: `python -m tools.train_demos --out DIR [--task qa]`."""
