"""The one version number of albert-export and albert-runtime."""

__version__ = "0.1.0"
