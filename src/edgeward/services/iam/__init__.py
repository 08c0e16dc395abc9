"""IAM and STS: users, roles and policies of the account, temporary credentials, and the decision on every call."""
