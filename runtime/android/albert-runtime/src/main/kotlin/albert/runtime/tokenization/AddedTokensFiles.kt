package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.bundle.BundleFiles

// Reads which tokens were added to a vocabulary, from the files where Hugging Face's slow tokenizer reads it.
// tokenizer_config.json says it in "added_tokens_decoder". Older folders have no such table; there, the tokens are in
// special_tokens_map.json, added_tokens.json and the "added_tokens" of tokenizer.json. The twin of `added_tokens_files.py`.

private const val TABLE = "added_tokens_decoder"
private const val ADDITIONAL = "additional_special_tokens"
private const val EXTRA = "extra_special_tokens"

/** What the files of one bundle say about tokens; [problems] says what of it is not supported. */
internal class TokenFiles(
    /** role -> its token */
    val roles: Map<String, String>,
    /** the tokens that have a role and the added tokens, in the order in which Hugging Face's tokenizer has them */
    val tokens: List<AddedToken>,
    /** the tokens that are special besides those that have a role */
    val additional: List<String>,
    val problems: List<String>,
)

/**
 * The tokens of the tokenizer in [files].
 *
 * @param settings the content of tokenizer_config.json
 * @param usual role -> the token that has it if the files do not say
 * @param maskTakesSpace whether a mask that is written in a text includes the space on its left, if the files do not say
 */
internal fun readTokens(
    settings: Map<*, *>, files: BundleFiles, usual: Map<String, String>, maskTakesSpace: Boolean,
): TokenFiles = TokenFilesReader(settings, files, usual).read(maskTakesSpace)

private class TokenFilesReader(private var settings: Map<*, *>, private val files: BundleFiles, private val usual: Map<String, String>) {
    private val problems = ArrayList<String>()

    fun read(maskTakesSpace: Boolean): TokenFiles {
        val stated: List<AddedToken>
        val described: List<AddedToken>
        if (TABLE in settings) {
            stated = tokensInTable(settings[TABLE])
            described = stated
        } else {
            // Hugging Face does not read this file if there is a table.
            settings = withSpecialTokensMap(TokenizerFile(files, "special_tokens_map.json").readObject())
            val special = additional(null).map(::contentOf).toSet() + roles(null).values
            val added = TokenizerFile(files, "added_tokens.json").readObject().mapNotNull { (content, id) ->
                val isSpecial = content in special
                valid(content, id) { AddedToken(it, null, normalized = !isSpecial, special = isSpecial) }
            }
            val inJson = TokenizerFile(files, FAST_TOKENIZER_FILE).readObject()["added_tokens"]
            val records = records(inJson, "added_tokens in tokenizer.json", problems).filterIsInstance<Map<*, *>>()
            described = records.mapNotNull { token(it, it["id"]) }
            stated = (added + described).associateBy { Pair(it.content, it.id) }.values.toList()
        }
        val roles = roles(problems)
        val additional = additional(problems).filter { contentOf(it) !in roles.values }
        val mask = if (maskTakesSpace) roles["mask_token"] else null
        val ofRoles = roleTokens(roles, described, mask)
        val extra = additional.map { if (it is String) Pair(it, null) else (it as Map<*, *>).let { one -> Pair(contentOf(one) as String, flagged(one)) } }
        val tokens = withRoles(stated, ofRoles + extra)
        problems += contradictions(tokens)
        return TokenFiles(roles, tokens, additional.map { contentOf(it) as String }.distinct(), problems)
    }

    /** The settings with the roles and the additional special tokens of special_tokens_map.json. */
    private fun withSpecialTokensMap(map: Map<*, *>): Map<*, *> {
        val tokens = additional(problems).toMutableList()
        val known = tokens.map(::contentOf).toSet()
        tokens.addAll(additional(problems, map).filter { contentOf(it) !in known })
        return settings + map + mapOf(ADDITIONAL to tokens, EXTRA to emptyList<Any?>())
    }

    /** The additional special tokens. transformers 5 calls them "extra"; before, a table of attributes had this name. */
    private fun additional(problems: MutableList<String>?, from: Map<*, *> = settings): List<Any?> {
        val extra = from[EXTRA].let { if (it is Map<*, *>) it.values.toList() else it }
        return records(from[ADDITIONAL], ADDITIONAL, problems) + records(extra, EXTRA, problems)
    }

    /** The tokens in a list, each a string or an object with a text as its `content`; null is an empty list. */
    private fun records(value: Any?, name: String, problems: MutableList<String>?): List<Any?> {
        if (value == null) return emptyList()
        if (value !is List<*> || value.any { contentOf(it) !is String }) {
            problems?.add("$name must be a list of tokens")
            return emptyList()
        }
        return value
    }

