package albert.runtime.bundle

import albert.runtime.BundleError
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.zip.CRC32

/**
 * The bundle in a packed `.albert` file: one file whose entries lie in it as they are. The graph is mapped into memory.
 *
 * @property location what messages call the file
 * @param size the bytes of the file
 * @param map gives bytes of the file, mapped where that is possible
 * @param closing closes the file
 * @throws BundleError the file is not a packed bundle, or is damaged; the message lists everything that is wrong with it
 */
class PackedSource private constructor(
    override val location: String,
    size: Long,
    private val map: (place: Long, count: Long) -> ByteBuffer,
    private val closing: () -> Unit,
) : BundleSource {
    private val entries: Map<String, PackedEntry> =
        PackedDirectory(location, size) { place, count -> map(place, count.toLong()) }.entries().associateBy { it.name }

    /** A packed file that is in memory already, such as a mapped asset of an Android app. */
    constructor(location: String, buffer: ByteBuffer) : this(
        location, buffer.remaining().toLong(), slices(buffer), {},
    )

    override fun names(): Set<String> = entries.keys

    override fun read(name: String): ByteArray {
        val entry = entry(name)
        val bytes = try {
            ByteArray(entry.size.toInt()).also { map(entry.start, entry.size).get(it) }
        } catch (error: IOException) {
            throw BundleError("${path(name)} can't be read: ${error.message}", error)
        }
        if (CRC32().apply { update(bytes) }.value != entry.crc) {
            throw BundleError("${path(name)} is damaged: its checksum (CRC-32) is wrong. $REPAIR")
        }
        return bytes
    }

    override fun open(name: String): InputStream = entry(name).let { BufferStream(map(it.start, it.size)) }

    override fun size(name: String): Long = entry(name).size

    /** What is not as the manifest says, apart from the content of the files. */
    internal fun problems(manifest: Manifest): List<String> {
        val foreign = (entries.keys - manifest.files.keys - MANIFEST_FILE)
            .map { "it holds $it, which its manifest does not list" }
        val misplaced = entries.filterKeys { it == manifest.modelFile }.filterValues { it.start % MODEL_ALIGNMENT != 0L }.keys
            .map { "$it does not start at a multiple of $MODEL_ALIGNMENT, as if another tool had packed it" }
        return (foreign + misplaced).sorted()
    }

    override fun model(name: String): ModelData = entry(name).let { ModelData.of(map(it.start, it.size)) }

    override fun close() = closing()

    private fun entry(name: String): PackedEntry =
        entries[name] ?: throw BundleError("${path(name)} is missing. $REPAIR")

    companion object {
        /**
         * Open the packed file [file]. It stays open until the source is closed; what was mapped stays valid after that.
         *
         * @throws BundleError the file is not a packed bundle, or is damaged, or can't be read
         */
        fun open(file: File): PackedSource {
            try {
                val access = RandomAccessFile(file, "r")
                try {
                    val channel = access.channel
                    return PackedSource(
                        file.path, access.length(), { place, count -> channel.map(FileChannel.MapMode.READ_ONLY, place, count) },
                    ) { access.close() }
                } catch (error: BundleError) {
                    access.close()
                    throw withDownload(file, error)
                }
            } catch (error: IOException) {
                throw BundleError("$file can't be read: ${error.message}", error)
            }
        }

        /** What is there in place of a packed file, such as a web page, if that is why it can't be opened. */
        private fun withDownload(file: File, error: BundleError): BundleError {
            val folder = FolderSource(file.absoluteFile.parentFile)
            val isZip = file.inputStream().use { stream -> ByteArray(2).let { stream.read(it) == 2 && String(it) == "PK" } }
            // A packed bundle is a zip archive itself, so that this is not what is wrong with it.
            val found = if (isZip) null else failedDownload(folder, file.name)
            return if (found == null) error else BundleError(found, error)
        }

        private fun slices(buffer: ByteBuffer): (Long, Long) -> ByteBuffer {
            val whole = buffer.slice()
            return { place, count -> rangeOf(whole, place.toInt(), count.toInt()) }
        }
    }
}

/** The bytes of a buffer as a stream. */
private class BufferStream(private val buffer: ByteBuffer) : InputStream() {
    override fun read(): Int = if (buffer.hasRemaining()) buffer.get().toInt() and 0xff else -1

    override fun read(target: ByteArray, offset: Int, length: Int): Int {
        if (!buffer.hasRemaining()) return if (length == 0) 0 else -1
        val count = minOf(length, buffer.remaining())
        buffer.get(target, offset, count)
        return count
    }
}
