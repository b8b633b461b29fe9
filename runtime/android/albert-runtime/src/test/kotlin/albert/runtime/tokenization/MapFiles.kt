package albert.runtime.tokenization

import albert.runtime.BundleError
import albert.runtime.bundle.BundleFiles

/** Files that a test holds in memory. */
internal class MapFiles(private val content: Map<String, ByteArray>) : BundleFiles {
    override fun names(): Set<String> = content.keys

    override fun read(name: String): ByteArray = content[name] ?: throw BundleError("there is no $name")

    companion object {
        /** Files with texts. */
        fun of(vararg files: Pair<String, String>) = MapFiles(files.associate { (name, text) -> name to text.toByteArray() })
    }
}
