package albert.example.logic

/** What a screen shows about its request. */
sealed interface Work<out T> {
    /** Nothing was asked yet, or the request was cancelled. */
    data object Idle : Work<Nothing>

    /** The model is being loaded, which happens once. */
    data object Loading : Work<Nothing>

    /** The model reads the text. */
    data object Running : Work<Nothing>

    /** The answer. */
    data class Done<T>(val value: T) : Work<T>

    /** The request failed; [message] is for the user. */
    data class Failed(val message: String) : Work<Nothing>

    /** Whether there is something to wait for, and to cancel. */
    val isBusy: Boolean get() = this == Loading || this == Running
}
