"""Files of labelled examples, one module for each format."""
