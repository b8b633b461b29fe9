package albert.example.logic

import albert.runtime.AlbertError
import albert.runtime.AlbertSession
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** The request of a screen: a new one cancels the one before, and only the last one shows its answer. */
class LatestRequest<S : AlbertSession, T>(private val scope: CoroutineScope, private val session: SharedSession<S>) {
    private val state = MutableStateFlow<Work<T>>(Work.Idle)
    private var job: Job? = null

    /** What to show. */
    val work: StateFlow<Work<T>> = state.asStateFlow()

    /** Load the model if that was not done, run [call], and show its result. */
    fun start(call: (S) -> T) {
        val before = job
        before?.cancel()
        state.value = Work.Loading
        job = scope.launch {
            before?.join()
            state.value = try {
                session.get()
                state.value = Work.Running
                Work.Done(session.use(call))
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (error: AlbertError) {
                Work.Failed(error.message.orEmpty())
            } catch (error: OutOfMemoryError) {
                Work.Failed("There is not enough memory for this model.")
            }
        }
    }

    /** Stop the request that runs, if there is one. */
    fun cancel() {
        job?.cancel()
        state.value = Work.Idle
    }

    /** Stop the request and wait until its thread is free, so that the session can be closed. */
    suspend fun stop() {
        job?.cancelAndJoin()
    }
}
