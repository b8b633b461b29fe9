package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.CallArguments
import albert.runtime.Filled
import albert.runtime.MASKED_POSITIONS
import albert.runtime.PreparedRequest
import albert.runtime.PythonText
import albert.runtime.SentenceOrder
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.UsageError
import albert.runtime.checkCount
import albert.runtime.checkText
import albert.runtime.engines.IdTensor
import albert.runtime.maskedPositions
import albert.runtime.postprocessing.fillMasks
import albert.runtime.postprocessing.judgeOrder
import albert.runtime.postprocessing.targetPieces

private const val MASK_TOKEN = "[MASK]"

/** Two texts -> whether they are in their original order, and pieces for the masks in them. The twin of Python's class. */
class PretrainingSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The order of two texts, and the [topK] best pieces for each [MASK] in them. With the head "sentence-order", the
     * answer is the order alone.
     *
     * @throws UsageError a text is empty, or so long that a [MASK] would be cut off that the graph has scores for
     */
    @JvmOverloads
    fun order(first: String, second: String, topK: Int = 5): SentenceOrder = answerTo(prepare(first, second, topK))

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("first", "second", "top_k"))
        return prepare(given.text("first"), given.text("second"), given.int("top_k", 5))
    }

    private fun prepare(first: String, second: String, topK: Int): PreparedRequest<SentenceOrder> {
        checkCount("top_k", topK)
        val texts = listOf("first" to first, "second" to second).map { (name, text) -> withOwnMask(checkText(name, text)) }
        val fills = "prediction_logits" in bundle.task.outputs
        val encoding = encode(texts[0], texts[1], keepMasks = fills)
        return PreparedRequest(listOf(encoding)) { outputs ->
            val filled = when {
                fills -> fillMasks(outputs[0].getValue("prediction_logits"), encoding, texts, tokenizer, topK)
                else -> emptyList()
            }
            judgeOrder(outputs[0].getValue("sop_logits"), filled)
        }
    }

    companion object : SessionLoader<PretrainingSession>("pretraining", ::PretrainingSession)
}

/** A text with [MASK] in it -> the pieces that may stand there. The twin of Python's class. */
class FillMaskSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The [topK] best pieces for each [MASK], best first; the masks are in the order of the text. Each mask is filled by
     * itself, while the others stay masked.
     *
     * @param targets compare only these words or pieces; their scores stay probabilities among the whole vocabulary. A word that
     *   is not one piece of the vocabulary is represented by its first piece, as in Hugging Face's pipeline; the session logs
     *   that once for each word.
     * @throws UsageError there is no [MASK], or the text is so long that one would be cut off; or no target has a piece
     */
    @JvmOverloads
    fun fill(text: String, topK: Int = 5, targets: List<String>? = null): List<List<Filled>> = answerTo(prepare(text, topK, targets))

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("text", "top_k", "targets"))
        return prepare(given.text("text"), given.int("top_k", 5), given.textsOrNull("targets"))
    }

    private fun prepare(given: String, topK: Int, targets: List<String>?): PreparedRequest<List<List<Filled>>> {
        checkCount("top_k", topK)
        val targetIds = targets?.let { targetIds(it) }
        val text = withOwnMask(checkText("text", given))
        val encoding = encode(text, keepMasks = true)
        if (encoding.ids.none { it == tokenizer.maskTokenId }) {
            val mask = tokenizer.specialTokens.mask
            throw UsageError("there is no $mask in the text; write one, as in \"Paris is the $mask of France.\"")
        }
        return PreparedRequest(listOf(encoding)) { outputs ->
            fillMasks(outputs[0].getValue("logits"), encoding, listOf(text), tokenizer, topK, targetIds, takesPositions)
        }
    }

    /** Whether the graph has the head "masked", which is told where the masks are and gives no other logits. */
    private val takesPositions: Boolean get() = MASKED_POSITIONS in bundle.task.moreInputs

    override fun completed(arrays: Map<String, IdTensor>): Map<String, IdTensor> {
        val ids = arrays["input_ids"]
        if (!takesPositions || MASKED_POSITIONS in arrays || ids == null) return arrays
        return arrays + (MASKED_POSITIONS to maskedPositions(ids, tokenizer.maskTokenId))
    }

    /** The ids of the pieces that stand for [targets], without repetitions. */
    private fun targetIds(targets: List<String>): IntArray {
        val pieces = targetPieces(targets, tokenizer)
        for ((target, piece) in pieces) {
            if (piece != target) {
                val stands = if (piece == null) "it is left out" else "its first piece ${PythonText.repr(piece)} is scored"
                onceWarnings.log("target $target", "the target ${PythonText.repr(target)} is not a piece of the vocabulary: $stands")
            }
        }
        val found = pieces.values.filterNotNull().distinct()
        if (found.isEmpty()) {
            throw UsageError("targets holds no word that the tokenizer knows; give one or more, such as ['capital']")
        }
        return tokenizer.convertTokensToIds(found)
    }

    companion object : SessionLoader<FillMaskSession>("fill-mask", ::FillMaskSession)
}

/** [text] with the mask of the model's vocabulary in place of [MASK], where the vocabulary has another one. */
private fun AlbertSession.withOwnMask(text: String): String = text.replace(MASK_TOKEN, tokenizer.specialTokens.mask)
