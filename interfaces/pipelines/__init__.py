"""The library: ready pipelines, as data. `helio pipeline list` shows them."""
