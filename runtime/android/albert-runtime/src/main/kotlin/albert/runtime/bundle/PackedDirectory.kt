package albert.runtime.bundle

import albert.runtime.BundleError
import albert.runtime.PythonText
import albert.runtime.listed
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.CharacterCodingException
import java.util.Locale

/** A file inside a packed bundle: [size] bytes from the place [start] on. */
internal class PackedEntry(val name: String, val start: Long, val size: Long, val crc: Long)

/** What a message about a file that another tool wrote, or changed, ends with. */
internal const val REPAIR = "Copy it again from where it was packed, or pack the bundle's folder again: albert-export pack BUNDLE"

/** The data of the model start at a multiple of this, a page of any device, so that they can be mapped. */
internal const val MODEL_ALIGNMENT = 16_384L
private const val FILE_ALIGNMENT = 64L

private const val END_SIGNATURE = 0x06054b50
private const val DIRECTORY_SIGNATURE = 0x02014b50
private const val LOCAL_SIGNATURE = 0x04034b50
private const val END_BYTES = 22
private const val RECORD_BYTES = 46
private const val LOCAL_BYTES = 30

/** The fields that both headers have: version, flags, method, time, date, CRC-32, stored size, size. */
private const val REPEATED_BYTES = 22
private const val ENCRYPTED = 0x1
private const val DESCRIPTOR = 0x8
private const val UTF8 = 0x800
private const val LARGEST_SIZE = 0xfffffffeL
private const val LARGEST_COUNT = 0xfffe
private const val UNSIGNED = 0xffffffffL

private const val MOST_PROBLEMS = 10

/** A bundle has about ten files. */
private const val MOST_ENTRIES = 1000
private const val MOST_DIRECTORY_BYTES = 1L shl 20
private const val SHOWN_BYTES = 80

/** The error that lists what is wrong with a packed bundle. */
internal fun damagedPack(shown: String, problems: List<String>): BundleError {
    val more = problems.size - MOST_PROBLEMS
    val first = problems.take(MOST_PROBLEMS) + if (more > 0) listOf("and $more more") else emptyList()
    return BundleError(listed("$shown is not a packed bundle, or is damaged:", first) + "\n$REPAIR")
}

/**
 * Reads the directory of a packed bundle, a ZIP archive of the plainest kind: every entry is stored as it is, the entries
 * follow each other without gaps from byte 0, manifest.json is the first of them, and the directory follows the last one.
 * Whatever else a ZIP may be is refused. The twin of `packed/directory.py`.
 *
 * `java.util.zip` reads entries of any kind, and whole; here an entry is a range of the file, which can be mapped. No bytes
 * belong to two entries and nothing is unpacked, so that nothing grows when it is read.
 *
 * @param shown what messages call the packed file
 * @param size the bytes of the file
 * @param bytes gives `count` bytes of the file from `place` on
 */
