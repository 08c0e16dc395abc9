"""The services that the API serves, one package each: AWS's, and Edgeward's own."""
