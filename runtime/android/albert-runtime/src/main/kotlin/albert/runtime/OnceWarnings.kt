package albert.runtime

import java.util.concurrent.ConcurrentHashMap

/** The warnings of one session, each of which is logged once. The twin of `once_warnings.py`. */
internal class OnceWarnings {
    private val said: MutableSet<String> = ConcurrentHashMap.newKeySet()

    @Volatile
    private var isMuted = false

    /** Logs a warning, unless [subject] has been warned of before. */
    fun log(subject: String, message: String) {
        if (!isMuted && said.add(subject)) LOGGER.warning(message)
    }

    /** While [work] runs, nothing is logged, and nothing counts as said: the requests are not the user's. */
    fun muted(work: () -> Unit) {
        isMuted = true
        try {
            work()
        } finally {
            isMuted = false
        }
    }
}
