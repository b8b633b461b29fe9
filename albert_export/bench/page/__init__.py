"""The page of a benchmark run: one HTML file with plots, that needs no other file and no network."""
