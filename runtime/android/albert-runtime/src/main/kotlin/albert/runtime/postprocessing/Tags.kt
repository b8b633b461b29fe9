package albert.runtime.postprocessing

/** The label of what belongs to no entity. */
internal const val OUTSIDE = "O"

/** The schemes BILOU and BIOES use different letters for the same thing: Last is End, and Unit is Single. */
private val SAME_AS = mapOf('L' to 'E', 'U' to 'S')

/**
 * One label, read: the place of a word in its entity, and the kind of the entity. The twin of `tags.Tag`.
 *
 * @property position B(egin), I(nside), E(nd) or S(ingle)
 * @property kind the kind of the entity, such as "PER"; "O" for what belongs to no entity
 */
internal data class Tag(val position: Char, val kind: String) {
    /** Whether an entity begins here, whatever stands before it. */
    val begins: Boolean get() = position == 'B' || position == 'S'

    /** Whether the entity ends here, whatever follows. */
    val ends: Boolean get() = position == 'E' || position == 'S'
}

/**
 * The tag that [label] stands for. The label is read by itself: the prefixes are those of the schemes BIO, BIOES and
 * BILOU, and a label without such a prefix, "O" included, is a kind whose neighbours continue each other.
 */
internal fun readTag(label: String): Tag {
    if (label.length < 3 || label[1] != '-' || label[0] !in "BIELSU") return Tag('I', label)
    return Tag(SAME_AS[label[0]] ?: label[0], label.substring(2))
}

/**
 * The neighbours that form one entity, in order; every tag is in one group, also those of the kind "O".
 *
 * B- begins an entity, I- continues one of the same kind (or begins one if there is none), E- ends one, and S- is an
 * entity by itself.
 */
internal fun groupTags(tags: List<Tag>): List<IntRange> {
    val groups = mutableListOf<IntRange>()
    var openKind: String? = null
    tags.forEachIndexed { place, tag ->
        if (tag.kind == openKind && !tag.begins) groups[groups.size - 1] = groups.last().first..place else groups += place..place
        openKind = if (tag.ends) null else tag.kind
    }
    return groups
}
