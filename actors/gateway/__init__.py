"""The HTTP face of the router: dialects in and out, with transports behind."""
