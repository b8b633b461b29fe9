package albert.example

import albert.example.logic.ClassificationScreenState
import albert.example.logic.QuestionScreenState
import albert.example.logic.SharedSession
import albert.runtime.AlbertQuestionAnswerer
import albert.runtime.AlbertTextClassifier
import albert.runtime.LoadOptions
import android.app.Application
import androidx.lifecycle.AndroidViewModel
import androidx.lifecycle.viewModelScope
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

/** Half of a phone's cores are slow ones; more threads than fast cores make an answer slower. */
private const val THREADS = 2

/** What both screens show. Android keeps it while the screen is rotated, and clears it when the app is left. */
class ExampleViewModel(application: Application) : AndroidViewModel(application) {
    private val options = LoadOptions(threads = THREADS)

    val question = QuestionScreenState(
        viewModelScope,
        SharedSession(Dispatchers.Default) { AlbertQuestionAnswerer.load(application.assets.bundle("qa"), options) },
    )
    val classification = ClassificationScreenState(
        viewModelScope,
        SharedSession(Dispatchers.Default) { AlbertTextClassifier.load(application.assets.bundle("cls"), options) },
    )

    override fun onCleared() {
        // The scope of the view model has ended; the models are freed when their last request has.
        CoroutineScope(Dispatchers.Default).launch {
            question.close()
            classification.close()
        }
    }
}
