package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.UsageError
import albert.runtime.listed

/**
 * The pieces and the added tokens of one tokenizer, by content and by id. It never changes after construction, so threads
 * may share it. The twin of `vocabulary.py`.
 */
class Vocabulary internal constructor(
    private val model: PieceModel,
    specialTokens: SpecialTokens,
    addedTokens: List<AddedToken>,
    additionalSpecialTokens: List<String>,
) {
    private val tokens: List<AddedToken>

    /** Finds the added tokens in texts. */
    internal val added: AddedVocabulary
    private val idOfContent: Map<String, Int>
    private val contentOfId: Map<Int, String>

    /** The ids of the tokens that have a role, and of the other special ones. */
    val specialIds: Set<Int>

    // Hugging Face decodes these with a space on both sides.
    private val decodedAlone: Set<String>

    init {
        val special = (specialTokens.contents + additionalSpecialTokens).distinct()
        tokens = withIds(addedTokens, special, specialTokens, model)
        added = AddedVocabulary(tokens, special)
        idOfContent = tokens.associate { it.content to it.id!! }
        contentOfId = idOfContent.entries.associate { (content, id) -> id to content }
        specialIds = special.mapTo(HashSet()) { idOfContent.getValue(it) }
        decodedAlone = idOfContent.filter { (content, id) ->
            content !in special || (content in additionalSpecialTokens && id >= model.size)
        }.keys
    }

    /** One more than the largest id. */
    val size: Int get() = maxOf(model.size, (contentOfId.keys.maxOrNull() ?: -1) + 1)

    /** The content of each token that is no piece -> its id, in the order of the ids. */
    val beyondPieces: Map<String, Int> by lazy {
        contentOfId.keys.sorted().filter { it >= model.size }.associateBy { contentOfId.getValue(it) }
    }

    /** The ids of all tokens, in order. Usually there are no gaps. */
    val allIds: IntArray by lazy { IntArray(model.size) { it } + beyondPieces.values }

    /** The id of [token]; the id of `<unk>` if it is not in the vocabulary. */
    fun idOf(token: String): Int = idOfContent[token] ?: model.idOf(token)

    /**
     * The token of each id.
     *
     * @throws UsageError an id is not in the vocabulary
     */
    fun tokensOf(ids: IntArray): List<String> {
        val pieces = model.size
        val foreign = ids.filter { it !in 0 until pieces && it !in contentOfId }.toSortedSet()
        if (foreign.isNotEmpty()) {
            val more = if (beyondPieces.isEmpty()) "" else " and ${beyondPieces.size} added tokens"
            throw UsageError(
                "token ids ${foreign.joinToString(", ")} are not in the vocabulary of $pieces pieces (0 to ${pieces - 1})$more",
            )
        }
        return ids.map { contentOfId[it] ?: model.pieceOf(it) }
    }

    /** The text of [tokens], as Hugging Face's slow tokenizer gives it. */
    internal fun decode(tokens: List<String>, skipSpecialTokens: Boolean): String {
        val texts = ArrayList<String>()
        var together = ArrayList<String>()
        for (token in tokens) {
            if (skipSpecialTokens && token in added.special) continue
            if (token !in decodedAlone) {
                together += token
                continue
            }
            if (together.isNotEmpty()) spell(together).let { if (it.isNotEmpty()) texts += it }
            together = ArrayList()
            texts += token
        }
        if (together.isNotEmpty()) texts += spell(together)
        return texts.joinToString(" ")
    }

    /** The text of pieces and special tokens. */
    private fun spell(tokens: List<String>): String {
        if (model is WordPieceModel) return model.join(tokens)
        val text = StringBuilder()
        val ordinary = ArrayList<String>()
        var followsSpecial = false
        for (token in tokens) {
            followsSpecial = if (token !in added.special) {
                ordinary += token
                false
            } else {
                // SentencePiece decodes a text without a space at its front, so one is added before the ordinary tokens that
                // precede a special token; Hugging Face writes no space between two special tokens.
                text.append(if (followsSpecial) "" else " ").append(model.join(ordinary)).append(token)
                ordinary.clear()
                true
            }
        }
        return PythonText.strip(text.append(model.join(ordinary)).toString())
    }
}

/**
 * [tokens], and the [special] ones that are not among them, each with its id.
 *
 * A token without an id gets that of the piece with its content. If there is none, it gets the first id behind the number of
 * all pieces and tokens, and the next such token the id after that.
 */
private fun withIds(
    tokens: List<AddedToken>, special: List<String>, roles: SpecialTokens, model: PieceModel,
): List<AddedToken> {
    val known = LinkedHashMap<String, AddedToken>()
    for (token in tokens) known[token.content] = token
    // Hugging Face adds the tokens of roles in the order of the roles, and then the additional special tokens.
    for (content in roles.inOrderOfRoles + special) {
        if (content !in known) known[content] = AddedToken(content, lstrip = content == roles.mask && model.maskTakesSpace)
    }
    var following = model.size + known.values.count { it.id != null && !model.holds(it.content) }
    val owners = HashMap<Int, String>()
    val problems = ArrayList<String>()
    val found = known.values.map { token ->
        val piece = if (model.holds(token.content)) model.idOf(token.content) else null
        val id = token.id ?: piece ?: following++
        if (piece != null && id != piece) {
            problems += "${token.content} is token $id in tokenizer_config.json, and $piece in the vocabulary"
        } else if (piece == null && id < model.size) {
            problems += "${token.content} is token $id, which is the piece ${model.pieceOf(id)}"
        } else if (id in owners) {
            problems += "${token.content} and ${owners[id]} are both token $id"
        }
        owners[id] = token.content
        token.copy(id = id)
    }
    if (problems.isNotEmpty()) throw UnsupportedError(listed("the added tokens don't fit the vocabulary:", problems))
    return found
}
