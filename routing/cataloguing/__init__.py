"""How models.toml becomes a catalogue: its shape, its providers, its models, its choices."""
