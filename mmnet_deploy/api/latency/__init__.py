"""`bench`: how models are to be run, and their latencies on phones and on this computer."""
