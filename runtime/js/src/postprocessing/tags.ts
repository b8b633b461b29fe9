/** Tags: what the name of one label of token classification says, and which neighbouring tags form one entity. */

/** the label of what belongs to no entity */
export const OUTSIDE = "O";

const PREFIXED = /^([BIELSU])-([\s\S]+)$/;

/** One label, read: the place of a word in its entity, and the kind of the entity. */
export interface Tag {
	/** "B"(egin), "I"(nside), "E"(nd) or "S"(ingle) */
	position: string;
	/** the kind of the entity, such as "PER"; "O" for what belongs to no entity */
	kind: string;
	/** whether an entity begins here, whatever stands before it */
	begins: boolean;
	/** whether the entity ends here, whatever follows */
	ends: boolean;
}

/**
 * The tag that `label` stands for. The prefixes are those of the schemes BIO, BIOES and BILOU, and a label without such a
 * prefix, "O" included, is a kind whose neighbours continue each other.
 */
export function readTag(label: string): Tag {
	const match = PREFIXED.exec(label);
	if (match === null) return tag("I", label);
	const [, letter = "I", kind = label] = match;
	// The schemes BILOU and BIOES use different letters for the same thing: Last is End, and Unit is Single.
	return tag(letter === "L" ? "E" : letter === "U" ? "S" : letter, kind);
}

/** Neighbours from `start` up to, but without, `stop`. */
export interface Range {
	start: number;
	stop: number;
}

/**
 * The neighbours that form one entity, in order; every tag is in one group, also those of the kind "O".
 *
 * B- begins an entity, I- continues one of the same kind (or begins one if there is none), E- ends one, and S- is an
 * entity by itself.
 */
export function groupTags(tags: readonly Tag[]): Range[] {
	const groups: Range[] = [];
	let openKind: string | null = null;
	tags.forEach((one, place) => {
		const last = groups.at(-1);
		if (last !== undefined && one.kind === openKind && !one.begins) last.stop = place + 1;
		else groups.push({ start: place, stop: place + 1 });
		openKind = one.ends ? null : one.kind;
	});
	return groups;
}

function tag(position: string, kind: string): Tag {
	return { position, kind, begins: position === "B" || position === "S", ends: position === "E" || position === "S" };
}
