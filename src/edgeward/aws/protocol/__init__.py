"""One module per AWS protocol, each with the same three functions: parse_request, serialize_response,
serialize_error.
"""