internal class PackedDirectory(
    private val shown: String, private val size: Long, private val bytes: (place: Long, count: Int) -> ByteBuffer,
) {
    private val problems = mutableListOf<String>()

    /** What the directory says of an entry; [repeated] are the fields that its local header repeats. */
    private class Record(val name: ByteBuffer, val repeated: ByteBuffer, val place: Long) {
        val flags: Int get() = repeated.short(2)
        val method: Int get() = repeated.short(4)
        val crc: Long get() = repeated.long(10)
        val stored: Long get() = repeated.long(14)
        val size: Long get() = repeated.long(18)
    }

    /** The entries in the order of the file. Throws a [BundleError] that lists what is wrong. */
    fun entries(): List<PackedEntry> {
        val (records, directoryStart) = records()
        val entries = mutableListOf<PackedEntry>()
        val folded = mutableSetOf<String>()
        var place = 0L
        var complete = records.isNotEmpty()
        for (record in records) {
            val name = decoded(record.name)
            if (name != null && !folded.add(name.lowercase(Locale.ROOT))) problems += "$name is there twice"
            val called = name ?: shownName(record.name)
            problems += fieldProblems(record).map { "$called: $it" }
            val start = localStart(record, place, directoryStart, called)
            entries += PackedEntry(called, start ?: 0, record.size, record.crc)
            if (start == null) { // the places of all others follow from this one
                complete = false
                break
            }
            place = start + record.size
        }
        if (complete) {
            if (place != directoryStart) problems += "there are ${directoryStart - place} bytes between the last file and the directory"
            val first = entries.first().name
            if (first != MANIFEST_FILE) problems += "its first file is $first, and must be $MANIFEST_FILE"
        }
        if (problems.isNotEmpty()) throw damagedPack(shown, problems)
        return entries
    }

    /** The records of the directory, and where it begins. */
    private fun records(): Pair<List<Record>, Long> {
        val end = if (size < END_BYTES) null else block(size - END_BYTES, END_BYTES)
        if (end == null || end.getInt(0) != END_SIGNATURE) {
            return refused("it does not end as a packed bundle does: it is cut short, or is another kind of file")
        }
        val count = end.short(10)
        val length = end.long(12)
        val start = end.long(16)
        if (count > LARGEST_COUNT || maxOf(length, start) > LARGEST_SIZE) {
            return refused("it is in the format ZIP64, which packed bundles don't use")
        }
        if (end.short(4) != 0 || end.short(6) != 0 || end.short(8) != count) problems += "it is a part of an archive in several parts"
        if (end.short(20) != 0) problems += "it has a comment, or is cut short"
        if (start + length != size - END_BYTES) problems += "its directory is not where its end says"
        if (count !in 1..MOST_ENTRIES || length > MOST_DIRECTORY_BYTES) {
            problems += "its directory names $count files in $length bytes; a bundle has at most $MOST_ENTRIES"
        }
        if (problems.isNotEmpty()) return emptyList<Record>() to 0L
        val directory = block(start, length.toInt())
        val records = mutableListOf<Record>()
        var place = 0
        repeat(count) {
            if (directory.limit() < place + RECORD_BYTES || directory.getInt(place) != DIRECTORY_SIGNATURE) {
                problems += "its directory is damaged"
                return records to start
            }
            val named = directory.short(place + 28)
            val noted = directory.short(place + 30) + directory.short(place + 32)
            val name = directory.part(place + RECORD_BYTES, minOf(named, directory.limit() - place - RECORD_BYTES))
            if (noted != 0) problems += "${shownName(name)}: its record has an extra field or a comment"
            records += Record(name, directory.part(place + 6, REPEATED_BYTES), directory.long(place + 42))
            place += RECORD_BYTES + named + noted
        }
        if (place != directory.limit()) problems += "its directory is damaged"
        return records to start
    }

    private fun refused(problem: String): Pair<List<Record>, Long> {
        problems += problem
        return emptyList<Record>() to 0L
    }

    /** The name of an entry; null if it can't be one, which is added to the problems. */
    private fun decoded(name: ByteBuffer): String? {
        val text = try {
            Charsets.UTF_8.newDecoder().decode(name.duplicate()).toString()
        } catch (_: CharacterCodingException) {
            problems += "${shownName(name)} is not a name in UTF-8"
            return null
        }
        if (!isFileName(text) || text.split('/').any { it.isEmpty() || it == "." }) {
            problems += "${shownName(name)} is not the name of a file in a bundle"
            return null
        }
        return text
    }

    /** Where the data of an entry start, whose header must be at [place]; null if it is wrong, which is added to the problems. */
    private fun localStart(record: Record, place: Long, limit: Long, called: String): Long? {
        fun wrong(problem: String): Long? {
            problems += "$called: $problem"
            return null
        }
        if (record.place != place) {
            val what = if (record.place < place) "overlaps the file before it" else "does not follow the file before it"
            return wrong("it $what (its place is ${record.place} and not $place)")
        }
        val header = if (place + LOCAL_BYTES > size) null else block(place, LOCAL_BYTES)
        if (header == null || header.getInt(0) != LOCAL_SIGNATURE) return wrong("its header is damaged")
        val named = header.short(26)
        val agrees = header.part(4, REPEATED_BYTES) == record.repeated && named == record.name.remaining() &&
            place + LOCAL_BYTES + named <= size && block(place + LOCAL_BYTES, named) == record.name
        if (!agrees) return wrong("its header and the directory don't agree")
        val start = place + LOCAL_BYTES + named + header.short(28)
        if (start + record.size > limit) {
            return wrong("it reaches past the end of the data, ${start + record.size} and not $limit bytes")
        }
        if (start % FILE_ALIGNMENT != 0L) {
            return wrong("its data do not start at a multiple of $FILE_ALIGNMENT, as if another tool had packed it")
        }
        return start
    }

    private fun fieldProblems(record: Record): List<String> {
        val found = mutableListOf<String>()
        if (record.flags and ENCRYPTED != 0) found += "it is encrypted"
        if (record.flags and DESCRIPTOR != 0) found += "its sizes are behind its data (a data descriptor)"
        if (record.flags and (UTF8 or ENCRYPTED or DESCRIPTOR).inv() != 0) {
            found += "its flags are 0x${Integer.toHexString(record.flags)}, which packed bundles don't use"
        }
        if (record.method != 0) {
            found += "it is compressed (method ${record.method}), and files of a packed bundle are stored as they are"
        } else if (record.stored != record.size) {
            found += "its sizes don't agree: ${record.stored} and ${record.size} bytes"
        }
        return found
    }

    private fun block(place: Long, count: Int): ByteBuffer = bytes(place, count).order(ByteOrder.LITTLE_ENDIAN)
}

private fun shownName(name: ByteBuffer): String {
    val bytes = ByteArray(minOf(name.remaining(), SHOWN_BYTES)).also { name.duplicate().get(it) }
    return PythonText.repr(String(bytes, Charsets.UTF_8))
}

private fun ByteBuffer.short(at: Int): Int = getShort(at).toInt() and 0xffff

private fun ByteBuffer.long(at: Int): Long = getInt(at).toLong() and UNSIGNED

private fun ByteBuffer.part(at: Int, length: Int): ByteBuffer = rangeOf(this, at, length).order(ByteOrder.LITTLE_ENDIAN)

/** The bytes of [buffer] from [at] on, counted from its first byte. */
internal fun rangeOf(buffer: ByteBuffer, at: Int, length: Int): ByteBuffer {
    val view = buffer.duplicate() as Buffer // without the cast, the bytecode is not callable on Android before API 33
    view.limit(at + length)
    view.position(at)
    return (view as ByteBuffer).slice()
}
