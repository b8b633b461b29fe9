package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.Answer
import albert.runtime.CallArguments
import albert.runtime.Outputs
import albert.runtime.PreparedRequest
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.TextWindow
import albert.runtime.TokenizedContext
import albert.runtime.UsageError
import albert.runtime.WITHOUT_SPECIAL_TOKENS
import albert.runtime.checkText
import albert.runtime.postprocessing.AnswerSettings
import albert.runtime.postprocessing.Beams
import albert.runtime.postprocessing.ContextBeams
import albert.runtime.postprocessing.ContextLogits
import albert.runtime.postprocessing.bestAnswers
import albert.runtime.postprocessing.bestBeamAnswers
import albert.runtime.postprocessing.logOf
import albert.runtime.postprocessing.logit
import albert.runtime.tokenization.Encoding

/** The name of Google's head for SQuAD v2.0 in manifests. */
private const val BEAM_SEARCH = "beam-search"

private const val NOTHING_TO_SELECT = "the context holds nothing that the tokenizer knows as text; give it words to answer from"

/**
 * A question and a context -> the passage of the context that answers the question. The twin of Python's class.
 *
 * A context may have any length: it goes through the model in overlapping windows. The answers are those that Hugging Face's
 * question-answering pipeline gives with the slow tokenizer, and with Google's head for SQuAD v2.0 those of its
 * run_squad_v2.py. Offsets count UTF-16 code units: `context.substring(answer.start, answer.end)`.
 */
class QuestionAnsweringSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * The best answer to a question about one context.
     *
     * @throws UsageError a text is empty, an option is wrong, or the context holds nothing that can be an answer
     * @throws albert.runtime.BundleError the outputs of the model are not finite
     * @throws InterruptedException the thread was interrupted between two windows
     */
    @JvmOverloads
    fun answer(question: String, context: String, options: QuestionOptions = QuestionOptions()): Answer =
        answers(question, context, options).first()

    /** At most `topK` different answers, best first. Passages with the same text are one answer. See [answer]. */
    fun answers(question: String, context: String, options: QuestionOptions): List<Answer> =
        answerTo(prepare(question, tokenize(context), options))

    /** The answers about several contexts, ranked together; `contextIndex` says where each is from. See [answer]. */
    fun answers(question: String, contexts: List<String>, options: QuestionOptions): List<Answer> =
        answerTo(prepare(question, tokenize(contexts), options))

    /** The best answer to each of many questions about one context, which is tokenized only once. See [answer]. */
    @JvmOverloads
    fun answerMany(questions: List<String>, context: String, options: QuestionOptions = QuestionOptions()): List<Answer> {
        questions.forEachIndexed { index, question -> checkText("questions[$index]", question) }
        val tokenized = tokenize(context)
        return questions.map { answerTo(prepare(it, tokenized, options)).first() }
    }

    /**
     * How much speaks for "no answer" and against [answer], a passage: what the bundle's `null_threshold` is compared with.
     * It is the logarithm of the score of "no answer" less that of the passage; with Google's head for SQuAD v2.0, the logit
     * of "no answer".
     */
    fun nullOdds(answer: Answer): Double =
        if (manifest.head == BEAM_SEARCH) logit(answer.nullScore) else logOf(answer.nullScore) - logOf(answer.score)

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val arguments = CallArguments(call, listOf("question", "context") + QuestionOptions.NAMES)
        val options = QuestionOptions.of(arguments)
        val question = checkText("question", arguments.text("question"))
        val contexts = if (arguments.isList("context")) {
            tokenize(arguments.textsOrNull("context")!!)
        } else {
            tokenize(arguments.text("context"))
        }
        return prepare(question, contexts, options).map { if (options.topK == 1) it.first() else it }
    }

    private fun tokenize(context: String): List<TokenizedContext> = tokenize(listOf("context" to context))

    @JvmName("tokenizeAll")
    private fun tokenize(contexts: List<String>): List<TokenizedContext> {
        if (contexts.isEmpty()) throw UsageError("context is an empty list; give at least one text to answer from")
        return tokenize(contexts.mapIndexed { index, text -> "context[$index]" to text })
    }

    @JvmName("tokenizeNamed")
    private fun tokenize(contexts: List<Pair<String, String>>): List<TokenizedContext> {
        val texts = contexts.map { (name, text) -> checkText(name, text) }
        val tokenized = texts.map { TokenizedContext.of(it, tokenizer) }
        if (tokenized.all { it.encoding.size == 0 }) throw UsageError(NOTHING_TO_SELECT)
        return tokenized
    }

    private fun prepare(
        question: String, contexts: List<TokenizedContext>, options: QuestionOptions,
    ): PreparedRequest<List<Answer>> {
        checkText("question", question)
        val length = options.windowLength(maxLength)
        val step = options.step(length)
        val tokens = questionTokens(question, options.maxQuestionLen, length)
        val windows = contexts.map { it.windows(tokens, tokenizer, length, step) }
        val threshold = nullThreshold(options.handleImpossibleAnswer)
        val settings = AnswerSettings(options.topK, options.maxAnswerLen, options.alignToWords, threshold)
        return PreparedRequest(windows.flatten().map { it.encoding }) { outputs ->
            val rest = outputs.iterator()
            val rows = windows.map { ofContext -> ofContext.map { rest.next() } }
            ranked(contexts, windows, rows, settings).ifEmpty { throw UsageError(NOTHING_TO_SELECT) }
        }
    }

    /** The best answers; [rows] are the outputs for each window of each context. */
    private fun ranked(
        contexts: List<TokenizedContext>, windows: List<List<TextWindow>>, rows: List<List<Outputs>>, settings: AnswerSettings,
    ): List<Answer> {
        if (manifest.head == BEAM_SEARCH) {
            val found = contexts.mapIndexed { index, one -> ContextBeams(one, windows[index], rows[index].map { Beams.of(it) }) }
            return bestBeamAnswers(found, settings)
        }
        val logits = contexts.mapIndexed { index, one ->
            ContextLogits(
                one, windows[index], rows[index].map { it.getValue("start_logits") }, rows[index].map { it.getValue("end_logits") },
            )
        }
        return bestAnswers(logits, settings)
    }

    /** The tokens of the question, without those that are cut off. */
    private fun questionTokens(question: String, maxQuestionLen: Int, length: Int): Encoding {
        val half = (length - SPECIAL_TOKENS) / 2
        val limit = minOf(maxQuestionLen, half)
        if (limit < 1) throw UsageError("the model takes $length tokens, which is too few for a question and a context")
        // What is far behind the limit is not tokenized.
        val start = tokenizer.beginning(question, limit + 1)
        val tokens = tokenizer.encode(start, options = WITHOUT_SPECIAL_TOKENS).single()
        if (tokens.size > limit) {
            val more = if (start == question) "" else "more than "
            val why = if (limit == maxQuestionLen) "" else ", but a window of $length tokens gives it at most $half"
            onceWarnings.log(
                "question",
                "the question has $more${tokens.size} tokens and max_question_len is $maxQuestionLen$why: " +
                    "$more${tokens.size - limit} tokens at its end were left out (said once for each session)",
            )
        }
        return tokens.part(0, minOf(tokens.size, limit))
    }

    private fun nullThreshold(handleImpossibleAnswer: Boolean?): Double? = when (handleImpossibleAnswer) {
        null -> manifest.nullThreshold
        true -> manifest.nullThreshold ?: 0.0
        false -> null
    }

    companion object : SessionLoader<QuestionAnsweringSession>("question-answering", ::QuestionAnsweringSession)
}
