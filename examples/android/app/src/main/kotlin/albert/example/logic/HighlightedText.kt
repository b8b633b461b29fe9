package albert.example.logic

import albert.runtime.Answer
import java.text.NumberFormat

/** A text with an answer in it: `before + answer + after` is the text. */
data class HighlightedText(val before: String, val answer: String, val after: String, val score: Double) {
    /** Whether the text holds an answer at all. */
    val isFound: Boolean get() = answer.isNotEmpty()

    companion object {
        /** The place of [answer] in [context], the text that was asked about. Its offsets count UTF-16 code units. */
        fun of(context: String, answer: Answer): HighlightedText = HighlightedText(
            context.substring(0, answer.start),
            context.substring(answer.start, answer.end),
            context.substring(answer.end),
            answer.score,
        )
    }
}

/** A probability as the user's language writes it, such as "98 %". */
fun percent(score: Double): String = NumberFormat.getPercentInstance().format(score)
