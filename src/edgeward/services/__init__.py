"""The AWS services that Edgeward serves, one package each."""
