"""The router's parts: who a key is, what is durable, what is shipped, which catalogue is in use."""
