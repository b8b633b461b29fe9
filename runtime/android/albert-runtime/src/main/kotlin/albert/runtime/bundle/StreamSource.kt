package albert.runtime.bundle

import albert.runtime.BundleError
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * A bundle whose files come from functions, such as the assets of an Android app or bytes in memory.
 *
 * On Android, an asset that lies uncompressed in the app can be mapped, so that the model takes no heap:
 *
 *     StreamSource("assets/qa", assets.list("qa")!!.toSet(), { assets.open("qa/$it") }) { name ->
 *         assets.openFd("qa/$name").use { FileInputStream(it.fileDescriptor).channel.map(READ_ONLY, it.startOffset, it.length) }
 *     }
 *
 * @property location what messages call the bundle
 * @param fileNames the names of all files
 * @param stream opens a file; it may be called more than once for each
 * @param map the bytes of the model, mapped into memory; null if that can't be done, and the model is then copied
 */
class StreamSource(
    override val location: String,
    private val fileNames: Set<String>,
    private val stream: (String) -> InputStream,
    private val map: (String) -> ByteBuffer? = { null },
) : BundleSource {
    override fun names(): Set<String> = fileNames

    override fun read(name: String): ByteArray =
        try {
            stream(name).use { it.readBytes() }
        } catch (error: IOException) {
            throw BundleError("${path(name)} can't be read: ${error.message}", error)
        }

    override fun open(name: String): InputStream = stream(name)

    override fun size(name: String): Long = open(name).use { input ->
        val piece = ByteArray(1 shl 16)
        var size = 0L
        while (true) {
            val count = input.read(piece)
            if (count < 0) return@use size
            size += count
        }
        @Suppress("UNREACHABLE_CODE") size
    }

    override fun model(name: String): ModelData = ModelData.of(map(name) ?: ByteBuffer.wrap(read(name)))

    companion object {
        /** A bundle of bytes in memory. */
        fun ofBytes(location: String, files: Map<String, ByteArray>): StreamSource =
            StreamSource(location, files.keys, { (files[it] ?: throw IOException("there is no such file")).inputStream() })
    }
}
