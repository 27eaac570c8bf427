"""The official clients as judges of whoever speaks their dialect."""
