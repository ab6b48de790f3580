"""What runs on the far side: one JSON request of probes in, one JSON answer out. Standard library only, Python 3.8+."""
