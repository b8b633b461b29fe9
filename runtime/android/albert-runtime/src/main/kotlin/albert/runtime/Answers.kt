package albert.runtime

// The answers of sessions: one class for each kind of answer. The twins of `answers.py`.
//
// `start` and `end` count UTF-16 code units of the text that was given, so that `text.substring(start, end)` is the
// passage; the Python runtime counts code points. A score is a probability from 0 to 1, except for regression labels,
// where it is the predicted value.

/**
 * A passage of the context that answers the question. The empty answer says that there is none: its text is "", and
 * [start] and [end] are 0.
 *
 * @property nullScore the probability that the context holds no answer
 * @property contextIndex which context it is, counted from 0, if the question was asked about several
 */
data class Answer(
    val text: String,
    val score: Double,
    val start: Int,
    val end: Int,
    val nullScore: Double = 0.0,
    val contextIndex: Int = 0,
)

/** A label of the whole text, and its score. */
data class Label(val label: String, val score: Double)

/**
 * A named thing in the text; [text] is the units [start] to [end] of the text that was given.
 *
 * @property label the kind of the entity, such as "PER"; with the strategy "none" the label of a token, such as "B-PER"
 * @property word the text as the tokens spell it, in lower case and without accents if the vocabulary has none; with the
 *   strategy "none" the piece of the vocabulary
 * @property index the position of the token in the sequence, where [CLS] is 0; only with the strategy "none"
 * @property startWord the entity is the words from this one, only if the text was given as words
 * @property endWord one behind its last word, only if the text was given as words
 */
data class Entity(
    val label: String,
    val text: String,
    val score: Double,
    val start: Int,
    val end: Int,
    val word: String = "",
    val index: Int? = null,
    val startWord: Int? = null,
    val endWord: Int? = null,
)

/**
 * A piece that may stand in place of a [MASK].
 *
 * @property token the piece, without the mark of its leading space
 * @property text the whole text that was given, with this piece in place of the mask; other masks stay
 */
data class Filled(val token: String, val tokenId: Int, val score: Double, val text: String)

/**
 * The choice that goes best with the prompt.
 *
 * @property scores the probability of every choice, in the order given
 */
data class Choice(val index: Int, val text: String, val score: Double, val scores: List<Double>)

/**
 * Whether two texts are in the order in which they were written.
 *
 * @property label "in order" or "swapped"
 * @property score the probability of [label]
 * @property filled the pieces for each [MASK] in the two texts, best first
 */
data class SentenceOrder(val label: String, val inOrder: Boolean, val score: Double, val filled: List<List<Filled>> = emptyList())

/**
 * A text as vectors. Two embeddings are equal if all their numbers are equal.
 *
 * @property vector one vector of the text
 * @property tokens the last hidden state: [CLS], the tokens of the text, [SEP]
 */
class Embedding(val vector: FloatArray, val tokens: List<FloatArray>) {
    override fun equals(other: Any?): Boolean = other is Embedding && same(vector, other.vector) &&
        tokens.size == other.tokens.size && tokens.indices.all { same(tokens[it], other.tokens[it]) }

    // Adding 0 turns -0 into 0: the two are equal, so their hashes must be equal.
    override fun hashCode(): Int = vector.fold(1) { hash, one -> 31 * hash + (one + 0f).hashCode() }

    private fun same(one: FloatArray, other: FloatArray) = one.size == other.size && one.indices.all { one[it] == other[it] }
}
