"""The supervisor: the one process that is always there, and that Ray may never be inside of."""
