"""How a job asks a model through the gateway: its key, its words, its files, what it hears."""
