package albert.example.logic

import albert.runtime.AlbertQuestionAnswerer
import albert.runtime.AlbertTextClassifier
import albert.runtime.Label
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow

/** A question about a text, and its answer. It outlives the rotation of the screen. */
class QuestionScreenState(scope: CoroutineScope, private val session: SharedSession<AlbertQuestionAnswerer>) {
    private val request = LatestRequest<AlbertQuestionAnswerer, HighlightedText>(scope, session)

    val question = MutableStateFlow("Where does Clara work?")
    val context = MutableStateFlow("Clara lives in Lisbon. Clara works in Porto.")
    val work: StateFlow<Work<HighlightedText>> = request.work

    /** Find the answer to the question in the text. */
    fun ask() {
        val (asked, text) = question.value to context.value
        request.start { HighlightedText.of(text, it.answer(asked, text)) }
    }

    fun cancel() = request.cancel()

    /** Wait for the request that runs, and free the model. */
    suspend fun close() {
        request.stop()
        session.close()
    }
}

/** A text, and how well each label fits it. It outlives the rotation of the screen. */
class ClassificationScreenState(scope: CoroutineScope, private val session: SharedSession<AlbertTextClassifier>) {
    private val request = LatestRequest<AlbertTextClassifier, List<Label>>(scope, session)

    val text = MutableStateFlow("The story was gripping and I loved the cast.")
    val work: StateFlow<Work<List<Label>>> = request.work

    /** Find the labels of the text. */
    fun classify() {
        val given = text.value
        request.start { it.classify(given) }
    }

    fun cancel() = request.cancel()

    /** Wait for the request that runs, and free the model. */
    suspend fun close() {
        request.stop()
        session.close()
    }
}
