//! A bounded run on every build: each seed, and so many descendants of the seeds, always the same ones.

use std::{fs, path::Path};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

const DESCENDANTS: usize = 10_000;
const CHANGES_MAX: usize = 6;
const BYTES_MAX: usize = 2048;
/// Bytes that mean something to one of the parsers.
const TELLING: [u8; 9] = [0, 1, 0x7e, 0x7f, 0x80, 0xfe, 0xff, b'"', b'{'];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has seeds");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        check(seed);
    }
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..DESCENDANTS {
        let mut input = seeds.choose(&mut random).unwrap().clone();
        for _ in 0..random.random_range(1..=CHANGES_MAX) {
            change(&mut input, &seeds, &mut random);
        }
        input.truncate(BYTES_MAX);
        check(&input);
    }
}

/// One of the changes that find most: a bit, a byte, a piece lost, repeated, or from another seed.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut impl Rng) {
    if input.is_empty() {
        input.push(random.random());
        return;
    }
    let at = random.random_range(0..input.len());
    let end = random.random_range(at..=input.len());
    match random.random_range(0..6) {
        0 => input[at] ^= 1 << random.random_range(0..8),
        1 => input[at] = TELLING.choose(random).copied().unwrap(),
        2 => input.insert(at, random.random()),
        3 => drop(input.drain(at..end)),
        4 => input.extend_from_within(at..end),
        _ => {
            let other = seeds.choose(random).unwrap();
            let from = random.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

#[test]
fn frames() {
    run("frames", super::frames);
}

#[test]
fn commands() {
    run("command", super::command);
}

#[test]
fn cursors() {
    run("cursor", super::cursor);
}

#[test]
fn packets() {
    run("packet", super::packet);
}

#[test]
fn payloads() {
    run("payload", super::payload);
}

#[test]
fn resumes() {
    run("resume", super::resume);
}
