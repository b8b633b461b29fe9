"""Containers: the file formats that weights are stored in. Each module reads one of them as named numpy arrays."""
