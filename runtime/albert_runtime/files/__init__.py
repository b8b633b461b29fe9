"""Files of requests: reading them, and writing their answers so that an interrupted run can be resumed."""
