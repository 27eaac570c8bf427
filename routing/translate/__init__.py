"""Between the dialects and the one conversation form: a decoder and an encoder for each."""
