/** What the page needs of the browser, and what to say where it is missing. */

/** The smallest module that uses a 128-bit vector: only an engine with WebAssembly SIMD finds it valid. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Why the page can't work here, in a sentence or two; "" if it can. */
export function obstacle(): string {
  if (location.protocol === "file:") {
    const folder = decodeURIComponent(location.pathname).replace(/[^/]*$/, "").replace(/\/$/, "");
    return (
      "This page was opened from a file, and browsers let such a page read no other files. Serve its folder instead, " +
      `and open the address that the command prints:\npython -m http.server --directory ${quoted(folder)}`
    );
  }
  if (typeof WebAssembly !== "object") {
    return "This browser has no WebAssembly, or it is switched off (some private or hardened modes do that). Switch it on, or use another browser.";
  }
  if (!WebAssembly.validate(SIMD_MODULE)) {
    return "This browser has no WebAssembly SIMD, which the engine needs. Browsers since 2021 have it (Chrome and Edge 91, Firefox 89, Safari 16.4): update this one.";
  }
  if (typeof Worker !== "function" || typeof fetch !== "function") {
    return "This browser has no Web Workers. Use a current version of Chrome, Edge, Firefox or Safari.";
  }
  return "";
}

/** A folder as it is typed in a shell. */
function quoted(folder: string): string {
  return /^[\w./:+@-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
}

/** Whether an error's message says that memory ran out. Engines have no class of their own for that. */
export function isOutOfMemory(message: string): boolean {
  return /out of memory|not enough memory|memory allocation|bad_alloc|allocation failed|could not allocate|invalid typed array length|Failed to allocate/i.test(
    message,
  );
}
