"""How a subject is measured, and the other tools that are measured beside bundles.

The modules of this folder import nothing else of this project: the Python of another environment runs them, where the
peer is installed and this project is not. It needs Python 3.9 and numpy.
"""
