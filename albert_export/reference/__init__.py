"""The reference models, written to be read: files for the encoder and the heads in each framework."""

from __future__ import annotations

#: The number that is added to the attention scores of padding, in every framework and every exported graph. This is
#: Google's value. Softmax turns it into exactly 0 in float32. Hugging Face uses finfo.min instead, which overflows in
#: float16 and erases the scores that it is added to.
MASK_VALUE = -10000.0
#: the same in words, for manifests
MASK_POLICY = f"additive, {MASK_VALUE:g} on padding"
#: The score of the positions that can't be in an answer, in the head that searches with a beam. A softmax turns it into
#: exactly 0, as it does Google's -1e30, which overflows in float16.
MASKED_SCORE = MASK_VALUE
