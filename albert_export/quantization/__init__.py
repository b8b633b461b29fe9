"""Does a quantized graph keep the answers? The requests, the budget, the measurement, and the ladder of recipes."""
