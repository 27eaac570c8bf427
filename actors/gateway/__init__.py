"""The HTTP face of the router: dialects in and out, transports behind, nothing durable of its own."""
