"""Other engines, driven the same way: one file each, run by an interpreter of its own.

A peer knows `benchmarks.figures` and the standard library, and nothing else of Heliograph.
"""
