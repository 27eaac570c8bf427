"""What can be done to the store: one verb a file, written once over the `Tables` port.

A verb gathers rows from the unit of work, lets `engine` decide, and puts the decided rows back.
It validates before it writes, so a refusal leaves the unit as it was.
"""
