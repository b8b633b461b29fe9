package albert.runtime.tokenization

/**
 * A token that is never split. The fields are those of Hugging Face's AddedToken.
 *
 * @property id null for the id of the piece with this content, or for the next free id if there is no such piece
 * @property lstrip drop the white space on its left
 * @property rstrip drop the white space on its right
 * @property normalized for a token that is not special: also keep its case when the text is lower-cased
 * @property singleWord only in a tokenizer.json: the token is found only where no letter is beside it
 */
internal data class AddedToken(
    val content: String,
    val id: Int? = null,
    val lstrip: Boolean = false,
    val rstrip: Boolean = false,
    val normalized: Boolean = false,
    val special: Boolean = true,
    val singleWord: Boolean = false,
)

/** Ids are below this; engines hold them in 32 bits. */
internal const val LARGEST_ID = 1L shl 31

/** Whether [value] can be the content of a token. */
internal fun isContent(value: Any?): Boolean = value is String && value.isNotEmpty()

/** Whether [value] can be the id of a token. */
internal fun isId(value: Any?): Boolean = value is Long && value in 0 until LARGEST_ID

/** A value of JSON as Python's `bool` takes it. */
internal fun isTrue(value: Any?): Boolean = when (value) {
    null, false, 0L, 0.0, "" -> false
    is Collection<*> -> value.isNotEmpty()
    is Map<*, *> -> value.isNotEmpty()
    else -> true
}
