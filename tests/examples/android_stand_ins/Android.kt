// Stand-ins of Android's classes: only what the example app uses, without behaviour.
package android.content.res

import java.io.Closeable
import java.io.FileDescriptor
import java.io.InputStream

class AssetManager {
    fun list(path: String): Array<String>? = TODO(path)
    fun open(fileName: String): InputStream = TODO(fileName)
    fun openFd(fileName: String): AssetFileDescriptor = TODO(fileName)
}

class AssetFileDescriptor : Closeable {
    val fileDescriptor: FileDescriptor get() = TODO()
    val startOffset: Long get() = TODO()
    val length: Long get() = TODO()
    override fun close(): Unit = TODO()
}
