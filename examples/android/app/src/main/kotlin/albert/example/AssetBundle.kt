package albert.example

import albert.runtime.BundleError
import albert.runtime.bundle.BundleSource
import albert.runtime.bundle.StreamSource
import android.content.res.AssetManager
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/**
 * The bundle in a folder of the app's assets. Its model is mapped into memory; for that it must lie uncompressed in the app
 * (`noCompress` in build.gradle.kts).
 *
 * @throws BundleError there is no such folder
 */
fun AssetManager.bundle(folder: String): BundleSource {
    val names = list(folder).orEmpty().toSet()
    if (names.isEmpty()) throw BundleError("The app has no bundle in assets/$folder; run: gradle exportDemoBundles")
    return StreamSource("assets/$folder", names, { open("$folder/$it") }) { mapped("$folder/$it") }
}

private fun AssetManager.mapped(path: String): ByteBuffer = openFd(path).use { asset ->
    FileInputStream(asset.fileDescriptor).use {
        it.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.length)
    }
}
