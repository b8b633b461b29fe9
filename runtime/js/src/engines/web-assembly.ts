/** What engines that are made of WebAssembly need of a browser, and what their failures mean. */

import { UnsupportedError } from "../errors";

/** a module whose function counts the bits of a vector (i8x16.popcnt): it is valid only where SIMD is known */
const SIMD_MODULE = Uint8Array.of(
	...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Throws an UnsupportedError where there is no WebAssembly, or none with SIMD instructions. */
export function checkWebAssembly(engine: string): void {
	const lacks =
		typeof WebAssembly === "undefined"
			? "no WebAssembly"
			: WebAssembly.validate(SIMD_MODULE)
				? ""
				: "WebAssembly without SIMD";
	if (lacks) {
		throw new UnsupportedError(
			`this browser has ${lacks}, and ${engine} needs WebAssembly with SIMD: use Chrome or Edge from version 91, Firefox ` +
				"from 89, Safari from 16.4, and no mode that switches WebAssembly off (such as the Lockdown Mode of iOS)",
		);
	}
}

/** Whether a failure means that there is not enough memory. */
export function isOutOfMemory(reason: string): boolean {
	return /out of memory|bad_alloc|allocation failed|could not allocate memory|array buffer allocation/i.test(reason);
}

/** The error for a graph that does not fit into memory. */
export function outOfMemory(engine: string, model: string, reason: string): UnsupportedError {
	return new UnsupportedError(
		`there is not enough memory to run ${model} with ${engine} (${reason}): export it in a smaller precision ` +
			"(albert-export onnx --precision int8), give shorter texts, or close other pages",
	);
}

/** The number of threads that WebAssembly may use: 1 unless memory can be shared. */
export function usableThreads(threads: number | undefined): number {
	const inNode = typeof (globalThis as { process?: NodeJS.Process }).process?.versions?.node === "string";
	if (!inNode && !globalThis.crossOriginIsolated) return 1;
	return threads ?? Math.min(4, globalThis.navigator?.hardwareConcurrency ?? 1);
}
