//! Asks for the addresses of a name: the hosts file, then name servers, the operator's or the system's.
//!
//! Invariant: a name with a dot is absolute, whatever the system's search list; `/etc/resolv.conf` and the hosts file count
//! as they are at the time of the question. One per worker, because queries belong to its runtime. Called by `Resolver`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, TokioResolver};
use parking_lot::Mutex;

use super::Family;
use super::answers::Reply;

/// The name servers of one worker.
pub(super) struct NameServers {
    /// In place of the system's; none for those.
    chosen: Vec<SocketAddr>,
    timeout: Duration,
    system: Mutex<Option<System>>,
}

/// What the system's files said when they were read.
#[derive(Clone)]
struct System {
    resolver: TokioResolver,
    hosts: Arc<Hosts>,
    changed: [Option<SystemTime>; 2],
}

impl NameServers {
    /// One query takes half of `timeout`, so that there can be a second one.
    pub(super) fn new(chosen: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self { chosen, timeout, system: Mutex::default() }
    }

    pub(super) async fn ask(&self, host: &str, family: Family) -> Reply {
        let Ok(mut name) = Name::from_ascii(host) else {
            return Reply::Failed("it is no domain name".into());
        };
        // A name of one label is one of the machine's own network, where the search list leads to.
        name.set_fqdn(host.contains('.'));
        let kind = match family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::AAAA,
        };
        let System { resolver, hosts, .. } = match self.system() {
            Ok(system) => system,
            Err(error) => return Reply::Failed(error.to_string().into()),
        };
        if let Some(listed) = hosts.lookup_static_host(&Query::query(name.clone(), kind)) {
            return Reply::Found { addresses: addresses(&listed), ttl: HOSTS_TTL };
        }
        reply(resolver.lookup(name, kind).await)
    }

    /// As the files are now; read when they have changed.
    fn system(&self) -> Result<System, NetError> {
        let changed = [RESOLV_CONF, HOSTS].map(|path| fs::metadata(path).and_then(|found| found.modified()).ok());
        let mut system = self.system.lock();
        if let Some(known) = system.as_ref().filter(|known| known.changed == changed) {
            return Ok(known.clone());
        }
        let hosts = Arc::new(Hosts::from_system().unwrap_or_default());
        Ok(system.insert(System { resolver: self.resolver()?, hosts, changed }).clone())
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let (config, options) = match self.chosen.as_slice() {
            [] => system_servers(),
            chosen => (name_servers(chosen.iter().map(server).collect()), ResolverOpts::default()),
        };
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let chosen = builder.options_mut();
        *chosen = options;
        // What is known is kept by `Resolver`, in one place for all workers.
        chosen.cache_size = 0;
        chosen.use_hosts_file = ResolveHosts::Never;
        (chosen.timeout, chosen.attempts) = (self.timeout / 2, 1);
        builder.build()
    }
}

impl std::fmt::Debug for NameServers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NameServers").field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

/// Those of `/etc/resolv.conf`; without any, as the C library has it, one on this machine.
fn system_servers() -> (ResolverConfig, ResolverOpts) {
    let this_machine = || name_servers(vec![NameServerConfig::udp_and_tcp([127, 0, 0, 1].into())]);
    read_system_conf().unwrap_or_else(|_none| (this_machine(), ResolverOpts::default()))
}

fn name_servers(servers: Vec<NameServerConfig>) -> ResolverConfig {
    ResolverConfig::from_parts(None, Vec::new(), servers)
}

/// Over UDP, and over TCP for what does not fit.
fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

fn reply(answered: Result<Lookup, NetError>) -> Reply {
    match answered {
        Ok(lookup) => {
            let ttl = lookup.answers().iter().map(|record| record.ttl).min().map(seconds);
            match addresses(&lookup) {
                none if none.is_empty() => Reply::Nothing { ttl },
                addresses => Reply::Found { addresses, ttl: ttl.unwrap_or_default() },
            }
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => {
            Reply::Nothing { ttl: nothing.negative_ttl.map(seconds) }
        }
        Err(error) => Reply::Failed(error.to_string().into()),
    }
}

fn addresses(lookup: &Lookup) -> Arc<[IpAddr]> {
    lookup.answers().iter().filter_map(|record| record.data.ip_addr()).take(MOST_ADDRESSES).collect()
}

fn seconds(value: u32) -> Duration {
    Duration::from_secs(value.into())
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// A line that is added or changed counts soon.
const HOSTS_TTL: Duration = Duration::from_secs(5);
/// Of one answer; more are as good as these.
const MOST_ADDRESSES: usize = 32;
