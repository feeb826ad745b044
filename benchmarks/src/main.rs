//! Runs the instruments and prints what they measured as Markdown, see `docs/benchmarks.md`.

mod cargo;
mod compile;
mod conditions;
mod generated;
mod instructions;
mod per_test;
mod process;
mod server;
mod start_up;
mod statistics;
mod suites;
mod table;

use std::{env, io, process::ExitCode};

const USAGE: &str = "usage: cargo run --release --manifest-path benchmarks/Cargo.toml -- \
                     [per-test|modes|sqlite|suites|start-up|compile|instructions|all] [--short]";

/// How much time a run may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Full,
    Short,
}

impl Extent {
    /// Chooses by the extent.
    pub(crate) fn pick<T>(self, full: T, short: T) -> T {
        match self {
            Self::Full => full,
            Self::Short => short,
        }
    }
}

type Instrument = fn(Extent) -> io::Result<()>;

const INSTRUMENTS: [(&str, Instrument); 7] = [
    ("per-test", per_test::run),
    ("modes", per_test::modes),
    ("sqlite", per_test::sqlite::run),
    ("suites", suites::run),
    ("start-up", start_up::run),
    ("compile", compile::run),
    ("instructions", instructions::run),
];

fn main() -> ExitCode {
    let (mut extent, mut chosen) = (Extent::Full, Vec::new());
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--short" => extent = Extent::Short,
            "all" => chosen.extend(INSTRUMENTS),
            name => {
                let known = INSTRUMENTS.iter().find(|(known, _)| *known == name);
                let Some(instrument) = known else {
                    eprintln!("`{name}` is no instrument\n{USAGE}");
                    return ExitCode::FAILURE;
                };
                chosen.push(*instrument);
            }
        }
    }
    if chosen.is_empty() {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    }
    println!("{}", conditions::describe(extent));
    for (name, run) in chosen {
        if let Err(error) = run(extent) {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
