"""`helio`, the command line: a thin client of `/v1` and the control socket.

It never imports Ray, SQL or a web framework, so that it answers at once; a test watches that.
"""
