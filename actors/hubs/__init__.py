"""The hub's cores: what it remembers and what it counts. No asyncio, no Ray, no files."""
