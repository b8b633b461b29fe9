"""The doctor: what is wrong with graph files that other tools made, and the repair of what can be repaired exactly."""
