//! The connection log: one record for each handshake in which a viewer was asked for a certificate, with CloudFront's
//! fields (guide, connection-logs), in W3C format beside the access log.
//!
//! Invariant: whoever is told never waits; records are gathered and written as those of the access log are. A handshake
//! that failed has no certificate in its record: nothing of it was proved. Called by `net`'s workers.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use edgeward_net::{AskedHandshake, CertificateFacts, HandshakeObserver, TlsSession};

use crate::access_log::{LogBuffer, SegmentSender, encode};
use crate::engine::Engine;
use crate::identity::RequestId;

/// The fields in their order.
const FIELDS: [&str; 17] = [
    "eventTimestamp",
    "connectionId",
    "connectionStatus",
    "clientIp",
    "clientPort",
    "serverIp",
    "distributionId",
    "distributionTenantId",
    "tlsProtocol",
    "tlsCipher",
    "tlsHandshakeDuration",
    "tlsSni",
    "clientLeafCertSerialNumber",
    "clientLeafCertSubject",
    "clientLeafCertIssuer",
    "clientLeafCertValidity",
    "connectionLogCustomData",
];

/// The two lines at the beginning of each segment.
pub(crate) fn header() -> String {
    format!("#Version: 1.0\n#Fields: {}\n", FIELDS.join(" "))
}

/// Writes the records.
pub(crate) struct ConnectionLog {
    engine: Arc<Engine>,
    buffer: Arc<LogBuffer>,
}

impl ConnectionLog {
    /// The log, and its buffer, which housekeeping empties.
    pub(crate) fn new(engine: Arc<Engine>, sender: SegmentSender) -> (ConnectionLog, Arc<LogBuffer>) {
        let buffer = Arc::new(LogBuffer::new(Some(sender)));
        (ConnectionLog { engine, buffer: Arc::clone(&buffer) }, buffer)
    }
}

impl Debug for ConnectionLog {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("ConnectionLog(..)")
    }
}

impl HandshakeObserver for ConnectionLog {
    fn ended(&self, handshake: &AskedHandshake<'_>) {
        let (now, plan) = (self.engine.clock.now(), self.engine.current_plan());
        let distribution = plan.distribution_for(handshake.server_name).map(|found| &found.id);
        let id = distribution.map_or("", |id| id);
        self.buffer.append(distribution, now, |_prepared, lines| write(handshake, id, now.nanos() / 1_000_000, lines));
    }
}

/// One record, ended by a line feed.
fn write(handshake: &AskedHandshake<'_>, distribution: &str, now_ms: u64, line: &mut Vec<u8>) {
    let AskedHandshake { viewer, local, server_name, duration, end } = handshake;
    let (connection, session) = (RequestId::random(), end.as_ref().ok());
    let status = end.as_ref().map_or_else(|failure| format!("Failed:{}", failure.name()), |_| "Success".to_owned());
    let of_session = |part: fn(&TlsSession) -> &'static str| session.map_or("", |session| part(session));
    let facts = session.and_then(|session| session.shown.as_ref()?.facts());
    let of_leaf = |part: fn(&CertificateFacts) -> &String| facts.map_or("", |facts| part(facts));
    let values: [&str; FIELDS.len()] = [
        &now_ms.to_string(),
        connection.as_str(),
        &status,
        &viewer.ip().to_canonical().to_string(),
        &viewer.port().to_string(),
        &local.ip().to_canonical().to_string(),
        distribution,
        "",
        of_session(|session| session.protocol),
        of_session(|session| session.cipher),
        &duration.as_millis().to_string(),
        server_name,
        of_leaf(|facts| &facts.serial_number),
        of_leaf(|facts| &facts.subject),
        of_leaf(|facts| &facts.issuer),
        of_leaf(|facts| &facts.validity),
        "",
    ];
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            line.push(b'\t');
        }
        encode(value.as_bytes(), line);
    }
    line.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use edgeward_net::CertificateFailure;

    use super::*;

    fn record(end: Result<&TlsSession, CertificateFailure>) -> Vec<String> {
        let mut line = Vec::new();
        let handshake = AskedHandshake {
            viewer: "[::ffff:192.0.2.1]:4711".parse().unwrap(),
            local: "127.0.0.1:443".parse().unwrap(),
            server_name: "www.example.com",
            duration: Duration::from_millis(7),
            end,
        };
        write(&handshake, "E1", 1_700_000_000_123, &mut line);
        let text = String::from_utf8(line).unwrap();
        text.strip_suffix('\n').unwrap().split('\t').map(str::to_owned).collect()
    }

    #[test]
    fn a_record_has_the_fields_of_the_header() {
        let session = TlsSession {
            protocol: "TLSv1.3",
            cipher: "TLS_AES_128_GCM_SHA256",
            server_name: Some("www.example.com".into()),
            resumed: false,
            hello: None,
            shown: None,
        };
        let (good, bad) = (record(Ok(&session)), record(Err(CertificateFailure::Missing)));
        assert_eq!((good.len(), bad.len()), (FIELDS.len(), FIELDS.len()));
        assert_eq!(good[0], "1700000000123");
        assert_eq!(good[2..8], ["Success", "192.0.2.1", "4711", "127.0.0.1", "E1", "-"]);
        assert_eq!(good[8..12], ["TLSv1.3", "TLS_AES_128_GCM_SHA256", "7", "www.example.com"]);
        assert_eq!((bad[2].as_str(), bad[8].as_str()), ("Failed:ClientCertMissing", "-"));
        assert!(good[12..].iter().chain(&bad[12..]).all(|value| value == "-"));
        assert_ne!(good[1], bad[1]);
    }
}
