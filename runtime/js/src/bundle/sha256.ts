/** SHA-256 (FIPS 180-4), by the platform where it offers that, and by our own code on insecure origins. */

/**
 * The SHA-256 of `bytes` in hexadecimal.
 *
 * Browsers have `crypto.subtle` only on secure origins (https and localhost). A page that a device serves by plain http in
 * a local network checks its files all the same, some ten times more slowly.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
	const subtle = globalThis.crypto?.subtle;
	if (subtle === undefined) return sha256WithoutCrypto(bytes);
	return hexadecimal(new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}

/** The SHA-256 of `bytes` in hexadecimal, computed here. */
export function sha256WithoutCrypto(bytes: Uint8Array): string {
	const state = Uint32Array.from(fractions(8, 1 / 2));
	const constants = Uint32Array.from(fractions(64, 1 / 3));
	const schedule = new Uint32Array(64);
	const whole = bytes.length - (bytes.length % 64);
	compressAll(state, constants, schedule, bytes.subarray(0, whole));
	// The rest, a one bit, zeros, and the number of bits in 64 bits.
	const rest = bytes.length - whole;
	const tail = new Uint8Array(rest < 56 ? 64 : 128);
	tail.set(bytes.subarray(whole));
	tail[rest] = 0x80;
	const view = new DataView(tail.buffer);
	view.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
	view.setUint32(tail.length - 4, (bytes.length << 3) >>> 0);
	compressAll(state, constants, schedule, tail);
	const result = new DataView(new ArrayBuffer(32));
	state.forEach((word, place) => {
		result.setUint32(4 * place, word);
	});
	return hexadecimal(new Uint8Array(result.buffer));
}

function compressAll(state: Uint32Array, constants: Uint32Array, words: Uint32Array, bytes: Uint8Array): void {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let block = 0; block < bytes.length; block += 64) {
		for (let place = 0; place < 16; place++) words[place] = view.getUint32(block + 4 * place);
		for (let place = 16; place < 64; place++) {
			const [before15, before2] = [words[place - 15] as number, words[place - 2] as number];
			const small0 = rotated(before15, 7) ^ rotated(before15, 18) ^ (before15 >>> 3);
			const small1 = rotated(before2, 17) ^ rotated(before2, 19) ^ (before2 >>> 10);
			words[place] = ((words[place - 16] as number) + small0 + (words[place - 7] as number) + small1) | 0;
		}
		let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
		for (let place = 0; place < 64; place++) {
			const big1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
			const one = (h + big1 + ((e & f) ^ (~e & g)) + (constants[place] as number) + (words[place] as number)) | 0;
			const big0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
			const two = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
			h = g;
			g = f;
			f = e;
			e = (d + one) | 0;
			d = c;
			c = b;
			b = a;
			a = (one + two) | 0;
		}
		[a, b, c, d, e, f, g, h].forEach((word, place) => {
			state[place] = (state[place] as number) + word;
		});
	}
}

/** The first 32 bits of the fractional parts of the roots of the first primes; `power` is 1/2 or 1/3. */
function fractions(count: number, power: number): number[] {
	const primes: number[] = [];
	for (let number = 2; primes.length < count; number++) {
		if (primes.every((prime) => number % prime !== 0)) primes.push(number);
	}
	return primes.map((prime) => {
		const root = prime ** power;
		return Math.floor((root - Math.floor(root)) * 2 ** 32);
	});
}

function rotated(word: number, bits: number): number {
	return (word >>> bits) | (word << (32 - bits));
}

function hexadecimal(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
