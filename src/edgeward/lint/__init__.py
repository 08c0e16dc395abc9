"""Classic mistakes in the configuration of a distribution, and how they are told. Knows nothing but configurations."""
