"""Shows in which operators an exported graph spends its time: the figures of docs/performance.md."""
