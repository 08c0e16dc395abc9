"""How large keys, values, stores and updates may be (Developer Guide, "Quotas on key value stores")."""

KEY_BYTES = 512
VALUE_BYTES = 1_024
STORE_BYTES = 5 * 1_024 * 1_024
UPDATE_KEYS = 50
UPDATE_BYTES = 3 * 1_024 * 1_024
PAGE_KEYS = 50
"""Of ListKeys, and its default."""
