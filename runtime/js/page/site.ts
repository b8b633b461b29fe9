/** The contents of `albert-site.json`, which `albert-export web` writes, and the messages between the page and its worker. */

/** One file of the site, with what is needed to notice a damaged or old copy of it. */
export interface SiteFile {
	/** relative to the page's address, and encoded as addresses are */
	path: string;
	bytes: number;
	/** in hexadecimal digits */
	sha256: string;
}

/** The keyword arguments of the Python session's call; which of them there are depends on the task. */
export interface Call {
	question?: string;
	context?: string;
	text?: string;
	text_pair?: string;
	first?: string;
	second?: string;
	prompt?: string;
	choices?: string[];
	/** feature extraction: the page compares several texts */
	texts?: string[];
}

export interface Site {
	format: "albert-site";
	/** changes whenever a file of the site changes */
	version: string;
	title: string;
	task: string;
	precision: string;
	/** the folder of the bundle's files, relative to the page, with a slash at its end */
	bundle: string;
	bundleFiles: SiteFile[];
	/** the WebAssembly file of ONNX Runtime */
	wasm: SiteFile;
	/** the module that starts it */
	glue: SiteFile;
	/** the script of the page's worker */
	worker: SiteFile;
	/** requests to begin with */
	examples: Call[];
}

/** What the page needs to know about the model. */
export interface Facts {
	labels: string[];
	maskToken: string;
	/** whether answers have pieces in place of masks; with the head "sentence-order" they have none */
	fillsMasks: boolean;
	threads: number;
	/** milliseconds from the start of the worker until the first answer can be given */
	milliseconds: number;
	/** whether every file is stored in the browser now; otherwise why not */
	stored: true | string;
}

/** The cosine of each pair of texts. */
export interface Similarities {
	cosines: number[][];
}

export type Request =
	| { type: "load"; site: Site; base: string }
	| { type: "ask"; id: number; call: Call }
	| { type: "cancel"; id: number };

export type Reply =
	| { type: "progress"; loaded: number; total: number }
	| { type: "starting" }
	| { type: "ready"; facts: Facts }
	| { type: "failed"; message: string }
	| { type: "answer"; id: number; answer: unknown; milliseconds: number; notes: string[] }
	| { type: "refused"; id: number; message: string }
	| { type: "cancelled"; id: number };

/** The address under which a file is requested and cached: another content has another address. */
export function addressOf(file: SiteFile, base: string): string {
	return new URL(`${file.path}?v=${file.sha256.slice(0, 16)}`, base).href;
}

/** The name of the cache of one version of the site at `scope`. Sites of one origin share the browser's storage. */
export function cacheName(scope: string, version: string): string {
	return `albert-site ${new URL(scope).pathname} ${version}`;
}
