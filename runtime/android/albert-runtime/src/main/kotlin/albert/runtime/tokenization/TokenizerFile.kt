package albert.runtime.tokenization

import albert.runtime.BundleError
import albert.runtime.UnsupportedError
import albert.runtime.bundle.BundleFiles
import albert.runtime.bundle.BundleSource
import albert.runtime.bundle.failedDownload
import albert.runtime.json.Json
import albert.runtime.json.JsonError
import albert.runtime.PythonText
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** One file of a tokenizer, whether it is there or not; as a text it is what messages call it. */
internal class TokenizerFile(private val files: BundleFiles, val name: String) {
    /** Whether the file is there. */
    val exists: Boolean get() = name in files.names()

    /**
     * The bytes of the file.
     *
     * @param message the message of the error, for the reason why the file can't be read
     * @throws UnsupportedError it can't be read
     */
    fun read(message: (reason: String) -> String): ByteArray {
        if (!exists) throw UnsupportedError(message("No such file or directory"))
        return try {
            files.read(name)
        } catch (error: BundleError) {
            throw UnsupportedError(message(error.message ?: "it can't be read"), error)
        }
    }

    /** What the file holds if a download left something else in its place; null if it does not look like that. */
    fun failedDownload(): String? = (files as? BundleSource)?.let { failedDownload(it, name) }

    /**
     * The JSON object in the file; an empty one if there is no such file.
     *
     * @throws UnsupportedError the file holds something else
     */
    fun readObject(): Map<*, *> {
        if (!exists) return emptyMap<String, Any?>()
        val content = try {
            val bytes = read { "$this can't be read ($it)" }
            Json.parse(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString())
        } catch (error: JsonError) {
            throw unreadable(error.message ?: "", error)
        } catch (error: CharacterCodingException) {
            throw unreadable("it is not in UTF-8", error)
        }
        if (content !is Map<*, *>) throw UnsupportedError("$this holds a JSON ${PythonText.typeName(content)}, and must hold an object")
        return content
    }

    private fun unreadable(reason: String, error: Exception) = UnsupportedError(
        failedDownload() ?: "$this can't be read as JSON ($reason); repair it, or copy it from the checkpoint again",
        error,
    )

    override fun toString(): String = (files as? BundleSource)?.path(name) ?: name
}
