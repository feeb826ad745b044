//! Which crates a user's test build gains.

use std::{collections::BTreeSet, fs, io, path::Path};

use super::{KINDS, Kind};
use crate::{Extent, cargo, process, server, statistics::short, table};

/// The least that tests of an axum application are written with.
const ONESHOT: Kind = Kind {
    title: "`#[tokio::test]` and tower's `oneshot`",
    name: "compile-oneshot",
    dependencies: r#"axum = { version = "0.8", default-features = false, features = ["json", "query", "tokio"] }
serde = { version = "1", features = ["derive"] }
sqlx = { version = "0.9", default-features = false, features = ["runtime-tokio", "postgres", "migrate", "derive"] }
tokio = { version = "1.54", features = ["rt", "macros"] }
tower = { version = "0.5", default-features = false, features = ["util"] }
"#,
    prelude: "",
    opening: "",
};

pub(super) fn run(extent: Extent) -> io::Result<()> {
    let [db_test, tokio_test, sqlx_test] = &KINDS;
    let (mut rows, mut least) = (Vec::new(), BTreeSet::new());
    for kind in [&ONESHOT, tokio_test, sqlx_test, db_test] {
        let (crate_dir, _) = kind.write(0)?;
        let crates = crates(&crate_dir)?;
        if least.is_empty() {
            least.clone_from(&crates);
        }
        let gained = crates.difference(&least).count();
        let seconds = match extent {
            Extent::Full => short(seconds_to_build(&crate_dir)?),
            Extent::Short => "not measured".to_owned(),
        };
        let title = kind.title.to_owned();
        rows.push(vec![
            title,
            crates.len().to_string(),
            gained.to_string(),
            seconds,
        ]);
    }
    table::print(
        "Dependencies",
        "Crates in the build of a test program of the same application, and the seconds that they and an \
         empty test take from nothing (`cargo build --tests`, once).",
        &["tests", "crates", "more than the first", "build, s"],
        &rows,
    );
    Ok(())
}

fn crates(crate_dir: &Path) -> io::Result<BTreeSet<String>> {
    let output = cargo::command(crate_dir, &["tree", "--prefix", "none"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |line: &str| Some(line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    Ok(text.lines().filter_map(name).collect())
}

fn seconds_to_build(crate_dir: &Path) -> io::Result<f64> {
    let target = server::scratch("build")?;
    let mut command = cargo::command(crate_dir, &["build", "--tests"]);
    let seconds = process::time(command.env("CARGO_TARGET_DIR", &target));
    fs::remove_dir_all(target)?;
    seconds
}
