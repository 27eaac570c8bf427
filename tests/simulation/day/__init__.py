"""A synthetic day: the jobs and the failures of the best existing system, on our routing core."""
