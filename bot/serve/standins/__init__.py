"""Local services that speak real HTTP, for the demo and the tests: no account anywhere is needed."""
