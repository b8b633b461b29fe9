package albert.runtime.bundle

import albert.runtime.AlbertError
import albert.runtime.BundleError
import albert.runtime.PythonText
import albert.runtime.Task
import albert.runtime.UsageError
import albert.runtime.json.Json
import albert.runtime.listed
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.util.Locale

/** The ending of a packed bundle's name. */
private const val PACKED_SUFFIX = ".albert"

/** Files that show that a folder is a checkpoint and not a bundle. */
private val CHECKPOINT_FILES = listOf(
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "albert_config.json", "tf_model.h5",
)

/**
 * An opened bundle: its manifest has been read and checked. The twin of `bundle.py`.
 *
 * @property source where the files are
 * @property manifest what the bundle holds
 * @property config the content of config.json, the model's configuration
 */
class Bundle internal constructor(
    val source: BundleSource,
    val manifest: Manifest,
    val config: Map<String, Any?>,
) : Closeable by source {
    /** What messages call the bundle, such as its folder. */
    val location: String get() = source.location

    /** The task that the bundle was made for, with the outputs that its graph has. */
    val task: Task = manifest.graphTask

    /** The most tokens in one sequence, special tokens included. */
    val maxLength: Int get() = minOf(manifest.maxLength, manifest.sequenceLength ?: manifest.maxLength)

    companion object {
        /**
         * Open the bundle in a folder, or in a packed `.albert` file.
         *
         * @param check also compare the hash of every file with the manifest; it is always checked that they are there
         * @throws UsageError there is no such folder or file
         * @throws BundleError it is not a bundle, is incomplete or damaged, or has another format version
         */
        @JvmOverloads
        fun open(path: File, check: Boolean = true): Bundle {
            if (path.isFile && path.name.lowercase(Locale.ROOT).endsWith(PACKED_SUFFIX)) {
                val source = PackedSource.open(path)
                return try {
                    open(source, check)
                } catch (error: AlbertError) {
                    source.close()
                    throw error
                }
            }
            if (!path.isDirectory) throw UsageError(notAFolder(path))
            if (!File(path, MANIFEST_FILE).isFile) throw BundleError(notABundle(path))
            return open(FolderSource(path), check)
        }

        /**
         * Open the bundle in [source], which the bundle closes when it is closed.
         *
         * @throws BundleError it is not a bundle, is incomplete or damaged, or has another format version
         */
        @JvmOverloads
        fun open(source: BundleSource, check: Boolean = true): Bundle {
            if (MANIFEST_FILE !in source.names()) {
                throw BundleError(
                    "${source.location} is not a bundle: it has no $MANIFEST_FILE; " +
                        "`albert-export onnx` and `albert-export tflite` make one",
                )
            }
            val record = readJson(source, MANIFEST_FILE)
            val manifest = try {
                Manifest.of(record)
            } catch (error: BundleError) {
                throw BundleError("${source.location}: ${error.message}", error)
            }
            // A folder may hold what its owner put there; nobody puts a file into a packed bundle by accident.
            val packing = (source as? PackedSource)?.problems(manifest).orEmpty()
            if (packing.isNotEmpty()) throw damagedPack(source.location, packing)
            val problems = fileProblems(source, manifest, check)
            if (problems.isNotEmpty()) {
                throw BundleError(
                    listed("the bundle ${source.location} is damaged:", problems) +
                        "\nCopy it again from where it was exported.",
                )
            }
            val config = readJson(source, CONFIG_FILE)
            if (config !is Map<*, *>) {
                throw BundleError(
                    "${source.path(CONFIG_FILE)} must hold a JSON object, not ${PythonText.typeName(config)}",
                )
            }
            @Suppress("UNCHECKED_CAST")
            return Bundle(source, manifest, config as Map<String, Any?>)
        }
    }
}

private fun fileProblems(source: BundleSource, manifest: Manifest, check: Boolean): List<String> {
    val present = source.names()
    val problems = mutableListOf<String>()
    for ((name, expected) in manifest.files.toSortedMap()) {
        if (name !in present) {
            problems += "$name is missing"
            continue
        }
        try {
            if (check && source.sha256(name) != expected.lowercase()) {
                problems += failedDownload(source, name)
                    ?: "$name (${source.size(name)} bytes) is not the file that was exported"
            }
        } catch (error: IOException) {
            problems += "$name can't be read: ${error.message}"
        }
    }
    return problems
}

private fun readJson(source: BundleSource, name: String): Any? {
    val bytes = source.read(name)
    return try {
        Json.parse(String(bytes, Charsets.UTF_8).removePrefix("\uFEFF"))
    } catch (error: IllegalArgumentException) {
        throw BundleError(
            failedDownload(source, name) ?: "${source.path(name)} is not valid JSON: ${error.message}", error,
        )
    }
}

private fun notAFolder(path: File): String {
    if (!path.exists()) {
        return "there is no folder $path; give the folder that `albert-export onnx` or `albert-export tflite` wrote"
    }
    val folder = path.absoluteFile.parentFile
    if (File(folder, MANIFEST_FILE).isFile) {
        return "$path is a file of a bundle; give the whole folder: ${path.parentFile ?: "."}"
    }
    return failedDownload(FolderSource(folder), path.name)
        ?: "$path is a file; a bundle is the folder that `albert-export onnx` or `albert-export tflite` wrote"
}

private fun notABundle(folder: File): String {
    val names = folder.list()?.toList() ?: emptyList()
    val checkpoint = names.any { it in CHECKPOINT_FILES || Regex(".*\\.ckpt.*\\.index").matches(it) }
    return when {
        checkpoint -> "$folder is a checkpoint, not a bundle; export it first: " +
            "albert-export onnx --model $folder --task TASK --output BUNDLE (or albert-export tflite)"
        names.isEmpty() ->
            "$folder is an empty folder, not a bundle; `albert-export onnx` and `albert-export tflite` make one"
        else -> "$folder is not a bundle: it has no $MANIFEST_FILE; " +
            "`albert-export onnx` and `albert-export tflite` make one"
    }
}
