//! Every target on its seeds and on mutations of them that are the same in every run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;

use edgeward_fuzz::TARGETS;

/// Of each target; a second or so altogether.
const MUTATIONS: usize = 3_000;
/// What parsers trip over.
const TOKENS: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b":",
    b";",
    b",",
    b"=",
    b"-",
    b" ",
    b"\"",
    b"chunked",
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"18446744073709551615",
    b"\xff",
];

#[test]
fn what_must_hold_holds_for_mutations_of_the_seeds() {
    for (name, check) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "seeds/{name} is empty");
        seeds.iter().for_each(|seed| check(seed));
        let mut random = fastrand::Rng::with_seed(0x5eed);
        for _ in 0..MUTATIONS {
            check(&mutated(&seeds, &mut random));
        }
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One seed with some changes: a byte, a token, a piece less, a piece twice, the end of another seed.
fn mutated(seeds: &[Vec<u8>], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut data = random.choice(seeds).unwrap().clone();
    for _ in 0..random.usize(1..=6) {
        let (from, to) = (random.usize(0..=data.len()), random.usize(0..=data.len()));
        let piece = from.min(to)..from.max(to);
        match random.u8(0..5) {
            0 => data.iter_mut().skip(from).take(1).for_each(|byte| *byte ^= 1 << random.u8(0..8)),
            1 => drop(data.splice(from..from, random.choice(TOKENS).unwrap().iter().copied())),
            2 => drop(data.drain(piece)),
            3 => {
                let twice = data[piece.clone()].to_vec();
                data.splice(piece.start..piece.start, twice);
            }
            _ => {
                let other = random.choice(seeds).unwrap();
                data.truncate(from);
                data.extend_from_slice(&other[other.len().min(from)..]);
            }
        }
        data.truncate(16 * 1024);
    }
    data
}
