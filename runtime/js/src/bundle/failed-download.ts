/** Files that a download left in place of the real ones: Git LFS pointers, web pages, archives, empty files. */

/** no pointer, and no answer of a server that is text, is longer than this */
const HEAD_BYTES = 1024;
/** the specification (github.com/git-lfs/git-lfs/blob/main/docs/spec.md) and the names that the format had before */
const LFS_POINTER = /^version https?:\/\/(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)\//;
const LFS_SIZE = /^size (\d+)\s*$/m;
const WEB_PAGE = /^(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body|\?xml|error>)/i;
/** how the hub, GitHub and object stores say in plain text that they don't give a file */
const REFUSAL = new RegExp(
	"^(?:(entry|repository|revision|file) not found|invalid username or password|access to \\w+ |unauthorized|forbidden" +
		'|(40[0134]|not found)\\b|\\{"(error|message)":|you need to be authenticated)',
	"i",
);
/** the first bytes of an archive -> what it is, and the command that unpacks it */
const ARCHIVES: readonly (readonly [string, string, string])[] = [
	["PK\x03\x04", "a zip archive", "unzip"],
	["\x1f\x8b\x08", "a gzip archive", "gunzip"],
	["BZh", "a bzip2 archive", "bunzip2"],
	["\xfd7zXZ\x00", "an xz archive", "unxz"],
	["(\xb5/\xfd", "a zstd archive", "unzstd"],
	["7z\xbc\xaf'\x1c", "a 7z archive", "7z x"],
];

/**
 * What a file holds if it is not the file that was meant, and what to do; undefined if its beginning is no sign.
 *
 * @param file what messages call the file
 * @param bytes its content
 */
export function failedDownload(file: string, bytes: Uint8Array): string | undefined {
	const size = bytes.length;
	if (!size)
		return `${file} is empty (0 bytes), so it is damaged: a download or a copy was not completed; fetch it again`;
	const head = bytes.subarray(0, HEAD_BYTES);
	const text = new TextDecoder().decode(head).trimStart();
	const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : ".";
	const again = `hf download OWNER/NAME --local-dir ${folder}`;
	if (LFS_POINTER.test(text)) {
		const real = LFS_SIZE.exec(text);
		const missing = real
			? `the file itself, of ${Number(real[1]).toLocaleString("en-US")} bytes, was not fetched`
			: "the file was not fetched";
		return (
			`${file} is a pointer of Git LFS (${size} bytes), and ${missing}. ` +
			`In ${folder}, type: git lfs install && git lfs pull (or anywhere: ${again})`
		);
	}
	if (WEB_PAGE.test(text)) {
		return (
			`${file} is a web page, not the file: the download saved a login, an error, or the page that shows the file. ` +
			'Take the link that has "resolve" in place of "blob" ' +
			`(on GitHub: raw), or type: ${again} (after hf auth login if the model is private or gated)`
		);
	}
	if (size <= HEAD_BYTES && REFUSAL.test(text)) {
		return (
			`${file} is the answer of a server that refused the download ('${text.trim().split("\n", 1)[0]?.slice(0, 80)}'), ` +
			`not the file. Check the address, or type: ${again} (after hf auth login if the model is private or gated)`
		);
	}
	const signs = String.fromCharCode(...head.subarray(0, 8));
	const archive = ARCHIVES.find(([magic]) => signs.startsWith(magic));
	if (archive === undefined) return undefined;
	const [, what, command] = archive;
	return `${file} is ${what}; unpack it first: ${command} ${file.slice(file.lastIndexOf("/") + 1)}, and give what was in it`;
}
