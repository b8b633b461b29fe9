"""Tools for developers of this repository; the published packages do not contain them."""
