"""The council's parts: who sits in it, and how each is asked."""
