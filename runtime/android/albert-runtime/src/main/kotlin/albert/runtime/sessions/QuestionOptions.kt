package albert.runtime.sessions

import albert.runtime.CallArguments
import albert.runtime.UsageError
import albert.runtime.checkCount

/** Tokens in a window, if a call does not say otherwise: the length that SQuAD models are trained with. */
private const val MAX_SEQ_LEN = 384
private const val DOC_STRIDE = 128

/** [CLS] question [SEP] context [SEP] */
internal const val SPECIAL_TOKENS = 3

/**
 * The options of a question, with the meaning and the defaults of Hugging Face's question-answering pipeline, whose names
 * (`max_seq_len`) messages use.
 *
 * @property topK the number of answers. There are fewer if the contexts hold fewer different ones.
 * @property maxSeqLen the tokens in a window, with the question and the special tokens; null means 384, or what the model
 *   takes if that is less
 * @property docStride the tokens between the beginnings of two neighbouring windows; null means 128, or half of
 *   [maxSeqLen] if that is less
 * @property maxQuestionLen the most tokens of the question. The rest is cut off, and so is what would take more than half of
 *   a window; the session logs that once.
 * @property maxAnswerLen the most tokens in an answer
 * @property alignToWords extend answers to whole words, that is, to the next white space on each side
 * @property handleImpossibleAnswer whether the answer may be that there is none: the empty answer, whose score is its
 *   `nullScore`. Null means true if the bundle has a `null_threshold`, and false otherwise.
 * @throws UsageError an option is out of range
 */
data class QuestionOptions @JvmOverloads constructor(
    val topK: Int = 1,
    val maxSeqLen: Int? = null,
    val docStride: Int? = null,
    val maxQuestionLen: Int = 64,
    val maxAnswerLen: Int = 15,
    val alignToWords: Boolean = true,
    val handleImpossibleAnswer: Boolean? = null,
) {
    init {
        checkCount("top_k", topK)
        checkCount("max_question_len", maxQuestionLen)
        checkCount("max_answer_len", maxAnswerLen)
        if (maxSeqLen != null) checkCount("max_seq_len", maxSeqLen, least = SPECIAL_TOKENS + 2)
        if (docStride != null) checkCount("doc_stride", docStride)
    }

    /** The tokens in a window for a model that takes [longest] tokens. */
    internal fun windowLength(longest: Int): Int {
        if (maxSeqLen == null) return minOf(MAX_SEQ_LEN, longest)
        if (maxSeqLen > longest) throw UsageError("max_seq_len=$maxSeqLen is too much: the model takes $longest tokens")
        return maxSeqLen
    }

    /** The tokens between the beginnings of two neighbouring windows of [length] tokens. */
    internal fun step(length: Int): Int {
        if (docStride == null) return maxOf(minOf(DOC_STRIDE, length / 2), 1)
        if (docStride > length) {
            throw UsageError("doc_stride=$docStride is more than max_seq_len=$length; choose a smaller one")
        }
        return docStride
    }

    internal companion object {
        val NAMES = listOf(
            "top_k", "max_seq_len", "doc_stride", "max_question_len", "max_answer_len", "align_to_words", "handle_impossible_answer",
        )

        /** The options among the arguments of a call of the Python session. */
        fun of(call: CallArguments): QuestionOptions {
            val usual = QuestionOptions()
            return QuestionOptions(
                call.int("top_k", usual.topK), call.intOrNull("max_seq_len"), call.intOrNull("doc_stride"),
                call.int("max_question_len", usual.maxQuestionLen), call.int("max_answer_len", usual.maxAnswerLen),
                call.flagOrNull("align_to_words") ?: usual.alignToWords, call.flagOrNull("handle_impossible_answer"),
            )
        }
    }
}
