package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.CallArguments
import albert.runtime.Choice
import albert.runtime.PreparedRequest
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.UsageError
import albert.runtime.checkText
import albert.runtime.engines.IdTensor
import albert.runtime.engines.Tensor
import albert.runtime.postprocessing.choose

/** As many as there are letters to call them by. */
private const val MOST_CHOICES = 26

/** The place of the choice in a prompt, as in RACE's cloze questions. */
private const val BLANK = "_"

/** A prompt and several choices -> the choice that goes best with the prompt. The twin of Python's class. */
class MultipleChoiceSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The best of 2 to 26 choices. What is too long is cut off at the end, from the longer text first.
     *
     * @param prompt the beginning of a sentence, or a question
     * @param choices the endings, or the answers
     * @param context the text that the prompt is about, as in RACE; null if there is none, as in SWAG. With a context, the model
     *   reads the context and, as the second text, the prompt with the choice after it (or in place of a "_" in the prompt).
     *   Without one, it reads the prompt and the choice.
     * @throws UsageError a text is empty, or there are too few or too many choices
     */
    @JvmOverloads
    fun choose(prompt: String, choices: List<String>, context: String? = null): Choice =
        answerTo(prepare(prompt, choices, context))

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("prompt", "choices", "context"))
        require(given.isList("choices")) { "choices must be a list of texts" }
        return prepare(given.text("prompt"), given.textsOrNull("choices")!!, given.textOrNull("context"))
    }

    private fun prepare(prompt: String, choices: List<String>, context: String?): PreparedRequest<Choice> {
        checkText("prompt", prompt)
        if (context != null) checkText("context", context)
        if (choices.size < 2) throw UsageError("multiple choice needs two choices or more, not ${choices.size}")
        if (choices.size > MOST_CHOICES) {
            throw UsageError("multiple choice takes at most $MOST_CHOICES choices (A to Z), not ${choices.size}")
        }
        choices.forEachIndexed { index, choice -> checkText("choices[$index]", choice) }
        val encodings = choicePairs(prompt, choices, context).map { (first, second) -> encode(first, second) }
        return PreparedRequest(encodings) { outputs ->
            choose(FloatArray(outputs.size) { outputs[it].getValue("logits").values.single() }, choices)
        }
    }

    /** The inputs, whose shape is `[1, choices, sequence]`. */
    override fun arrays(prepared: PreparedRequest<*>): Map<String, IdTensor> =
        super.arrays(prepared).mapValues { (_, array) -> array.reshaped(1, *array.shape) }

    // All choices run at once, as one row.
    override fun <A> answerTo(prepared: PreparedRequest<A>): A {
        val logits = run(arrays(prepared)).getValue("logits").values
        return prepared.finish(logits.map { mapOf("logits" to Tensor.of(it)) })
    }

    companion object : SessionLoader<MultipleChoiceSession>("multiple-choice", ::MultipleChoiceSession)
}

/**
 * The pair of texts that the model reads for each choice. With a context, the pairs are those of Google's race_utils.py and
 * of Hugging Face's examples for RACE.
 */
private fun choicePairs(prompt: String, choices: List<String>, context: String?): List<Pair<String, String>> = when {
    context == null -> choices.map { prompt to it }
    BLANK in prompt -> choices.map { context to prompt.replace(BLANK, it) }
    else -> choices.map { context to "$prompt $it" }
}
