package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.CallArguments
import albert.runtime.Entity
import albert.runtime.PreparedRequest
import albert.runtime.PythonText
import albert.runtime.STRIDE
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.Spans
import albert.runtime.UsageError
import albert.runtime.WITHOUT_SPECIAL_TOKENS
import albert.runtime.checkCount
import albert.runtime.checkText
import albert.runtime.cutWindows
import albert.runtime.ownPositions
import albert.runtime.postprocessing.AGGREGATION_STRATEGIES
import albert.runtime.postprocessing.LabelledTokens
import albert.runtime.postprocessing.OUTSIDE
import albert.runtime.postprocessing.findEntities
import albert.runtime.postprocessing.readTag
import albert.runtime.tokenization.Encoding
import albert.runtime.tokenization.encodeWords
import albert.runtime.tokenization.locateWords

/**
 * Text -> the entities in it. The twin of Python's class.
 *
 * A text that is too long for the model goes through it in overlapping windows; each token takes its label from the window
 * that shows most of the text around it. Offsets count UTF-16 code units: `text.substring(entity.start, entity.end)`.
 */
class TokenClassificationSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The entities of a text of any length, in its order.
     *
     * @param aggregationStrategy how the labels of tokens become entities. "words" (the default) labels each word by its first
     *   token and keeps the punctuation around words apart. "none", "simple", "first", "average" and "max" are those of
     *   Hugging Face's token classification pipeline.
     * @param ignoreLabels the answers to leave out, by their `label`
     * @param stride the tokens that two neighbouring windows share; at most half of a window, whatever is given
     * @throws UsageError the text is empty, or another argument has no meaning
     * @throws InterruptedException the thread was interrupted between two windows
     */
    @JvmOverloads
    fun entities(
        text: String, aggregationStrategy: String = "words", ignoreLabels: Collection<String> = listOf(OUTSIDE),
        stride: Int = STRIDE,
    ): List<Entity> = answerTo(prepare(text, null, aggregationStrategy, ignoreLabels, stride))

    /**
     * The entities of a text that is split into words already. Each word has a label, and an answer says which words it is
     * made of.
     *
     * @param words the words, in order
     * @param text the text that they were split from; null for the words with spaces between them
     * @throws UsageError [words] does not fit the text; see [entities] for the rest
     */
    @JvmOverloads
    fun entitiesOfWords(
        words: List<String>, text: String? = null, aggregationStrategy: String = "words",
        ignoreLabels: Collection<String> = listOf(OUTSIDE), stride: Int = STRIDE,
    ): List<Entity> = answerTo(prepare(text, words, aggregationStrategy, ignoreLabels, stride))

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("text", "words", "aggregation_strategy", "ignore_labels", "stride"))
        return prepare(
            given.textOrNull("text"), given.textsOrNull("words"), given.textOrNull("aggregation_strategy") ?: "words",
            given.textsOrNull("ignore_labels") ?: listOf(OUTSIDE), given.int("stride", STRIDE),
        )
    }

    private fun prepare(
        text: String?, words: List<String>?, strategy: String, ignored: Collection<String>, stride: Int,
    ): PreparedRequest<List<Entity>> {
        if (strategy !in AGGREGATION_STRATEGIES) {
            val known = AGGREGATION_STRATEGIES.joinToString(", ")
            throw UsageError("aggregation_strategy must be one of $known, not ${PythonText.repr(strategy)}")
        }
        checkIgnored(ignored)
        checkCount("stride", stride, least = 0)
        val whole: String
        val spans: Spans?
        val encoding: Encoding
        if (words == null) {
            whole = checkText("text", text ?: throw UsageError("give a text, or the words of one: session('Ada lives in Rome.')"))
            spans = null
            encoding = tokenizer.encode(whole, options = WITHOUT_SPECIAL_TOKENS).single()
        } else {
            val located = locateWords(words, text?.let { checkText("text", it) })
            whole = located.text
            spans = Spans(located.starts, located.ends)
            encoding = encodeWords(tokenizer, words, located)
        }
        val windows = cutWindows(tokenizer, encoding, maxLength, stride)
        return PreparedRequest(windows.map { it.encoding }) { outputs ->
            val own = ownPositions(windows)
            val parts = windows.mapIndexed { number, window -> Triple(window.encoding, own[number], outputs[number].getValue("logits")) }
            findEntities(LabelledTokens.of(whole, parts, tokenizer, spans), manifest.labels, strategy, ignored)
        }
    }

    /** Throws a [UsageError] if an answer can't have one of these labels. */
    private fun checkIgnored(ignored: Collection<String>) {
        val labels = manifest.labels
        val known = (listOf(OUTSIDE) + labels.map { readTag(it).kind } + labels).distinct()
        val unknown = ignored.filter { it !in known }
        if (unknown.isNotEmpty()) {
            throw UsageError(
                "ignore_labels names ${unknown.joinToString(", ") { PythonText.repr(it) }}, and the answers of this model have " +
                    "the labels ${known.joinToString(", ")}",
            )
        }
    }

    companion object : SessionLoader<TokenClassificationSession>("token-classification", ::TokenClassificationSession)
}
