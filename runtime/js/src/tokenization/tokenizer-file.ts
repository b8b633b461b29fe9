/** The files of a tokenizer, which are read before the tokenizer is made. */

import type { BundleFiles, BundleSource } from "../bundle/files";
import { failedDownload } from "../bundle/failed-download";
import { BundleError, UnsupportedError } from "../errors";
import { typeName } from "../repr";

/** An object in a JSON file. */
export type JsonObject = { readonly [name: string]: unknown };

/** The value of a field of a JSON object; undefined if the object lacks it, whatever its prototype has. */
export function field(object: JsonObject, name: string): unknown {
	return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Whether `value` is an object of JSON. */
export function isObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of JSON as Python's `bool` takes it. */
export function isTrue(value: unknown): boolean {
	if (Array.isArray(value)) return value.length > 0;
	if (isObject(value)) return Object.keys(value).length > 0;
	return Boolean(value);
}

/** written before keys that are whole numbers, which JavaScript would move to the front of an object */
const KEPT_IN_PLACE = "\u0001";
const NUMBER_AS_KEY = /(?<!\\)"(\s*[+-]?\d+\s*)"(?=\s*:)/g;

/** The fields of an object that `TokenizerFile.readObject` returned, in the order of the file. */
export function entriesOf(object: JsonObject): [string, unknown][] {
	return Object.entries(object).map(([name, value]) => [
		name.startsWith(KEPT_IN_PLACE) ? name.slice(KEPT_IN_PLACE.length) : name,
		value,
	]);
}

/** The files of a tokenizer by name. Each is read once, when it is first asked for. */
export class TokenizerFiles {
	private readonly contents = new Map<string, Uint8Array | BundleError>();
	private readonly names: ReadonlySet<string>;

	constructor(private readonly files: BundleFiles) {
		this.names = new Set(files.names());
	}

	/** Read the file `name`, if there is one, so that the file it returns has its content. */
	async load(name: string): Promise<TokenizerFile> {
		if (this.names.has(name) && !this.contents.has(name)) {
			try {
				this.contents.set(name, await this.files.read(name));
			} catch (error) {
				if (!(error instanceof BundleError)) throw error;
				this.contents.set(name, error);
			}
		}
		return this.file(name);
	}

	/** The file `name`, which was loaded before. */
	file(name: string): TokenizerFile {
		const { location } = this.files as Partial<BundleSource>;
		return new TokenizerFile(location === undefined ? name : `${location}/${name}`, this.contents.get(name));
	}
}

/** One file of a tokenizer, whether it is there or not; as a text it is what messages call it. */
export class TokenizerFile {
	/**
	 * @param shown what messages call the file
	 * @param content its bytes, or why they can't be read; undefined if there is no such file
	 */
	constructor(
		private readonly shown: string,
		private readonly content: Uint8Array | BundleError | undefined,
	) {}

	/** Whether the file is there. */
	get exists(): boolean {
		return this.content !== undefined;
	}

	/**
	 * The bytes of the file.
	 *
	 * @param message the message of the error, for the reason why the file can't be read
	 * @throws UnsupportedError it can't be read
	 */
	read(message: (reason: string) => string): Uint8Array {
		if (this.content === undefined) throw new UnsupportedError(message("No such file or directory"));
		if (this.content instanceof BundleError) throw new UnsupportedError(message(this.content.message));
		return this.content;
	}

	/** What the file holds if a download left something else in its place; undefined if it does not look like that. */
	failedDownload(): string | undefined {
		return this.content instanceof Uint8Array ? failedDownload(this.shown, this.content) : undefined;
	}

	/**
	 * The JSON object in the file; an empty one if there is no such file. Read its fields with `field` and `entriesOf`.
	 *
	 * @throws UnsupportedError the file holds something else
	 */
	readObject(): JsonObject {
		if (!this.exists) return {};
		const bytes = this.read((reason) => `${this} can't be read (${reason})`);
		let content: unknown;
		try {
			const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
			content = JSON.parse(text.replace(NUMBER_AS_KEY, `"${KEPT_IN_PLACE.replace("\u0001", "\\u0001")}$1"`));
		} catch (error) {
			throw new UnsupportedError(
				this.failedDownload() ??
					`${this} can't be read as JSON (${(error as Error).message}); repair it, or copy it from the checkpoint again`,
			);
		}
		if (!isObject(content)) {
			throw new UnsupportedError(`${this} holds a JSON ${typeName(content)}, and must hold an object`);
		}
		return content;
	}

	toString(): string {
		return this.shown;
	}
}
