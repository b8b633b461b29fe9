package albert.runtime.tokenization.fast

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.listed
import albert.runtime.tokenization.AddedToken
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.Alternatives
import albert.runtime.tokenization.TextNormalizer
import albert.runtime.tokenization.codePoints
import albert.runtime.tokenization.isContent
import albert.runtime.tokenization.isId
import albert.runtime.tokenization.isSpace
import albert.runtime.tokenization.isTrue
import albert.runtime.tokenization.isWordCharacter

/** An added token with the text that it stands for, or, if [token] is null, a text between two of them. */
internal class Section(val text: AlignedText, val token: String? = null)

/**
 * The "added_tokens" of a tokenizer.json, found as Hugging Face's `tokenizers` library does.
 *
 * A token is found in the text as it is, or, if it says `normalized`, in the text after normalization, where its own content
 * is normalized too. The longest token that begins first is taken. The twin of `fast/added_tokens.py`.
 */
internal class FastAddedTokens(records: Any?, private val normalizer: TextNormalizer) {
    /** All tokens, in the order of the file. */
    val tokens: List<AddedToken> = read(records)
    private val plain = Finder(tokens.filter { !it.normalized }.associateBy { it.content })
    private val normalized = Finder(
        tokens.filter { it.normalized }.associateBy { normalizer.normalize(AlignedText.of(it.content)).text }.filterKeys { it != "" },
    )

    /** The tokens in [text], and the normalized parts between them; no part is empty. */
    fun split(text: AlignedText): List<Section> = plain.split(text).flatMap { section ->
        if (section.token != null) listOf(section) else normalized.split(normalizer.normalize(section.text))
    }

    private class Finder(private val tokens: Map<String, AddedToken>) {
        private val any = Alternatives(tokens.keys.sortedByDescending { codePoints(it).size })

        fun split(text: AlignedText): List<Section> {
            val found = ArrayList<Section>()
            val codes = text.codes
            var start = 0
            for (match in any.findAll(codes)) {
                val token = tokens.getValue(match.content)
                var begin = match.start
                var end = match.end
                if (begin < start || (token.singleWord && !standsAlone(codes, begin, end))) continue
                // White space beside the token becomes a part of it, unless another token has taken it already.
                if (token.lstrip) while (begin > start && isSpace(codes[begin - 1])) begin--
                if (token.rstrip) while (end < codes.size && isSpace(codes[end])) end++
                if (begin > start) found += Section(text.part(start, begin))
                found += Section(text.part(begin, end), token.content)
                start = end
            }
            if (start < codes.size) found += Section(text.part(start, codes.size))
            return found
        }

        private fun standsAlone(codes: IntArray, begin: Int, end: Int): Boolean =
            !(begin > 0 && isWordCharacter(codes[begin - 1])) && !(end < codes.size && isWordCharacter(codes[end]))
    }

    private companion object {
        /** So many characters of a record are shown in messages. */
        const val SHOWN = 80

        fun read(records: Any?): List<AddedToken> {
            val given = records as? List<*> ?: listOf(records)
            val problems = given
                .filterNot { it is Map<*, *> && isContent(it["content"]) && isId(it["id"]) }
                .map { PythonText.repr(it).take(SHOWN) }
            if (problems.isNotEmpty()) {
                throw UnsupportedError(listed("added_tokens must hold objects with a content and an id, not:", problems))
            }
            return given.map { record ->
                record as Map<*, *>
                AddedToken(
                    record["content"] as String,
                    (record["id"] as Long).toInt(),
                    lstrip = isTrue(record["lstrip"]),
                    rstrip = isTrue(record["rstrip"]),
                    normalized = isTrue(record["normalized"]),
                    special = isTrue(record["special"]),
                    singleWord = isTrue(record["single_word"]),
                )
            }
        }
    }
}
