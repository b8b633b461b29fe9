package albert.runtime.bundle

import java.io.Closeable
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.security.MessageDigest

/** A graph as an engine opens it: a file of its own, or bytes, which are mapped into memory where that is possible. */
class ModelData private constructor(
    /** the file, if the graph is one by itself */
    val file: File?,
    /** the bytes, otherwise; a direct buffer */
    val buffer: ByteBuffer?,
) {
    companion object {
        /** The graph in [file]. */
        fun of(file: File): ModelData = ModelData(file, null)

        /** The graph in [buffer], from its position to its limit; copied if it is not direct, as engines need it. */
        fun of(buffer: ByteBuffer): ModelData = ModelData(null, direct(buffer))

        private fun direct(buffer: ByteBuffer): ByteBuffer {
            if (buffer.isDirect) return buffer.slice()
            val copy = ByteBuffer.allocateDirect(buffer.remaining())
            copy.put(buffer.duplicate())
            (copy as java.nio.Buffer).flip() // the cast keeps the bytecode callable on Android before API 33
            return copy
        }
    }
}

/** Where the files of one bundle come from: a folder, a packed file, or the assets of an app. */
interface BundleSource : BundleFiles, Closeable {
    /** What messages call the bundle, such as the path of its folder. */
    val location: String

    /** The bytes of the file called [name], as a stream. */
    @Throws(IOException::class)
    fun open(name: String): InputStream

    /** The size in bytes. */
    @Throws(IOException::class)
    fun size(name: String): Long

    /** The graph called [name]. */
    @Throws(IOException::class)
    fun model(name: String): ModelData

    /** What messages call the file [name]. */
    fun path(name: String): String = "$location/$name"

    /** The SHA-256 of a file in hexadecimal. It is read in pieces, so that a model need not fit into memory. */
    @Throws(IOException::class)
    fun sha256(name: String): String {
        val digest = MessageDigest.getInstance("SHA-256")
        val piece = ByteArray(CHUNK_BYTES)
        open(name).use { stream ->
            while (true) {
                val count = stream.read(piece)
                if (count < 0) break
                digest.update(piece, 0, count)
            }
        }
        return digest.digest().joinToString("") { byte -> HEX[byte.toInt() shr 4 and 15].toString() + HEX[byte.toInt() and 15] }
    }

    /** The first bytes of a file, at most [count]. */
    @Throws(IOException::class)
    fun head(name: String, count: Int): ByteArray {
        val bytes = ByteArray(count)
        var filled = 0
        open(name).use { stream ->
            while (filled < count) {
                val read = stream.read(bytes, filled, count - filled)
                if (read < 0) break
                filled += read
            }
        }
        return bytes.copyOf(filled)
    }

    override fun close() {}
}

private const val CHUNK_BYTES = 1 shl 18
private const val HEX = "0123456789abcdef"
