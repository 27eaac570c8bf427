"""A provider of models that is not one: all four dialects on real sockets, strict and scripted.

It runs in a process of its own (`python -P -m tests.fake_provider --port 0` prints its URL). What
it answers follows from the request alone, or from a script that a test queues; README.md has the
words. It imports nothing of the house, so that it can judge it.
"""
