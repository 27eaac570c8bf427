"""What each provider refuses, as far as it is known: one module a dialect."""
