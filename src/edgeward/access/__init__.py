"""Who may do what: IAM's policy language as pure functions. No clock, no store, no HTTP."""
