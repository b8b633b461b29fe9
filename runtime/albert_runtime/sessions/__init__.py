"""The session classes, one for each task; `albert_runtime.tasks.TASKS` refers to them."""
