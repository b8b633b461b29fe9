package albert.runtime.bundle

import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.zip.CRC32

/** The files of a small bundle: all that opening it looks at. Nothing in it can be run. */
internal fun sampleFiles(change: (MutableMap<String, String>) -> Unit = {}): Map<String, ByteArray> {
    val files = linkedMapOf(
        "config.json" to "{\"vocab_size\": 30}".toByteArray(),
        "model.onnx" to ByteArray(5000) { (it % 251).toByte() },
        "spiece.model" to "pieces".toByteArray(),
    )
    val fields = linkedMapOf(
        "format_version" to "1", "task" to "\"question-answering\"", "model_file" to "\"model.onnx\"", "max_length" to "384",
        "files" to files.entries.joinToString(", ", "{", "}") { "\"${it.key}\": \"${sha256(it.value)}\"" },
        "labels" to "[]", "precision" to "\"fp32\"", "target" to "\"\"", "mask_policy" to "\"\"", "opset" to "18",
        "sequence_length" to "null", "versions" to "{}", "quantized" to "{}", "parity" to "{}", "self_test" to "[]",
    )
    change(fields)
    val manifest = fields.entries.joinToString(",\n", "{", "}") { "\"${it.key}\": ${it.value}" }
    return linkedMapOf("manifest.json" to manifest.toByteArray()) + files
}

/** Writes the files into [folder]. */
internal fun writeFiles(folder: File, files: Map<String, ByteArray>): File {
    for ((name, bytes) in files) File(folder, name).writeBytes(bytes)
    return folder
}

internal fun sha256(bytes: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { String.format("%02x", it) }

/** One entry of a packed file as it is written; tests break it. */
internal class Packed(var name: String, val bytes: ByteArray, val alignment: Int) {
    var flags = 0x800
    var method = 0
    var stored: Int = bytes.size
    var crc: Long = CRC32().apply { update(bytes) }.value

    /** what the directory says of the size, if that is something else */
    var directorySize: Int? = null

    /** where the directory says that the local header is, if that is somewhere else */
    var place: Int? = null
}

/** Packs files as `albert-export pack` does: stored, aligned, manifest.json first; [change] breaks the entries. */
internal fun pack(files: Map<String, ByteArray>, comment: String = "", change: (List<Packed>) -> Unit = {}): ByteArray {
    val entries = files.map { (name, bytes) -> Packed(name, bytes, if (name.startsWith("model.")) 16_384 else 64) }
    change(entries)
    val out = ByteArrayOutputStream()
    val directory = ByteArrayOutputStream()
    for (entry in entries) {
        val name = entry.name.toByteArray()
        val place = out.size()
        val start = place + 30 + name.size
        // The extra field has a header of 6 bytes of its own.
        val padding = if (start % entry.alignment == 0) 0 else 6 + Math.floorMod(-(start + 6), entry.alignment)
        val fields = record(22) {
            putShort(10).putShort(entry.flags.toShort()).putShort(entry.method.toShort()).putShort(0).putShort(0x21)
            putInt(entry.crc.toInt()).putInt(entry.stored).putInt(entry.bytes.size)
        }
        out.write(record(4) { putInt(0x04034b50) } + fields + record(4) { putShort(name.size.toShort()).putShort(padding.toShort()) })
        out.write(name)
        if (padding > 0) out.write(record(padding) { putShort(0xD935.toShort()).putShort((padding - 4).toShort()).putShort(entry.alignment.toShort()) })
        out.write(entry.bytes)
        entry.directorySize?.let { ByteBuffer.wrap(fields).order(ByteOrder.LITTLE_ENDIAN).putInt(14, it).putInt(18, it) }
        directory.write(record(6) { putInt(0x02014b50).putShort(10) } + fields)
        directory.write(record(18) { putShort(name.size.toShort()).putShort(0).putShort(0).putShort(0).putShort(0).putInt(0).putInt(entry.place ?: place) })
        directory.write(name)
    }
    val start = out.size()
    out.write(directory.toByteArray())
    out.write(
        record(22) {
            putInt(0x06054b50).putShort(0).putShort(0).putShort(entries.size.toShort()).putShort(entries.size.toShort())
            putInt(directory.size()).putInt(start).putShort(comment.length.toShort())
        },
    )
    out.write(comment.toByteArray())
    return out.toByteArray()
}

private fun record(size: Int, write: ByteBuffer.() -> Unit): ByteArray =
    ByteArray(size).also { ByteBuffer.wrap(it).order(ByteOrder.LITTLE_ENDIAN).write() }
