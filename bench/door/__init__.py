"""What it costs a server to let viewers in and keep them: TLS handshakes, and connections that do nothing."""
