//! How many instructions one test takes: a figure that a busy machine does not change.

use std::{collections::HashMap, io, path::PathBuf, process::Command};

use crate::{
    Extent,
    cargo::{self, Optimized},
    server::Server,
    statistics::{Sample, short, times},
    table,
};

/// The variants that are counted, by test target. The first is the floor.
const COUNTED: [(&str, &str, Optimized); 6] = [
    (
        "floor: a plain shared pool, no isolation",
        "floor",
        Optimized::Nothing,
    ),
    ("`#[db_test]`", "db_test", Optimized::Nothing),
    (
        "`#[db_test]`, itself optimized",
        "db_test",
        Optimized::DbTest,
    ),
    (
        "limit: a held connection, bare statements",
        "limit",
        Optimized::Nothing,
    ),
    (
        "floor, optimized dependencies",
        "floor",
        Optimized::Dependencies,
    ),
    (
        "`#[db_test]`, optimized dependencies",
        "db_test",
        Optimized::Dependencies,
    ),
];

/// Counts with callgrind, and skips with a word where there is none.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("\ninstructions: skipped, there is no valgrind");
        return Ok(());
    }
    let variants = cargo::root().join("variants");
    let server = Server::start()?;
    let mut medians = Vec::new();
    for (title, program, optimized) in COUNTED {
        let programs = cargo::build_some(&variants, optimized, &[program])?;
        let count = |program, depth| instructions(&programs, &server, program, depth);
        // Makes the databases.
        count(program, 3)?;
        let mut each = Vec::new();
        for _ in 0..extent.pick(3, 1) {
            each.push((count(program, 1)? - count(program, 2)?) / 90.0 / 1e6);
        }
        medians.push((title, Sample::new(each)));
    }
    let floor = medians[0].1.median();
    let row = |(title, sample): &(&str, Sample)| {
        let own = sample.median() - floor;
        let own = if own > 0.0 {
            short(own)
        } else {
            "—".to_owned()
        };
        let ratio = times(sample.median() / floor);
        vec![(*title).to_owned(), sample.spread(), own, ratio]
    };
    let rows: Vec<Vec<String>> = medians.iter().map(row).collect();
    table::print(
        "Instructions per test",
        "Millions, counted by callgrind in user space: (100 tests − 10 tests) / 90, one thread. What a \
         variant takes beyond the floor is its own part.",
        &["variant", "instructions", "own part", "to the floor"],
        &rows,
    );
    Ok(())
}

fn instructions(
    programs: &HashMap<String, PathBuf>,
    server: &Server,
    program: &str,
    depth: usize,
) -> io::Result<f64> {
    let filter = format!("m1::{}", "d0::".repeat(depth));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(&programs[program])
        .args([&filter, "--test-threads", "1"])
        .envs(server.variables())
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text
        .lines()
        .find_map(|line| line.split_once("Collected : ")?.1.parse().ok());
    collected.ok_or_else(|| io::Error::other(format!("callgrind counted nothing:\n{text}")))
}
