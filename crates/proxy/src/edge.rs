//! An edge: started from settings, told plans and invalidations, stopped.
//!
//! Invariant: a plan that cannot be used changes nothing; certificates are in place before the plan that needs them.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ahash::AHashMap;
use arc_swap::ArcSwap;
use edgeward_cache::{Cache, CacheSettings, DiskCounters, DiskSettings};
use edgeward_net::origin::{AuthorityError, OriginPool, client_config};
use edgeward_net::{
    Certificate, CertificateStore, HandshakeObserver, Inherited, NameSettings, Server, ServerSettings, Staple,
    ViewerRefusal,
};
use edgeward_plan::{CertificatePem, Distribution, InvalidationOrder, OcspResponse, Plan, Rejected};
use http::HeaderValue;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::access_log::{self, LogBuffer, LogSettings, SegmentSender, SegmentWriter};
use crate::clock::Clock;
use crate::connection_log::{self, ConnectionLog};
use crate::engine::Engine;
use crate::geo::{GeoData, GeoError, GeoFiles};
use crate::hex;
use crate::identity::EdgeIdentity;
use crate::inspection::{self, InvalidQuestion};
use crate::origin_request::S3Endpoint;
use crate::origins::{self, ClientIdentities};
use crate::pipeline::Pipeline;
use crate::security_policy::viewer_terms;
use crate::settings::{ClockSetting, EdgeSettings, InvalidSettings, LogFiles, S3Access};
use crate::signing::SigningIdentity;
use crate::ticket_file::{TicketFile, TicketFileError};
use crate::viewer_facts::{DeviceRules, KnownDevices};
use crate::viewer_mtls::{self, Authentications};
use crate::worker::{COMPRESSIONS, Worker};

/// How often records of quiet workers are handed to the log.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// How often somebody who waits for responses to arrive looks again.
const PROGRESS: Duration = Duration::from_millis(1);

