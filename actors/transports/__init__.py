"""How a call reaches a provider: one carrier a transport."""
