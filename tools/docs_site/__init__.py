"""What builds the site of the documentation beside MkDocs: `make docs`."""
