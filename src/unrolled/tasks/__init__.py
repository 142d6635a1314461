"""What several papers train on: the data of a task, its loss, and what measures the result."""
