package albert.example.logic

import albert.runtime.bundle.PackedSource
import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * A packed bundle in the app's own storage, such as one that was downloaded.
 *
 * @param file where it is kept, for example in `context.filesDir`
 */
class InstalledBundle(val file: File) {
    /**
     * Copy a packed bundle from [stream] and put it in the place of the one before. If anything fails, that one stays.
     *
     * @param size how many bytes [stream] has, or -1 if that is not known
     * @param progress is told the share that is copied, from 0 to 1; only if the size is known
     * @throws albert.runtime.BundleError what came is not a packed bundle
     * @throws IOException it can't be read or written
     */
    fun install(stream: InputStream, size: Long, progress: (Float) -> Unit) {
        val partial = File(file.path + ".part")
        try {
            partial.outputStream().use { target -> copy(stream, size, progress) { bytes, count -> target.write(bytes, 0, count) } }
            PackedSource.open(partial).close() // reads the directory; hashes are checked when the bundle is loaded
            if (!partial.renameTo(file)) throw IOException("${file.path} can't be replaced")
        } finally {
            partial.delete()
        }
    }

    private fun copy(stream: InputStream, size: Long, progress: (Float) -> Unit, write: (ByteArray, Int) -> Unit) {
        val bytes = ByteArray(1 shl 16)
        var copied = 0L
        while (true) {
            if (Thread.interrupted()) throw InterruptedException("the copy was cancelled")
            val count = stream.read(bytes)
            if (count < 0) return
            write(bytes, count)
            copied += count
            if (size > 0) progress(minOf(1f, copied.toFloat() / size))
        }
    }
}