    private fun tokensInTable(table: Any?): List<AddedToken> {
        val ids = (table as? Map<*, *>)?.mapKeys { (id, _) -> PythonText.strip(id as String).toLongOrNull() }
        if (ids == null || null in ids || ids.values.any { it !is String && it !is Map<*, *> }) {
            problems += "$TABLE must be a table of ids and tokens"
            return emptyList()
        }
        return ids.mapNotNull { (id, record) -> token(record, id) }
    }

    /** The token that [record] describes, with [id]; null, and a problem, if its content or its id can't be one. */
    private fun token(record: Any?, id: Any?): AddedToken? {
        val flags = flagged(record)
        return valid(contentOf(record), id) { flags.copy(content = it) }
    }

    private fun valid(content: Any?, id: Any?, make: (String) -> AddedToken): AddedToken? {
        if (!isContent(content)) {
            problems += "an added token is ${PythonText.repr(content)}, and must be a text"
            return null
        }
        if (id != null && !isId(id)) {
            problems += "$content has the id ${PythonText.repr(id)}, and must have a whole number below $LARGEST_ID"
            return null
        }
        return make(content as String).copy(id = (id as Long?)?.toInt())
    }

    /** A token with the flags of [record], which is a string, or an object with the fields of Hugging Face's AddedToken. */
    private fun flagged(record: Any?): AddedToken {
        val fields = record as? Map<*, *> ?: emptyMap<String, Any?>()
        if (isTrue(fields["single_word"])) {
            problems += "${contentOf(record)} has single_word, so that it is found only between spaces, which is not supported"
        }
        val special = isTrue(fields["special"])
        return AddedToken(
            contentOf(record) as? String ?: "",
            lstrip = isTrue(fields["lstrip"]),
            rstrip = isTrue(fields["rstrip"]),
            normalized = if ("normalized" in fields) isTrue(fields["normalized"]) else !special,
            special = special,
        )
    }

    /** Role -> its token; the beginning and the end of a sequence may be set although they are not usual. */
    private fun roles(problems: MutableList<String>?): Map<String, String> {
        val names = (listOf("bos_token", "eos_token") + usual.keys).distinct()
        val found = LinkedHashMap<String, String>()
        for (role in names) {
            val content = contentOf(settings[role])
            if (content != null && content !is String) {
                problems?.add("$role is ${PythonText.repr(content)}, and must be a text")
            }
            val token = (content as? String)?.takeIf { it.isNotEmpty() } ?: usual[role]
            if (token != null) found[role] = token
        }
        return found
    }

    /** The content of the token of each role, once, and its flags, or null if the settings state none for it. */
    private fun roleTokens(
        roles: Map<String, String>, described: List<AddedToken>, takingSpace: String?,
    ): List<Pair<String, AddedToken?>> {
        val flags = described.associateBy { it.content }
        val found = LinkedHashMap<String, AddedToken?>()
        for ((role, content) in roles) {
            if (content in found) continue // [CLS] and [SEP] have two roles each; the first one counts
            val given = settings[role]
            found[content] = when {
                given != null && content in flags -> flags[content]
                given is Map<*, *> -> flagged(given).copy(content = content)
                content == takingSpace -> AddedToken(content, lstrip = true)
                else -> null
            }
        }
        return found.toList()
    }
}

/** The text of a token, which is written either as a string or as an object with `content`. */
private fun contentOf(token: Any?): Any? = if (token is Map<*, *>) token["content"] else token

/** [stated] with the special tokens. The flags of a special token replace those that are stated for it. */
private fun withRoles(stated: List<AddedToken>, special: List<Pair<String, AddedToken?>>): List<AddedToken> {
    val tokens = stated.toMutableList()
    val places = HashMap<String, Int>()
    for ((place, token) in tokens.withIndex()) places[token.content] = place
    for ((content, flags) in special) {
        val place = places[content]
        if (place == null) {
            places[content] = tokens.size
            tokens += flags?.copy(special = true) ?: AddedToken(content)
        } else if (flags != null) {
            tokens[place] = flags.copy(id = tokens[place].id, special = true)
        }
    }
    return tokens
}

/** What keeps the tokens from having one content and one id each. */
private fun contradictions(tokens: List<AddedToken>): List<String> {
    val problems = ArrayList<String>()
    val contents = HashMap<String, Int?>()
    val ids = HashMap<Int, String>()
    for (token in tokens) {
        val other = contents[token.content]
        if (token.content in contents) problems += "${token.content} is token ${other ?: "None"} and token ${token.id ?: "None"}"
        contents[token.content] = token.id
        val id = token.id ?: continue
        val owner = ids.getOrPut(id) { token.content }
        if (owner != token.content) problems += "token $id is $owner and ${token.content}"
    }
    return problems
}
