"""Quantization that keeps the model's answers: calibration, outlier channels, GPTQ, recipes and the recipe search."""
