//! Building what is measured.

use std::{
    collections::HashMap,
    env, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The directory of this crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where everything is built, once.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// A cargo command on a crate, without what the runner's own cargo has put into the environment.
pub(crate) fn command(crate_dir: &Path, subcommand: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let kept = ["CARGO_HOME", "CARGO_TERM_COLOR"].contains(&&*text);
        if text.starts_with("CARGO") && !kept {
            command.env_remove(&name);
        }
    }
    // The variables of the user must not choose another server.
    command.env_remove("TEST_DB_URL").env_remove("DATABASE_URL");
    command
        .args(subcommand)
        .arg("--manifest-path")
        .arg(crate_dir.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target())
        .stdin(Stdio::null());
    command
}

/// Builds the tests of a crate; gives their programs by the names of the test targets.
pub(crate) fn build_tests(crate_dir: &Path) -> io::Result<HashMap<String, PathBuf>> {
    build(command(crate_dir, BUILD), crate_dir)
}

/// What of a test program is optimized, beyond the dev profile.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Optimized {
    Nothing,
    /// `[profile.dev.package.db-test] opt-level = 3`.
    DbTest,
    /// `[profile.dev.package."*"] opt-level = 3`, db-test among them.
    Dependencies,
}

/// Builds these tests of a crate; gives their programs by the names of the test targets.
pub(crate) fn build_some(
    crate_dir: &Path,
    optimized: Optimized,
    targets: &[&str],
) -> io::Result<HashMap<String, PathBuf>> {
    let mut command = command(crate_dir, BUILD);
    for name in targets {
        command.args(["--test", name]);
    }
    let (package, directory) = match optimized {
        Optimized::Nothing => return build(command, crate_dir),
        Optimized::DbTest => ("db-test", "optimized-db-test"),
        Optimized::Dependencies => ("\"*\"", "optimized"),
    };
    let profile = format!("profile.dev.package.{package}.opt-level=3");
    command.args(["--config", &profile]);
    // The other programs are to stay where they are.
    command.env("CARGO_TARGET_DIR", target().join(directory));
    build(command, crate_dir)
}

const BUILD: &[&str] = &["test", "--no-run", "--message-format=json"];

fn build(mut command: Command, crate_dir: &Path) -> io::Result<HashMap<String, PathBuf>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        let problem = format!("the tests of {} do not build", crate_dir.display());
        return Err(io::Error::other(problem));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let programs = messages.lines().filter_map(|line| {
        let path = between(line, "\"executable\":\"", "\"")?;
        let target = &line[line.find("\"target\":")?..];
        Some((
            between(target, "\"name\":\"", "\"")?.to_owned(),
            PathBuf::from(path),
        ))
    });
    Ok(programs.collect())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}
