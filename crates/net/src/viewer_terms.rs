//! What the viewers of a name are offered in a handshake.
//!
//! Invariant: everything that these terms leave open is forward secret and authenticated encryption (`tls` has nothing
//! else). Set by name in `certificates`, carried out by `tls`.

/// What is offered beside TLS 1.3 and HTTP/1.1, which every viewer gets. [`Default`] is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewerTerms {
    /// HTTP/2, where the viewer speaks it.
    pub http2: bool,
    /// TLS 1.2, to viewers who have nothing newer.
    pub tls12: bool,
    /// The suites with ChaCha20-Poly1305, in every version.
    pub chacha20: bool,
}

impl Default for ViewerTerms {
    fn default() -> Self {
        Self { http2: true, tls12: true, chacha20: true }
    }
}
