"""The pure part of a session: what it decides, without processes, clocks or Ray."""
