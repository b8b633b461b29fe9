/**
 * The exceptions of this package, which all derive from AlbertError. They are those of the Python package.
 *
 * A message says what was given, what is wrong with it, what is supported, and what to do next.
 */

/** The base of every error that this package throws on purpose. */
export class AlbertError extends Error {
	override name = "AlbertError";
}

/** The request is wrong: a path does not exist, options don't go together, or a text can't be used. */
export class UsageError extends AlbertError {
	override name = "UsageError";
}

/** The model, the task or the file is not supported. */
export class UnsupportedError extends AlbertError {
	override name = "UnsupportedError";
}

/** The tokenizer's files can't be read, or ask for what is not supported. */
export class CheckpointError extends UnsupportedError {
	override name = "CheckpointError";
}

/** The bundle is damaged, incomplete, or made for another task or runtime. */
export class BundleError extends UnsupportedError {
	override name = "BundleError";
}

/** A package that need not be installed is missing; the message carries the npm line. */
export class DependencyError extends AlbertError {
	override name = "DependencyError";
}

/** The engine lacks an operator of the graph. */
export class OperatorError extends AlbertError {
	override name = "OperatorError";
}

/** `headline` and below it `problems`, each on its own line. */
export function listed(headline: string, problems: readonly string[]): string {
	return [headline, ...problems.map((problem) => `  - ${problem}`)].join("\n");
}
