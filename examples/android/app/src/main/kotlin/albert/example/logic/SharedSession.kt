package albert.example.logic

import albert.runtime.AlbertSession
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * One session, which is loaded when it is first needed and kept until [close].
 *
 * @param dispatcher the threads on which it is loaded and answers; not the main thread
 * @param open loads the bundle; it is called again if it has failed
 */
class SharedSession<S : AlbertSession>(private val dispatcher: CoroutineDispatcher, private val open: () -> S) {
    private val mutex = Mutex()
    private var session: S? = null

    /** The loaded session. Throws what loading throws. */
    suspend fun get(): S = mutex.withLock { session ?: runInterruptible(dispatcher, open).also { session = it } }

    /**
     * The result of [call]. If the coroutine is cancelled, the thread is interrupted, and the session stops before the next
     * window of the text.
     */
    suspend fun <R> use(call: (S) -> R): R = get().let { loaded -> runInterruptible(dispatcher) { call(loaded) } }

    /** Free the model. Requests must have ended; the next one loads it again. */
    suspend fun close() = mutex.withLock {
        session?.close()
        session = null
    }
}
