package albert.runtime.bundle

import albert.runtime.BundleError

/** The files of one bundle by name, wherever they are kept. */
interface BundleFiles {
    /** The names of all files. */
    fun names(): Set<String>

    /** The bytes of the file called [name]. */
    @Throws(BundleError::class)
    fun read(name: String): ByteArray
}
