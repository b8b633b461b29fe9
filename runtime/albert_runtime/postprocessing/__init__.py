"""Raw outputs -> answers: pure functions, in one module for each kind of answer.

Logits are float32. Probabilities are computed in float64, so that a distribution over the 100,000 tokens of a long
document still adds up to 1.
"""
