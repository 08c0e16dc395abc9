//! The directory of the disk tier: who has it, and what is drawn once for it.
//!
//! Invariant: one process at a time has a directory, and its secret is the same at every start. Called by `DiskStore::open`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::rand::{GetRandomFlags, getrandom};

/// Files and connections that the rest of an edge has open, at least.
const OTHER_FILES: u64 = 512;

/// What is drawn once for a directory and is the same at every start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Secret {
    /// Nobody else knows it, so nobody can choose keys whose hashes collide.
    pub(super) seed: u64,
    /// Names the edge whose directory it is.
    pub(super) identity: u128,
}

/// Takes the directory for this process.
pub(super) fn lock(directory: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(directory.join("lock"))?;
    hold(&file)?;
    Ok(file)
}

/// Takes the lock that is open as `file`.
pub(super) fn hold(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another process has it; give each edge its own"))
}

/// Sees to it that `segments` files can be open beside the others.
///
/// # Errors
/// The system allows fewer, whatever this process asks for.
pub(super) fn allow_open_files(segments: u64) -> io::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is without limit.
    let (wanted, is_enough) =
        (segments + OTHER_FILES, |limit: Option<u64>, wanted| limit.is_none_or(|it| it >= wanted));
    if is_enough(current, wanted) {
        return Ok(());
    }
    if !is_enough(maximum, wanted) {
        let allowed = maximum.unwrap_or_default();
        let message = format!("takes {wanted} open files, and {allowed} are allowed (ulimit -n); lower its limit");
        return Err(io::Error::other(message));
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

impl Secret {
    /// That of `directory`, drawn now if it has none.
    pub(super) fn of_directory(directory: &Path) -> io::Result<Secret> {
        let path = directory.join("secret");
        let mut bytes = [0; 24];
        match File::open(&path).and_then(|mut file| file.read_exact(&mut bytes)) {
            Ok(()) => Ok(Secret::of(bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => draw(&path),
            Err(error) => Err(error),
        }
    }

    fn of(bytes: [u8; 24]) -> Secret {
        let (seed, identity) = bytes.split_at(8);
        Secret {
            seed: seed.try_into().map(u64::from_le_bytes).unwrap_or_default(),
            identity: identity.try_into().map(u128::from_le_bytes).unwrap_or_default(),
        }
    }
}

fn draw(path: &Path) -> io::Result<Secret> {
    let mut bytes = [0; 24];
    // So few bytes come at once, or not at all.
    if getrandom(&mut bytes, GetRandomFlags::empty())? != bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(Secret::of(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_drawn_once() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let of = |directory: &tempfile::TempDir| {
            let Secret { seed, identity } = Secret::of_directory(directory.path()).unwrap();
            (seed, identity)
        };
        assert_eq!(of(&one), of(&one));
        assert_ne!(of(&one), of(&other));
        std::fs::write(one.path().join("secret"), b"short").unwrap();
        assert_eq!(of(&one), of(&one));
    }

    #[test]
    fn more_open_files_than_there_may_be_are_refused() {
        allow_open_files(1_000).unwrap();
        assert!(getrlimit(Resource::Nofile).current.is_none_or(|limit| limit >= 1_512));
        if let Some(most) = getrlimit(Resource::Nofile).maximum {
            let error = allow_open_files(most).unwrap_err().to_string();
            assert!(error.contains("ulimit -n"), "{error}");
        }
    }
}
