/** The names that a bundle is known by. */

/** the file that describes a bundle, packed or not */
export const MANIFEST_FILE = "manifest.json";
/** the ending of a packed bundle's name */
export const PACKED_SUFFIX = ".albert";
