package albert.runtime

import albert.runtime.bundle.Bundle
import albert.runtime.bundle.BundleSource
import albert.runtime.engines.Engine
import albert.runtime.engines.openEngine
import albert.runtime.sessions.FeatureExtractionSession
import albert.runtime.sessions.FillMaskSession
import albert.runtime.sessions.MultipleChoiceSession
import albert.runtime.sessions.PretrainingSession
import albert.runtime.sessions.QuestionAnsweringSession
import albert.runtime.sessions.TextClassificationSession
import albert.runtime.sessions.TokenClassificationSession
import albert.runtime.tokenization.AlbertTokenizer
import java.io.File
import java.io.IOException

/**
 * How a bundle is loaded.
 *
 * @property threads the number of threads that compute one answer; null means the processor's cores
 * @property verify check the self-test vectors of the bundle and the hashes of its files
 * @property engineName "onnx" or "litert"; null means the one that runs the model file
 * @property engine an engine to use instead of the bundle's model, such as [albert.runtime.engines.CannedEngine]
 */
data class LoadOptions @JvmOverloads constructor(
    val threads: Int? = null,
    val verify: Boolean = true,
    val engineName: String? = null,
    val engine: Engine? = null,
)

/**
 * Loads the bundles of one task: the companion of each session class.
 *
 * What is thrown, by all the functions here: a [UsageError] if there is no such folder or engine; a [BundleError] if it is
 * not a bundle, is damaged or made for another task, or its parts don't fit each other; an [UnsupportedError] if the engine
 * does not run such a model file or the tokenizer is not supported; a [DependencyError] if the engine's library is not in
 * the app; an [OperatorError] if the engine lacks an operator of the graph.
 */
abstract class SessionLoader<S : AlbertSession> internal constructor(
    private val task: String,
    private val make: (SessionParts) -> S,
) {
    /** The session for the bundle in a folder, or in a packed `.albert` file. */
    @JvmOverloads
    fun load(folder: File, options: LoadOptions = LoadOptions()): S = load(Bundle.open(folder, options.verify), options)

    /** The session for the bundle in the folder, or the packed file, with this path. */
    @JvmOverloads
    fun load(folder: String, options: LoadOptions = LoadOptions()): S = load(File(folder), options)

    /** The session for the bundle in [source], which the session closes when it is closed. */
    @JvmOverloads
    fun load(source: BundleSource, options: LoadOptions = LoadOptions()): S = load(Bundle.open(source, options.verify), options)

    internal fun load(bundle: Bundle, options: LoadOptions): S {
        var engine: Engine? = null
        try {
            val manifest = bundle.manifest
            if (manifest.task != task) {
                throw BundleError(
                    "${bundle.location} is a bundle for ${manifest.task}, not for $task; " +
                        "AlbertSessions.load() picks the session that fits",
                )
            }
            val tokenizer = if (manifest.hasTokenizer) AlbertTokenizer.fromFiles(bundle.source) else null
            engine = options.engine ?: openModel(bundle, options)
            val session = make(SessionParts(bundle, tokenizer, engine))
            session.checkPartsFit()
            if (options.verify) session.onceWarnings.muted { checkSelfTest(session) }
            return session
        } catch (error: Throwable) {
            engine?.close()
            bundle.close()
            throw error
        }
    }

    private fun openModel(bundle: Bundle, options: LoadOptions): Engine {
        val file = bundle.manifest.modelFile
        val model = try {
            bundle.source.model(file)
        } catch (error: IOException) {
            throw BundleError("${bundle.source.path(file)} can't be read: ${error.message}", error)
        }
        return openEngine(model, bundle.source.path(file), options.threads, options.engineName)
    }
}

/** Loads the bundle of any task: `AlbertSessions.load(folder)` gives the session that fits it. */
object AlbertSessions {
    private val LOADERS: Map<String, SessionLoader<*>> = mapOf(
        "feature-extraction" to FeatureExtractionSession,
        "pretraining" to PretrainingSession,
        "fill-mask" to FillMaskSession,
        "text-classification" to TextClassificationSession,
        "token-classification" to TokenClassificationSession,
        "multiple-choice" to MultipleChoiceSession,
        "question-answering" to QuestionAnsweringSession,
    )

    /** The session for the bundle in a folder, or in a packed `.albert` file; see [SessionLoader]. */
    @JvmStatic
    @JvmOverloads
    fun load(folder: File, options: LoadOptions = LoadOptions()): AlbertSession =
        load(Bundle.open(folder, options.verify), options)

    /** The session for the bundle in [source]. */
    @JvmStatic
    @JvmOverloads
    fun load(source: BundleSource, options: LoadOptions = LoadOptions()): AlbertSession =
        load(Bundle.open(source, options.verify), options)

    private fun load(bundle: Bundle, options: LoadOptions): AlbertSession =
        LOADERS.getValue(bundle.manifest.task).load(bundle, options)
}
