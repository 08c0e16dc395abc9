"""From resources to the plan that edges load."""
