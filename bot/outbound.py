"""HTTP out: one client factory with time-outs, retries that obey Retry-After, and errors translated once."""
