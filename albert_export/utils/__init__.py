"""What has nothing to do with ALBERT: files, tables, packages that may be missing, the terminal."""
