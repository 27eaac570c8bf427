"""How fast Heliograph is, measured: the engine alone, its peers beside it, the whole house.

`python -P -m benchmarks` (`make bench`) writes RESULTS.md and raw.jsonl beside this file. Each
measure runs in a process of its own on a store of its own; contestants take turns, so that a
busy minute of the machine falls on all of them. Nothing here asserts a time.
"""
