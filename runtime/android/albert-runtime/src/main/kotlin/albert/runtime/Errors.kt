package albert.runtime

// The exceptions of this project, which all derive from AlbertError. The twin of `errors.py`.
// A message says what was given, what is wrong with it, what is supported, and what to do next.

/** The base of every exception that this library throws on purpose. */
open class AlbertError(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** The request is wrong: a file does not exist, options don't go together, or a text can't be used. */
open class UsageError(message: String, cause: Throwable? = null) : AlbertError(message, cause)

/**
 * One of many requests is wrong; the others are not affected.
 *
 * @property index the number of the request, counted from 0
 * @property reason what is wrong with it
 */
class RequestError(val index: Int, val reason: String) : UsageError("request $index: $reason")

/** The model, the task or the file is not supported. */
open class UnsupportedError(message: String, cause: Throwable? = null) : AlbertError(message, cause)

/** The bundle is damaged, incomplete, or made for another task or runtime. */
class BundleError(message: String, cause: Throwable? = null) : UnsupportedError(message, cause)

/** An engine is missing; the message carries the line of Gradle that adds it. */
class DependencyError(message: String, cause: Throwable? = null) : AlbertError(message, cause)

/** The engine lacks an operator of the graph. */
class OperatorError(message: String, cause: Throwable? = null) : AlbertError(message, cause)

/** [headline] and below it [problems], each on its own line. */
fun listed(headline: String, problems: List<String>): String =
    (listOf(headline) + problems.map { "  - $it" }).joinToString("\n")
