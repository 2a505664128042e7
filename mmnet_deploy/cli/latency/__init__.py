"""`bench` and `devices`: latency on phones and on this computer."""
