"""Readers of files with labelled examples, one module for each format."""
