"""The pure job engine: values in, values out.

Nothing in this package reads a clock, a file, a socket or a random source; time and chance
arrive as arguments. That is what lets one seed replay a whole day of Heliograph in a test.
"""
