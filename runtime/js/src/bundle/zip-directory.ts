/**
 * Reads the directory of a packed bundle, a `.albert` file, and refuses whatever its contract does not allow.
 *
 * The file is a ZIP archive (APPNOTE.TXT 6.3.10 of PKWARE) in which every entry is stored as it is (method 0). The entries
 * follow each other without gaps from byte 0, manifest.json is the first of them, and the directory and its end record
 * follow the last one. There is no encryption, no data descriptor, no comment and no ZIP64. The data of an entry start at
 * a multiple of 64 bytes. Declared sizes are compared with the places of the entries before anything is read.
 */

import { BundleError, listed } from "../errors";
import { repr } from "../repr";
import { MANIFEST_FILE } from "./layout";
import { isFileName } from "./manifest";

/** The bytes of a file, read at any place. */
export interface RandomAccess {
	readonly size: number;
	/** The bytes from `start` to `end`; fewer if the file ends before. */
	read(start: number, end: number): Promise<Uint8Array>;
}

/** A file inside a packed bundle: where its bytes begin, and how many there are. */
export interface Entry {
	start: number;
	size: number;
	crc32: number;
}

/** What the directory says of an entry. */
interface DirectoryRecord {
	name: Uint8Array;
	/** what the local header repeats: version, flags, method, time, date, CRC-32, stored size, size */
	repeated: Uint8Array;
	flags: number;
	method: number;
	crc32: number;
	stored: number;
	size: number;
	/** the place of the local header */
	place: number;
}

const REPAIR = "Copy it again from where it was packed, or pack the bundle's folder again: albert-export pack BUNDLE";
const MOST_PROBLEMS = 10;
/** a bundle has about ten files */
const MOST_ENTRIES = 1000;
const MOST_DIRECTORY_BYTES = 1 << 20;
const FILE_ALIGNMENT = 64;
const [LOCAL_BYTES, RECORD_BYTES, END_BYTES] = [30, 46, 22];
const [LOCAL_SIGNATURE, RECORD_SIGNATURE, END_SIGNATURE] = [0x04034b50, 0x02014b50, 0x06054b50];
const [ENCRYPTED_FLAG, DESCRIPTOR_FLAG, UTF8_FLAG] = [0x1, 0x8, 0x800];
/** sizes, places and numbers of entries from these on would need ZIP64 */
const [LARGEST_SIZE, LARGEST_COUNT] = [0xfffffffe, 0xfffe];

/**
 * The entries of a packed bundle by name, in their order in the file.
 *
 * Throws a BundleError if it is damaged, cut short, or not a packed bundle; the message lists what is wrong.
 *
 * @param shown what messages call the file
 */
export async function readDirectory(file: RandomAccess, shown: string): Promise<Map<string, Entry>> {
	const { records, start: directoryStart, problems } = await readRecords(file);
	const entries = new Map<string, Entry>();
	const folded = new Set<string>();
	let place = 0;
	let broken = false;
	for (const record of records) {
		const [name, nameProblem] = decoded(record.name);
		const local = await localEntry(file, record, place, directoryStart);
		if (nameProblem) problems.push(nameProblem);
		else if (folded.has(name.toLowerCase())) problems.push(`${name} is there twice`);
		problems.push(...[...fieldProblems(record), ...local.problems].map((problem) => `${name}: ${problem}`));
		folded.add(name.toLowerCase());
		entries.set(name, { start: local.start, size: record.size, crc32: record.crc32 });
		broken = local.problems.length > 0;
		if (broken) break; // the places of all others follow from this one
		place = local.start + record.size;
	}
	const [first] = entries.keys();
	if (first !== undefined && !broken) {
		if (place !== directoryStart) {
			problems.push(`there are ${directoryStart - place} bytes between the last file and the directory`);
		}
		if (first !== MANIFEST_FILE) problems.push(`its first file is ${first}, and must be ${MANIFEST_FILE}`);
	}
	if (problems.length) throw damaged(shown, problems);
	return entries;
}

/** The error that lists what is wrong with a packed bundle. */
export function damaged(shown: string, problems: readonly string[]): BundleError {
	const more = problems.length - MOST_PROBLEMS;
	const lines = [...problems.slice(0, MOST_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])];
	return new BundleError(`${listed(`${shown} is not a packed bundle, or is damaged:`, lines)}\n${REPAIR}`);
}

interface Records {
	records: DirectoryRecord[];
	/** where the directory begins */
	start: number;
	problems: string[];
}

