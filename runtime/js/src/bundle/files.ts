/** Where the files of a bundle come from. */

/** The files of a bundle by name. Names are those of the folder, with "/" between the parts. */
export interface BundleFiles {
	names(): string[];
	/** The bytes of one file. Throws a BundleError if it can't be read. */
	read(name: string): Promise<Uint8Array>;
}

/** What `openBundle` needs of the place that a bundle lies in. */
export interface BundleSource extends BundleFiles {
	/** what messages call the bundle */
	readonly location: string;
	/** whether `names` is known only when the manifest has been read: a web server does not list its files */
	readonly unlisted?: boolean;
	/** whether it may hold no other files than those that the manifest names */
	readonly exact?: boolean;
	/** the SHA-256 of a file in hexadecimal, if there is a way that does not hold the whole file in memory */
	digest?(name: string): Promise<string>;
	/** the path of a file, if there is one */
	path?(name: string): string;
	close?(): Promise<void>;
}

/** How far the download of one file is, in bytes. */
export interface Progress {
	file: string;
	loaded: number;
	/** undefined if the server does not say it */
	total: number | undefined;
}

/** Files that are in memory already. */
export class MemorySource implements BundleSource {
	constructor(
		private readonly files: ReadonlyMap<string, Uint8Array>,
		readonly location: string,
	) {}

	names(): string[] {
		return [...this.files.keys()];
	}

	async read(name: string): Promise<Uint8Array> {
		return this.files.get(name) as Uint8Array;
	}
}

/** Another object's files, such as those that a program has cached. */
export class GivenSource implements BundleSource {
	readonly location = "given files";

	constructor(private readonly files: BundleFiles) {}

	names(): string[] {
		return this.files.names();
	}

	read(name: string): Promise<Uint8Array> {
		return this.files.read(name);
	}
}
