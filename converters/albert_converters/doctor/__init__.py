"""The parts of a diagnosis that do not depend on the format of the graph file."""
