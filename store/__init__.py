"""Durable truth: the tables, the transactions, and the in-memory twin. Knows SQL, never Ray."""
