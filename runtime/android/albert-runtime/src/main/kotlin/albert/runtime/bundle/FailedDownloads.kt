package albert.runtime.bundle

import albert.runtime.PythonText
import java.io.IOException
import java.util.Locale

/** No pointer, and no answer of a server that is text, is longer than this. */
private const val HEAD_BYTES = 1024

/** The specification of Git LFS and the names that the format had before. */
private val LFS_POINTER = Regex("version https?://(git-lfs\\.github\\.com|hawser\\.github\\.com|git-media\\.io)/")
private val LFS_SIZE = Regex("^size (\\d+)\\s*$", RegexOption.MULTILINE)

/** git-annex, git-xet, and links that were copied as text. */
private val OTHER_POINTERS = listOf(
    Triple(Regex("/annex/objects/"), "a pointer of git-annex", "git annex get NAME"),
    Triple(Regex("# xet version "), "a pointer of git-xet", "git xet install && git xet checkout"),
    Triple(Regex("(\\.\\./)+blobs/[0-9a-f]{32,64}\\s*$"), "a link that was copied as text", ""),
)
private val WEB_PAGE =
    Regex("(<!--[\\s\\S]*?-->\\s*)?<(!doctype html|html|head|body|\\?xml|error>)", RegexOption.IGNORE_CASE)

/** How the hub, GitHub and object stores say in plain text that they don't give a file. */
private val REFUSAL = Regex(
    "(entry|repository|revision|file) not found|invalid username or password|access to \\w+ |unauthorized|forbidden" +
        "|(40[0134]|not found)\\b|\\{\"(error|message)\":|you need to be authenticated",
    RegexOption.IGNORE_CASE,
)

/** The first bytes of an archive, as Latin-1 -> what it is, and the command that unpacks it. */
private val ARCHIVES = listOf(
    Triple("PK\u0003\u0004", "a zip archive", "unzip"),
    Triple("\u001f\u008b\u0008", "a gzip archive", "gunzip"),
    Triple("BZh", "a bzip2 archive", "bunzip2"),
    Triple("\u00fd7zXZ\u0000", "an xz archive", "unxz"),
    Triple("(\u00b5/\u00fd", "a zstd archive", "unzstd"),
    Triple("7z\u00bc\u00af'\u001c", "a 7z archive", "7z x"),
)

/**
 * What a file holds that a download left in place of the real one, and what to type; null if its beginning is no sign.
 * The twin of `failed_downloads.py`, asked where a file could not be opened as what it should be.
 */
internal fun failedDownload(source: BundleSource, name: String): String? {
    val bytes: ByteArray
    val size: Long
    try {
        bytes = source.head(name, HEAD_BYTES)
        size = source.size(name)
    } catch (_: IOException) {
        return null // the caller says why the file can't be read
    }
    val file = source.path(name)
    val again = "hf download OWNER/NAME --local-dir ${source.location}"
    if (size == 0L) {
        return "$file is empty (0 bytes), so it is damaged: a download or a copy was not completed; fetch it again"
    }
    val head = String(bytes, Charsets.ISO_8859_1)
    val text = PythonText.stripStart(head.removePrefix("\u00ef\u00bb\u00bf"))
    if (LFS_POINTER.lookingAt(text)) {
        val real = LFS_SIZE.find(text)?.groupValues?.get(1)?.toLongOrNull()
        val missing = if (real == null) {
            "the file was not fetched"
        } else {
            "the file itself, of ${String.format(Locale.ROOT, "%,d", real)} bytes, was not fetched"
        }
        return "$file is a pointer of Git LFS ($size bytes), and $missing. " +
            "In ${source.location}, type: git lfs install && git lfs pull (or anywhere: $again)"
    }
    if (size <= HEAD_BYTES) {
        for ((pattern, what, command) in OTHER_POINTERS) {
            if (!pattern.lookingAt(text)) continue
            val typed = command.replace("NAME", name)
            val advice = if (command.isEmpty()) "Type" else "In ${source.location}, type: $typed (or anywhere"
            return "$file is $what ($size bytes), not the file. $advice: $again${if (command.isEmpty()) "" else ")"}"
        }
    }
    if (WEB_PAGE.lookingAt(text)) {
        return "$file is a web page, not the file: the download saved a login, an error, or the page that shows the " +
            "file. Take the link that has \"resolve\" in place of \"blob\" (on GitHub: raw), or type: $again " +
            "(after hf auth login if the model is private or gated)"
    }
    if (size <= HEAD_BYTES && REFUSAL.lookingAt(text)) {
        val answer = PythonText.strip(String(bytes, Charsets.UTF_8)).substringBefore('\n').take(80)
        return "$file is the answer of a server that refused the download (${PythonText.repr(answer)}), not the file. " +
            "Check the address, or type: $again (after hf auth login if the model is private or gated)"
    }
    val archive = ARCHIVES.firstOrNull { head.startsWith(it.first) } ?: return null
    return "$file is ${archive.second}; unpack it first: ${archive.third} ${name.substringAfterLast('/')}, " +
        "and give what was in it"
}

/** Whether the pattern matches at the beginning of [text]. */
private fun Regex.lookingAt(text: String): Boolean = toPattern().matcher(text).lookingAt()
