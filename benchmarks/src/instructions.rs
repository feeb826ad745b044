//! How many instructions one test takes: a figure that a busy machine does not change.

use std::{collections::HashMap, io, path::PathBuf, process::Command};

use crate::{
    Extent, cargo,
    server::Server,
    statistics::{Sample, short, times},
    table,
};

/// The variants that are counted, by test target.
const COUNTED: [(&str, &str); 3] = [
    ("`#[db_test]`", "db_test"),
    ("floor: a plain shared pool, no isolation", "floor"),
    ("limit: a held connection, bare statements", "limit"),
];

/// Counts with callgrind, and skips with a word where there is none.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("\ninstructions: skipped, there is no valgrind");
        return Ok(());
    }
    let programs = cargo::build_tests(&cargo::root().join("variants"))?;
    let server = Server::start()?;
    let count = |program: &str, depth: usize| instructions(&programs, &server, program, depth);
    let mut medians = Vec::new();
    for (title, program) in COUNTED {
        // Makes the databases.
        count(program, 3)?;
        let mut each = Vec::new();
        for _ in 0..extent.pick(3, 1) {
            each.push((count(program, 1)? - count(program, 2)?) / 90.0 / 1e6);
        }
        medians.push((title, Sample::new(each)));
    }
    let floor = medians[1].1.median();
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
