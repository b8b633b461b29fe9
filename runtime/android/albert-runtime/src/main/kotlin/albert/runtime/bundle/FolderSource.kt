package albert.runtime.bundle

import albert.runtime.BundleError
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream

/** The bundle in a folder. Files are read when they are asked for, and the graph is opened where it lies. */
class FolderSource(val folder: File) : BundleSource {
    override val location: String get() = folder.path

    /** The names of all files, also of those in folders inside the folder, with "/" between the parts. */
    override fun names(): Set<String> =
        folder.walkTopDown().filter { it.isFile }.map { it.relativeTo(folder).path.replace(File.separatorChar, '/') }.toSet()

    override fun read(name: String): ByteArray =
        try {
            File(folder, name).readBytes()
        } catch (error: IOException) {
            throw BundleError("${path(name)} can't be read: ${error.message}", error)
        }

    override fun open(name: String): InputStream = FileInputStream(File(folder, name))

    override fun size(name: String): Long = File(folder, name).length()

    override fun model(name: String): ModelData = ModelData.of(File(folder, name))

    override fun path(name: String): String = File(folder, name).path
}
