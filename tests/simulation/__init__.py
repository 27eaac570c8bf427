"""A whole house in one thread: the product's own cores, driven by a seed.

The dispatcher's `Core` and the sessions' `SessionCore` run unchanged over the store's in-memory
twin. Only three things are swapped: the clock, the transport and the scheduler. A seed decides
the workload, every delay, every loss, every crash; then the faults stop, a fair drain must bring
everything to rest, and `tests.checks` judges what is left. `python -m tests.simulation` runs any
number of seeds.
"""
