package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.CallArguments
import albert.runtime.Label
import albert.runtime.PreparedRequest
import albert.runtime.PythonText
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.UsageError
import albert.runtime.checkCount
import albert.runtime.checkText
import albert.runtime.postprocessing.FUNCTIONS
import albert.runtime.postprocessing.labelText
import albert.runtime.tokenization.Encoding

/** A text, or a pair of texts -> labels. The twin of Python's class. */
class TextClassificationSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The labels with their scores, best first. Texts that are too long are cut off at the end.
     *
     * @param text the text, or the first text of a pair
     * @param textPair the second text of a pair
     * @param topK how many labels to return; null for all
     * @param functionToApply what turns the model's logits into scores: "softmax" over all labels, "sigmoid" for each label by
     *   itself, or "none" for the logits themselves. Null chooses as Hugging Face's pipeline does: "none" if config.json
     *   says `"problem_type": "regression"`, otherwise "sigmoid" if the model has one label or several may apply, otherwise
     *   "softmax".
     * @param threshold leave out the labels with a lower score; null for no limit
     * @throws UsageError a text is empty, or another argument is wrong
     */
    @JvmOverloads
    fun classify(
        text: String, textPair: String? = null, topK: Int? = null, functionToApply: String? = null, threshold: Double? = null,
    ): List<Label> = answerTo(prepare(text, textPair, topK, functionToApply, threshold))

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("text", "text_pair", "top_k", "function_to_apply", "threshold"))
        return prepare(
            given.text("text"), given.textOrNull("text_pair"), given.intOrNull("top_k"), given.textOrNull("function_to_apply"),
            given.numberOrNull("threshold"),
        )
    }

    private fun prepare(
        text: String, textPair: String?, topK: Int?, function: String?, threshold: Double?,
    ): PreparedRequest<List<Label>> {
        checkText("text", text)
        if (textPair != null) checkText("text_pair", textPair)
        if (topK != null) checkCount("top_k", topK)
        if (function != null && function !in FUNCTIONS) {
            val known = FUNCTIONS.keys.joinToString(", ") { PythonText.repr(it) }
            throw UsageError("function_to_apply=${PythonText.repr(function)} is unknown; choose one of $known")
        }
        if (threshold != null && threshold.isNaN()) throw UsageError("threshold must be a number, such as 0.5, not nan")
        return PreparedRequest(listOf(encode(text, textPair))) { outputs ->
            val logits = outputs[0].getValue("logits").values
            labelText(logits, manifest.labels, bundle.config["problem_type"], function, topK, threshold)
        }
    }

    /**
     * The tokens of a pair of texts as one sequence; if it is too long, only the first text is cut off.
     *
     * @throws UsageError a text is empty, or the second one leaves no room for the first
     */
    internal fun encodePair(text: String, textPair: String): Encoding =
        encode(checkText("text", text), checkText("text_pair", textPair), truncation = "only_first")

    companion object : SessionLoader<TextClassificationSession>("text-classification", ::TextClassificationSession)
}