/// Why an edge does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The settings are not JSON, or a field is missing, unknown, of a wrong type or out of bounds.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The name of the point of presence cannot stand in a header field.
    #[error("pop: {0:?} cannot stand in a header field; use visible ASCII")]
    Pop(String),
    /// The S3 endpoint is not `http://host:port`.
    #[error("s3.endpoint: {0:?} is not http://host:port")]
    S3Endpoint(String),
    /// An authority cannot be used.
    #[error("trusted_authorities: {0}")]
    Authority(#[from] AuthorityError),
    /// The secrets of session tickets cannot be used.
    #[error(transparent)]
    Tickets(#[from] TicketFileError),
    /// A file about addresses cannot be used.
    #[error(transparent)]
    Geo(#[from] GeoError),
    /// An address cannot be listened on, or the log directory not be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where an edge listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// For http.
    pub http: Vec<SocketAddr>,
    /// For https.
    pub https: Vec<SocketAddr>,
}

/// What an edge is doing.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// Of the live plan.
    pub plan_sequence: u64,
    /// Number of stored responses in memory.
    pub stored_responses: u64,
    /// Bytes of the memory store in use.
    pub stored_bytes: u64,
    /// Number of responses on disk.
    pub disk_responses: u64,
    /// Number of chunks on disk.
    pub disk_chunks: u64,
    /// Bytes of the disk tier in use.
    pub disk_bytes: u64,
    /// Responses and chunks that were not written: the disk failed or could not keep up.
    pub disk_records_dropped: u64,
    /// Writes to the disk tier that failed.
    pub disk_errors: u64,
    /// Records on disk that were damaged or could not be read.
    pub disk_corrupt: u64,
    /// Requests that have ended since the start.
    pub requests: u64,
    /// Debug tokens that explained nothing.
    pub explain_tokens_refused: u64,
    /// Requests whose viewers sent content too slowly.
    pub slow_contents: u64,
    /// Open viewer connections.
    pub connections: u64,
    /// Connections to a listener for load balancers that were closed: from elsewhere, or without PROXY protocol.
    pub strangers: u64,
    /// Log records that were lost because the writer could not keep up.
    pub log_records_dropped: u64,
    /// Failed writes of the log.
    pub log_errors: u64,
    /// How often viewers' connections were refused or ended, by reason.
    pub viewers_refused: [(&'static str, u64); ViewerRefusal::ALL.len()],
    /// Distributions whose certificate its authority has revoked.
    pub certificates_revoked: u64,
    /// Distributions whose certificate is shown together with an OCSP response.
    pub certificates_stapled: u64,
    /// Changes of the file with the secrets of session tickets that could not be used; the secrets before them stay.
    pub ticket_secrets_refused: u64,
}

/// What of a plan is made ready for handshakes.
#[derive(Default)]
struct Parsed {
    /// By their chain.
    certificates: AHashMap<String, Certificate>,
    authentications: Authentications,
}

/// A running edge.
pub struct Edge {
    engine: Arc<Engine>,
    certificates: Arc<CertificateStore>,
    /// Of the live plan; also serialises the changes of the plan.
    parsed: Mutex<Parsed>,
    geo_files: GeoFiles,
    tickets: Option<Arc<TicketFile>>,
    server: Server,
    log: Option<SegmentWriter>,
    /// Of handshakes in which viewers were asked for certificates.
    connection_log: Option<SegmentWriter>,
    buffers: Vec<Arc<LogBuffer>>,
    housekeeper: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Edge {
    /// Starts an edge without any distribution. `settings` is the JSON of `EdgeSettings`.
    ///
    /// # Errors
    /// `StartError` names the setting to change.
    pub fn start(settings: &[u8]) -> Result<Edge, StartError> {
        let edge = Self::open(settings, Inherited::default())?;
        edge.serve();
        Ok(edge)
    }

    /// As `start`, without serving yet: viewers wait in the sockets, of which an earlier process may have left some.
    ///
    /// # Errors
    /// As `start`.
    pub fn open(settings: &[u8], inherited: Inherited) -> Result<Edge, StartError> {
        let mut settings = EdgeSettings::parse(settings)?;
        let engine = Arc::new(engine(&mut settings)?);
        let log = settings.log.as_ref().map(|files| SegmentWriter::start(access_log_settings(files))).transpose()?;
        let connection_log =
            settings.log.as_ref().map(|files| SegmentWriter::start(connection_log_settings(files))).transpose()?;
        let buffer = || Arc::new(LogBuffer::new(log.as_ref().map(SegmentWriter::sender)));
        let mut buffers: Vec<_> = (0..settings.workers.max(1)).map(|_| buffer()).collect();
        let handshakes = connection_log.as_ref().map(|log| {
            let (handshakes, buffer) = ConnectionLog::new(Arc::clone(&engine), log.sender());
            // Behind those of the workers, which find theirs by their place.
            buffers.push(buffer);
            Arc::new(handshakes) as Arc<dyn HandshakeObserver>
        });
        let origin_tls = Arc::clone(engine.client_identities.tls());
        let network = origins::network(&settings, &engine.clock);
        let certificates = Arc::new(CertificateStore::new());
        let now = engine.clock.now().secs();
        let tickets =
            settings.ticket_secrets.as_deref().map(|path| TicketFile::open(path, now)).transpose()?.map(Arc::new);
        let listen = ServerSettings {
            http: settings.http.into_iter().map(|setting| setting.0).collect(),
            https: settings.https.into_iter().map(|setting| setting.0).collect(),
            http3: settings.http3,
            workers: settings.workers,
            limits: (&settings.limits).into(),
            files: engine.cache.files().clone(),
            tickets: tickets.as_ref().map(|file| file.tickets()),
            handshakes,
        };
        let server = Server::open(listen, inherited, Arc::clone(&certificates), {
            let (engine, buffers) = (Arc::clone(&engine), buffers.clone());
            move |index| {
                let origins = OriginPool::new(&network, Arc::clone(&origin_tls));
                let log = buffers.get(index).map_or_else(|| Arc::new(LogBuffer::new(None)), Arc::clone);
                let compressions = Arc::new(Semaphore::new(COMPRESSIONS));
                let devices = KnownDevices::default();
                Pipeline::new(Arc::new(Worker { engine: Arc::clone(&engine), origins, log, compressions, devices }))
            }
        })?;
        if let Some(port) = server.https_addresses().first().map(SocketAddr::port) {
            know_https_port(&engine, port, settings.http3);
        }
        keep_time(&engine, &certificates, None);
        let housekeeper = housekeeper([&log, &connection_log], {
            let (engine, buffers, certificates) = (Arc::clone(&engine), buffers.clone(), Arc::clone(&certificates));
            let tickets = tickets.clone();
            move |logs| {
                keep_time(&engine, &certificates, tickets.as_deref());
                let now = engine.clock.now();
                buffers.iter().for_each(|buffer| buffer.hand_over(now));
                logs.iter().for_each(|log| log.tick(now.secs()));
            }
        })?;
        Ok(Edge {
            engine,
            certificates,
            parsed: Mutex::default(),
            geo_files: settings.geo,
            tickets,
            server,
            log,
            connection_log,
            buffers,
            housekeeper: Some(housekeeper),
        })
    }

    /// Begins to serve; more calls change nothing.
    pub fn serve(&self) {
        self.server.serve();
    }

    /// Sends copies of all sockets to the process that listens at the Unix socket `path`, and leaves the disk tier to it.
    ///
    /// # Errors
    /// It cannot be reached; nothing has changed then.
    pub fn hand_over(&self, path: &Path) -> io::Result<()> {
        self.server.hand_over(path)?;
        self.engine.cache.leave_disk();
        Ok(())
    }

    /// Leaves the packets of QUIC to the process that takes over, but for those of connections that are here.
    pub fn release(&self) {
        self.server.release();
    }

    /// Goes on as before `hand_over`: nobody took over.
    ///
    /// # Errors
    /// The disk tier cannot be taken back: what is stored from now on is in memory alone.
    pub fn take_back(&self) -> io::Result<()> {
        self.server.take_back();
        self.engine.cache.take_disk_back()
    }

    /// Stops accepting and has viewers go on elsewhere with their next request. Returns when all are gone, or after
    /// `patience`; whether all are.
    pub fn leave(&self, patience: Duration) -> bool {
        self.server.leave(patience)
    }

    /// Whether an edge could be started with these settings, as far as that can be said without starting one.
    ///
    /// # Errors
    /// As `start`.
    pub fn check(settings: &[u8]) -> Result<(), StartError> {
        let settings = EdgeSettings::parse(settings)?;
        client_config(&settings.trusted_authorities)?;
        identity(&settings, None)?;
        settings.ticket_secrets.as_deref().map(|path| TicketFile::open(path, 0)).transpose()?;
        GeoData::load(&settings.geo)?;
        settings.s3.as_ref().and_then(|s3| s3.endpoint.as_deref()).map(s3_endpoint).transpose().map(drop)
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        Addresses { http: self.server.http_addresses().to_vec(), https: self.server.https_addresses().to_vec() }
    }

    /// Makes the plan in `update` live and returns its sequence. Requests in flight keep the plan they began with.
    ///
    /// # Errors
    /// `Rejected`: the live plan stays.
    pub fn load_plan(&self, update: &[u8]) -> Result<u64, Rejected> {
        let mut parsed = self.parsed.lock();
        let plan = self.engine.current_plan().apply(update)?;
        if plan.distributions().any(|distribution| distribution.asks_for_devices()) {
            self.engine.devices.prepare().map_err(Rejected::Devices)?;
        }
        let next = Parsed {
            certificates: parse_certificates(&plan, &parsed.certificates)?,
            authentications: viewer_mtls::authentications(&plan, &parsed.authentications)?,
        };
        self.engine.client_identities.prepare(&plan)?;
        let default = plan.default_certificate().and_then(|pem| next.certificates.get(&pem.chain_pem)).cloned();
        self.certificates.replace(plan.distributions().flat_map(|found| names_of(&plan, found, &next)), default);
        *parsed = next;
        let sequence = plan.sequence();
        self.engine.plan.store(Arc::new(plan));
        Ok(sequence)
    }

    /// Reads the files about addresses again. Requests in flight keep what they began with.
    ///
    /// # Errors
    /// `GeoError` names the file that cannot be used; all of them stay as they were.
    pub fn reload_geo(&self) -> Result<(), GeoError> {
        self.engine.geo.store(Arc::new(GeoData::load(&self.geo_files)?));
        Ok(())
    }

    /// Takes an invalidation order and returns its sequence; when it returns, nothing older is served.
    ///
    /// # Errors
    /// `Rejected` says what is wrong with the order.
    pub fn invalidate(&self, order: &[u8]) -> Result<u64, Rejected> {
        let order = InvalidationOrder::parse(order)?;
        self.engine.invalidate(&order).map_err(|error| Rejected::NotWritten(error.to_string()))?;
        Ok(order.sequence)
    }

    /// Moves a manual clock on; `false` when the clock is the system's.
    pub fn advance_clock(&self, by: Duration) -> bool {
        let is_manual = self.engine.clock.advance(by);
        keep_time(&self.engine, &self.certificates, self.tickets.as_deref());
        is_manual
    }

    /// Finishes the current log segments; when it returns, every request that has ended is in a file.
    pub fn flush_logs(&self) {
        self.hand_over_records();
        for log in self.log.iter().chain(&self.connection_log) {
            // The writer runs as long as the edge: it cannot have stopped.
            let _running = log.sender().flush();
        }
    }

    /// Waits until what is arriving has arrived and what is stored is on the disk; `false` when that takes longer than
    /// `patience`.
    pub fn flush_cache(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.engine.cache.is_filling() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(PROGRESS);
        }
        self.engine.cache.flush();
        true
    }

    /// A page of what is stored for a distribution; question and answer are JSON (`inspection`).
    ///
    /// # Errors
    /// `InvalidQuestion` names the member to change.
    pub fn list_stored(&self, question: &[u8]) -> Result<Vec<u8>, InvalidQuestion> {
        inspection::list(&self.engine, question)
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        let usage = self.engine.cache.usage();
        let senders: Vec<_> = self.log.iter().chain(&self.connection_log).map(SegmentWriter::sender).collect();
        let count = |counter: fn(&crate::access_log::LogCounters) -> &AtomicU64| {
            senders.iter().map(|sender| counter(sender.counters()).load(Ordering::Relaxed)).sum()
        };
        let of_disk = |counter: fn(&DiskCounters) -> &AtomicU64| {
            self.engine.cache.disk_counters().map_or(0, |counters| counter(counters).load(Ordering::Relaxed))
        };
        let (plan, now) = (self.engine.plan.load(), self.engine.clock.now().secs());
        let of_certificates = |counts: fn(&OcspResponse, u64) -> bool| {
            let said = plan.distributions().filter_map(|found| found.certificate.as_ref()?.ocsp.as_ref());
            said.filter(|ocsp| counts(ocsp, now)).count() as u64
        };
        Status {
            plan_sequence: plan.sequence(),
            stored_responses: usage.responses as u64,
            stored_bytes: usage.bytes as u64,
            disk_responses: usage.disk.map_or(0, |disk| disk.responses as u64),
            disk_chunks: usage.disk.map_or(0, |disk| disk.chunks as u64),
            disk_bytes: usage.disk.map_or(0, |disk| disk.bytes),
            disk_records_dropped: of_disk(|counters| &counters.dropped_records),
            disk_errors: of_disk(|counters| &counters.io_errors),
            disk_corrupt: of_disk(|counters| &counters.corrupt_records),
            requests: self.engine.requests.load(Ordering::Relaxed),
            explain_tokens_refused: self.engine.explain_tokens_refused.load(Ordering::Relaxed),
            slow_contents: self.engine.slow_contents.load(Ordering::Relaxed),
            connections: self.server.connections() as u64,
            strangers: self.server.counters().strangers,
            log_records_dropped: count(|counters| &counters.dropped_records),
            log_errors: count(|counters| &counters.io_errors),
            viewers_refused: ViewerRefusal::ALL.map(|refusal| (refusal.name(), self.server.refusals(refusal))),
            certificates_revoked: of_certificates(|ocsp, _| ocsp.revoked),
            certificates_stapled: of_certificates(|ocsp, now| now < ocsp.expires),
            ticket_secrets_refused: self.engine.ticket_secrets_refused.load(Ordering::Relaxed),
        }
    }

    /// Stops: no new connections, responses under way get `grace` to end, the log is completed.
    pub fn stop(mut self, grace: Duration) {
        self.server.stop(grace);
        if let Some((stop, thread)) = self.housekeeper.take() {
            drop(stop);
            let _ended = thread.join();
        }
        let now = self.engine.clock.now();
        self.buffers.iter().for_each(|buffer| buffer.hand_over(now));
        self.log.take().into_iter().chain(self.connection_log.take()).for_each(SegmentWriter::stop);
        self.engine.cache.close();
    }

    fn hand_over_records(&self) {
        let now = self.engine.clock.now();
        self.buffers.iter().for_each(|buffer| buffer.hand_over(now));
    }
}

fn engine(settings: &mut EdgeSettings) -> Result<Engine, StartError> {
    let cache = Cache::open(&CacheSettings {
        memory: settings.memory_bytes,
        disk: settings
            .disk
            .as_ref()
            .map(|disk| DiskSettings { directory: disk.directory.clone(), limit: disk.limit_bytes }),
    })?;
    let s3_endpoint = settings.s3.as_ref().and_then(|s3| s3.endpoint.as_deref()).map(s3_endpoint).transpose()?;
    Ok(Engine {
        plan: ArcSwap::from_pointee(Plan::default()),
        clock: match settings.clock {
            ClockSetting::System => Clock::System,
            ClockSetting::Manual(start) => Clock::manual(Duration::from_millis(start)),
        },
        identity: identity(settings, cache.identity())?,
        cache,
        s3: settings.s3.as_ref().map(|access: &S3Access| SigningIdentity::new(access)),
        s3_endpoint,
        https_port: OnceLock::new(),
        alt_svc: OnceLock::new(),
        lock_timeout: Duration::from_millis(settings.lock_timeout_ms),
        content_pace: (&settings.limits).into(),
        holding_room: Arc::new((&settings.limits).into()),
        slow_contents: AtomicU64::new(0),
        explain_key: settings.explain_key.clone(),
        explain_tokens_refused: AtomicU64::new(0),
        geo: ArcSwap::from_pointee(GeoData::load(&settings.geo)?),
        devices: DeviceRules::new(settings.user_agents.take()),
        ticket_secrets_refused: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        client_identities: ClientIdentities::new(client_config(&settings.trusted_authorities)?),
    })
}

/// Set once, before the first plan: no request needs them earlier.
fn know_https_port(engine: &Engine, port: u16, http3: bool) {
    if port != 443 {
        let _already_set = engine.https_port.set(port);
    }
    if http3 && let Ok(alt_svc) = HeaderValue::from_str(&format!("h3=\":{port}\"; ma=86400")) {
        let _already_set = engine.alt_svc.set(alt_svc);
    }
}

/// `known` is how the edge named itself before a restart: responses on its disk carry that name.
fn identity(settings: &EdgeSettings, known: Option<u128>) -> Result<EdgeIdentity, StartError> {
    let node = known.unwrap_or_else(|| fastrand::u128(..));
    EdgeIdentity::new(&settings.pop, node).map_err(|_| StartError::Pop(settings.pop.clone()))
}

fn s3_endpoint(url: &str) -> Result<S3Endpoint, StartError> {
    let wrong = || StartError::S3Endpoint(url.to_owned());
    let authority = url.strip_prefix("http://").ok_or_else(wrong)?;
    let mut addresses = authority.to_socket_addrs().map_err(|_| wrong())?;
    Ok(S3Endpoint { address: addresses.next().ok_or_else(wrong)? })
}

/// The certificates a plan needs; those already parsed are taken over.
fn parse_certificates(
    plan: &Plan,
    parsed: &AHashMap<String, Certificate>,
) -> Result<AHashMap<String, Certificate>, Rejected> {
    let default = plan.default_certificate().map(|pem| ("the edge", pem));
    let own = plan.distributions().filter_map(|found| found.certificate.as_ref().map(|pem| (&*found.id, pem)));
    own.chain(default).map(|(owner, pem)| parse_certificate(owner, pem, parsed)).collect()
}

/// The names under which `plan` has `distribution`, with what viewers get who ask for them.
fn names_of<'a>(
    plan: &'a Plan,
    distribution: &'a Distribution,
    parsed: &Parsed,
) -> impl Iterator<Item = (&'a str, NameSettings)> {
    let own = distribution.certificate.as_ref().and_then(|pem| parsed.certificates.get(&pem.chain_pem)).cloned();
    let authentication = viewer_mtls::of(distribution, &parsed.authentications);
    let terms = viewer_terms(distribution);
    let names = std::iter::once(&distribution.domain_name).chain(&distribution.aliases);
    let names = names.filter(|name| plan.distribution_for(name).is_some_and(|owner| owner.id == distribution.id));
    names.map(move |name| {
        let certificate = own.clone().filter(|certificate| certificate.covers(name));
        let authentication = authentication.clone();
        (name.as_str(), NameSettings { certificate, terms, http3: distribution.http3, authentication })
    })
}

fn parse_certificate(
    owner: &str,
    pem: &CertificatePem,
    parsed: &AHashMap<String, Certificate>,
) -> Result<(String, Certificate), Rejected> {
    let certificate = match parsed.get(&pem.chain_pem) {
        Some(known) => known.clone(),
        None => Certificate::from_pem(&pem.chain_pem, &pem.key_pem)
            .map_err(|error| Rejected::Certificate { owner: owner.to_owned(), reason: error.to_string() })?,
    };
    let staple = pem.ocsp.as_ref().map(|ocsp| staple(owner, ocsp)).transpose()?;
    Ok((pem.chain_pem.clone(), certificate.showing(staple)))
}

fn staple(owner: &str, ocsp: &OcspResponse) -> Result<Staple, Rejected> {
    let response = hex::bytes(ocsp.response.as_bytes()).ok_or_else(|| Rejected::Certificate {
        owner: owner.to_owned(),
        reason: "the OCSP response is not hexadecimal".to_owned(),
    })?;
    Ok(Staple { response, expires: ocsp.expires })
}

/// Keeps house once a second, until the sender is dropped.
fn housekeeper(
    logs: [&Option<SegmentWriter>; 2],
    keep: impl Fn(&[SegmentSender]) + Send + 'static,
) -> io::Result<(mpsc::Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = mpsc::channel();
    let senders: Vec<_> = logs.into_iter().flatten().map(SegmentWriter::sender).collect();
    let run = move || {
        while stopped.recv_timeout(HOUSEKEEPING) == Err(mpsc::RecvTimeoutError::Timeout) {
            keep(&senders);
        }
    };
    let thread = std::thread::Builder::new().name("edge-housekeeping".to_owned()).spawn(run)?;
    Ok((stop, thread))
}

/// What the time decides on in a handshake: keys of session tickets, OCSP responses. A file of secrets that cannot be used
/// is counted; the edge goes on with those it has.
fn keep_time(engine: &Engine, certificates: &CertificateStore, tickets: Option<&TicketFile>) {
    let now = engine.clock.now().secs();
    certificates.set_time(now);
    if let Some(Err(_unusable)) = tickets.map(|file| file.renew(now)) {
        engine.ticket_secrets_refused.fetch_add(1, Ordering::Relaxed);
    }
}

fn access_log_settings(files: &LogFiles) -> LogSettings {
    log_settings(files, files.directory.clone(), access_log::header())
}

/// In a folder of their own: whoever reads the access log expects nothing else beside it.
fn connection_log_settings(files: &LogFiles) -> LogSettings {
    log_settings(files, files.directory.join("connections"), connection_log::header())
}

fn log_settings(files: &LogFiles, directory: PathBuf, header: String) -> LogSettings {
    LogSettings { directory, segment_seconds: files.segment_seconds, segment_bytes: files.segment_bytes, header }
}
