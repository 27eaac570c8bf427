"""How each provider words an answer, whole and as a stream: one module a dialect."""
