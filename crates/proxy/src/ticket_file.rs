//! The file with the secrets of session tickets, which all edges of a point of presence have: read at the start, and again
//! whenever it has changed.
//!
//! One secret a line, 64 hexadecimal digits; empty lines and those that begin with `#` are left out. The first secret seals,
//! all of them open. Invariant: a file that cannot be used changes nothing, and is tried again when it changes; one that
//! others may read is not used. Called by `edge`.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgeward_net::{TicketSecret, Tickets};
use parking_lot::Mutex;
use thiserror::Error;

use crate::hex;

/// Why the secrets cannot be used.
#[derive(Debug, Error)]
pub enum TicketFileError {
    /// The file is not there, or may not be read.
    #[error("ticket_secrets: {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Whoever reads it can open the sessions of viewers.
    #[error("ticket_secrets: {0}: others may read it; chmod 600 it")]
    Readable(PathBuf),
    /// A line that is no secret; what it says is not told.
    #[error("ticket_secrets: {path}: line {line} is not 64 hexadecimal digits")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Too few or too many.
    #[error("ticket_secrets: {path}: {count} secrets; at least one, at most {MOST_SECRETS}")]
    Count {
        /// The file.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
}

/// The file, and the tickets by its secrets.
pub(crate) struct TicketFile {
    path: PathBuf,
    seen: Mutex<Seen>,
    tickets: Arc<Tickets>,
}

struct Seen {
    version: Version,
    secrets: Vec<TicketSecret>,
}

/// What changes when the file does: device, inode, size, time of the last change.
type Version = Option<(u64, u64, u64, i64, i64)>;

impl TicketFile {
    /// Reads the file. `now` is in seconds since the epoch.
    pub(crate) fn open(path: &Path, now: u64) -> Result<TicketFile, TicketFileError> {
        let version = version_of(path);
        let secrets = read(path)?;
        let tickets = Arc::new(Tickets::new(&secrets, now));
        Ok(TicketFile { path: path.to_owned(), seen: Mutex::new(Seen { version, secrets }), tickets })
    }

    pub(crate) fn tickets(&self) -> Arc<Tickets> {
        Arc::clone(&self.tickets)
    }

    /// Goes on with the keys of `now`, and with the secrets that are in the file by now.
    ///
    /// # Errors
    /// The file has changed and cannot be used; the secrets stay. Said once for each change.
    pub(crate) fn renew(&self, now: u64) -> Result<(), TicketFileError> {
        let mut seen = self.seen.lock();
        let version = version_of(&self.path);
        let fresh = (version != seen.version).then(|| read(&self.path)).transpose();
        seen.version = version;
        let outcome = fresh.map(|secrets| seen.secrets = secrets.unwrap_or_else(|| std::mem::take(&mut seen.secrets)));
        self.tickets.renew(&seen.secrets, now);
        outcome
    }
}

fn version_of(path: &Path) -> Version {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
}

fn read(path: &Path) -> Result<Vec<TicketSecret>, TicketFileError> {
    let failed = |error| TicketFileError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    if is_readable_by_others(&file.metadata().map_err(failed)?) {
        return Err(TicketFileError::Readable(path.to_owned()));
    }
    let mut text = String::new();
    file.take(LONGEST_FILE).read_to_string(&mut text).map_err(failed)?;
    let secrets = parse(&text).map_err(|line| TicketFileError::Line { path: path.to_owned(), line })?;
    match secrets.len() {
        1..=MOST_SECRETS => Ok(secrets),
        count => Err(TicketFileError::Count { path: path.to_owned(), count }),
    }
}

fn is_readable_by_others(file: &Metadata) -> bool {
    file.mode() & 0o077 != 0
}

/// The error is the number of a line that is no secret.
fn parse(text: &str) -> Result<Vec<TicketSecret>, usize> {
    let lines = text.lines().map(str::trim).zip(1..);
    let secrets = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    secrets.map(|(line, number)| secret(line).ok_or(number)).collect()
}

fn secret(line: &str) -> Option<TicketSecret> {
    Some(TicketSecret(hex::bytes(line.as_bytes())?.try_into().ok()?))
}

/// Each of them costs four keys, and a look at each for a ticket of nobody's.
const MOST_SECRETS: usize = 8;
/// Bytes; beyond it a line is cut off, and refused.
const LONGEST_FILE: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        put(file.path(), text, mode);
        file
    }

    fn put(path: &Path, text: &str, mode: u32) {
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(fresh, path).unwrap();
    }

    #[test]
    fn secrets_stand_one_a_line_between_comments() {
        let text = format!("# of 2026\n\n  {}\n{}\n", "0f".repeat(32), "A1".repeat(32));
        assert_eq!(parse(&text).unwrap(), [TicketSecret([0x0f; 32]), TicketSecret([0xa1; 32])]);
        for (text, line) in [("0f", 1), ("\nzz", 2), (&"0f".repeat(33), 1)] {
            assert_eq!(parse(text).unwrap_err(), line, "{text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why_and_shows_no_secret() {
        let good = "0f".repeat(32);
        for (text, mode, expected) in [
            (good.clone(), 0o644, "chmod 600"),
            (good.clone(), 0o620, "chmod 600"),
            (String::new(), 0o600, "0 secrets"),
            (format!("{good}\n").repeat(9), 0o600, "9 secrets"),
            (format!("{good}\n{good}x"), 0o600, "line 2"),
        ] {
            let file = file(&text, mode);
            let Err(error) = TicketFile::open(file.path(), 0) else { panic!("{expected}") };
            let said = error.to_string();
            assert!(said.contains(expected) && !said.contains(&good), "{said}");
        }
        assert!(matches!(TicketFile::open(Path::new("/nowhere"), 0), Err(TicketFileError::Io { .. })));
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_damaged_one_changes_nothing() {
        use rustls::server::ProducesTickets;

        let file = file(&"0f".repeat(32), 0o600);
        let secrets = TicketFile::open(file.path(), 0).unwrap();
        let first = secrets.tickets().encrypt(b"session").unwrap();
        put(file.path(), "damaged", 0o600);
        assert!(secrets.renew(0).is_err());
        secrets.renew(0).unwrap();
        assert!(secrets.tickets().decrypt(&first).is_some());
        put(file.path(), &format!("{}\n{}", "a1".repeat(32), "0f".repeat(32)), 0o600);
        secrets.renew(0).unwrap();
        let second = secrets.tickets().encrypt(b"session").unwrap();
        assert!(secrets.tickets().decrypt(&first).is_some());
        put(file.path(), &"a1".repeat(32), 0o600);
        secrets.renew(0).unwrap();
        assert!(secrets.tickets().decrypt(&first).is_none());
        assert!(secrets.tickets().decrypt(&second).is_some());
    }
}