async function readRecords(file: RandomAccess): Promise<Records> {
	const failed = (...problems: string[]): Records => ({ records: [], start: 0, problems });
	const end = viewOf(await file.read(Math.max(file.size - END_BYTES, 0), file.size));
	if (end.byteLength < END_BYTES || end.getUint32(0, true) !== END_SIGNATURE) {
		return failed("it does not end as a packed bundle does: it is cut short, or is another kind of file");
	}
	const [disk, directoryDisk, here, count] = [4, 6, 8, 10].map((at) => end.getUint16(at, true)) as [
		number,
		number,
		number,
		number,
	];
	const [length, start, comment] = [end.getUint32(12, true), end.getUint32(16, true), end.getUint16(20, true)];
	if (count > LARGEST_COUNT || Math.max(length, start) > LARGEST_SIZE) {
		return failed("it is in the format ZIP64, which packed bundles don't use");
	}
	const problems: string[] = [];
	if (disk || directoryDisk || here !== count) problems.push("it is a part of an archive in several parts");
	if (comment) problems.push("it has a comment, or is cut short");
	if (start + length !== file.size - END_BYTES) problems.push("its directory is not where its end says");
	if (!(count > 0 && count <= MOST_ENTRIES) || length > MOST_DIRECTORY_BYTES) {
		problems.push(`its directory names ${count} files in ${length} bytes; a bundle has at most ${MOST_ENTRIES}`);
	}
	if (problems.length) return failed(...problems);
	const directory = await file.read(start, start + length);
	const view = viewOf(directory);
	const records: DirectoryRecord[] = [];
	let place = 0;
	for (let number = 0; number < count; number++) {
		if (place + RECORD_BYTES > directory.length || view.getUint32(place, true) !== RECORD_SIGNATURE) {
			return { records, start, problems: ["its directory is damaged"] };
		}
		const [named, extra, noted] = [28, 30, 32].map((at) => view.getUint16(place + at, true)) as [
			number,
			number,
			number,
		];
		const name = directory.subarray(place + RECORD_BYTES, place + RECORD_BYTES + named);
		if (extra || noted) problems.push(`${shownName(name)}: its record has an extra field or a comment`);
		records.push({
			name,
			repeated: directory.subarray(place + 6, place + 28),
			flags: view.getUint16(place + 8, true),
			method: view.getUint16(place + 10, true),
			crc32: view.getUint32(place + 16, true),
			stored: view.getUint32(place + 20, true),
			size: view.getUint32(place + 24, true),
			place: view.getUint32(place + 42, true),
		});
		place += RECORD_BYTES + named + extra + noted;
	}
	if (place !== length) problems.push("its directory is damaged");
	return { records, start, problems };
}

/** The name of an entry, and what is wrong with it. */
function decoded(name: Uint8Array): [string, string] {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
	} catch {
		return [shownName(name), `${shownName(name)} is not a name in UTF-8`];
	}
	if (!isFileName(text) || text.split("/").some((part) => part === "" || part === ".")) {
		return [shownName(name), `${shownName(name)} is not the name of a file in a bundle`];
	}
	return [text, ""];
}

function shownName(name: Uint8Array): string {
	return repr(new TextDecoder().decode(name.subarray(0, 80)));
}

function fieldProblems({ flags, method, stored, size }: DirectoryRecord): string[] {
	const problems: string[] = [];
	if (flags & ENCRYPTED_FLAG) problems.push("it is encrypted");
	if (flags & DESCRIPTOR_FLAG) problems.push("its sizes are behind its data (a data descriptor)");
	if (flags & ~(UTF8_FLAG | ENCRYPTED_FLAG | DESCRIPTOR_FLAG)) {
		problems.push(`its flags are 0x${flags.toString(16)}, which packed bundles don't use`);
	}
	if (method) problems.push(`it is compressed (method ${method}), and files of a packed bundle are stored as they are`);
	else if (stored !== size) problems.push(`its sizes don't agree: ${stored} and ${size} bytes`);
	return problems;
}

/**
 * What is wrong with the local header and the place of an entry, and where its data start.
 *
 * @param place the end of the entry before it
 * @param limit the place of the directory
 */
async function localEntry(
	file: RandomAccess,
	record: DirectoryRecord,
	place: number,
	limit: number,
): Promise<{ problems: string[]; start: number }> {
	const wrong = (problem: string) => ({ problems: [problem], start: 0 });
	if (record.place !== place) {
		const what = record.place < place ? "overlaps the file before it" : "does not follow the file before it";
		return wrong(`it ${what} (its place is ${record.place} and not ${place})`);
	}
	const header = await file.read(place, place + LOCAL_BYTES + record.name.length);
	const view = viewOf(header);
	if (header.length < LOCAL_BYTES || view.getUint32(0, true) !== LOCAL_SIGNATURE) return wrong("its header is damaged");
	const named = view.getUint16(26, true);
	if (
		named !== record.name.length ||
		!same(header.subarray(4, 26), record.repeated) ||
		!same(header.subarray(LOCAL_BYTES), record.name)
	) {
		return wrong("its header and the directory don't agree");
	}
	const start = place + LOCAL_BYTES + named + view.getUint16(28, true);
	if (start + record.size > limit) {
		return wrong(`it reaches past the end of the data, ${start + record.size} and not ${limit} bytes`);
	}
	if (start % FILE_ALIGNMENT) {
		return wrong(`its data do not start at a multiple of ${FILE_ALIGNMENT}, as if another tool had packed it`);
	}
	return { problems: [], start };
}

function same(one: Uint8Array, other: Uint8Array): boolean {
	return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
