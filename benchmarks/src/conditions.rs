//! Under which conditions the figures were taken.

use std::{fs, process::Command, thread};

use crate::{Extent, server};

/// A paragraph that belongs above every table.
pub(crate) fn describe(extent: Extent) -> String {
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("an unknown model", |line| {
        line.trim_start_matches(['\t', ':', ' '])
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let postgres = server::binaries().map_or_else(
        |error| error.to_string(),
        |dir| first_line(Command::new(dir.join("postgres")).arg("--version")),
    );
    format!(
        "Conditions: {cpus} CPUs ({model}), load {load} at the start; {postgres}, fsync off, data in \
         memory, Unix socket; {}; test programs of the dev profile, as users run them (this runner: \
         {}); {} run. Figures are medians, in parentheses the smallest and the largest; ratios are \
         medians of the ratios of each round.",
        first_line(Command::new("rustc").arg("--version")),
        if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
        extent.pick("full", "short"),
    )
}

fn first_line(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    text.lines().next().unwrap_or("unknown").to_owned()
}
