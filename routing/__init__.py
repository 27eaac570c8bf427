"""The routing cores: which model answers, at what price, and how it is spoken to."""
