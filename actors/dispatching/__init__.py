"""The dispatcher without its actor: cores that decide, and the small ports they need."""
