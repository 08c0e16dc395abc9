"""What is wrong with a policy document."""


class MalformedPolicyError(ValueError):
    """A document that is no policy, or says what Edgeward does not evaluate; the message says what to change."""
