//! Whether the programs in a directory run: as the user, and in the environment, that they are
//! going to run in.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Stdio, time::Duration};

use super::{account::Account, bounded};

/// Printing a version takes some milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

/// The major version of the server in a directory, or why it cannot be used.
pub(super) fn major(dir: &Path, account: &Account) -> Result<u32, String> {
    if let Some(closed) = closed_to(account, dir) {
        return Err(cannot_enter(account, closed));
    }
    let postgres = version_of("postgres", dir, account)?;
    // It needs libraries that `postgres` does not.
    let initdb = version_of("initdb", dir, account)?;
    if postgres != initdb {
        return Err(format!(
            "its `postgres` is of PostgreSQL {postgres} and its `initdb` of {initdb}"
        ));
    }
    find_data(dir, account)?;
    Ok(postgres)
}

/// Looks for the files that `initdb` makes a cluster from. They are in another directory, which an
/// incomplete installation lacks.
fn find_data(dir: &Path, account: &Account) -> Result<(), String> {
    let show = ["--show", "--username=postgres", "--pgdata=/nonexistent"];
    let said = run("initdb", &show, dir, account)?;
    let path = said
        .lines()
        .find_map(|line| line.strip_prefix("POSTGRES_BKI="));
    match path.map(Path::new) {
        Some(path) if !path.is_file() => Err(format!(
            "the installation is not complete: there is no `{}`",
            path.display()
        )),
        Some(path) => match closed_to(account, path.parent().unwrap_or(path)) {
            Some(closed) => Err(cannot_enter(account, closed)),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

fn version_of(program: &str, dir: &Path, account: &Account) -> Result<u32, String> {
    let said = run(program, &["--version"], dir, account)?;
    let line = said.lines().next().unwrap_or_default().trim();
    parse_major(line).ok_or_else(|| format!("`{program} --version` said `{line}`"))
}

/// The output of a program.
fn run(program: &str, arguments: &[&str], dir: &Path, account: &Account) -> Result<String, String> {
    let mut command = account.program(&dir.join(program));
    command.args(arguments).stdin(Stdio::null());
    bounded::output(&mut command, LIMIT).map_err(|error| {
        let libraries = if error.to_string().contains("librar") {
            "; install what is missing, or name its directory in LD_LIBRARY_PATH"
        } else {
            ""
        };
        format!(
            "`{program} {}`{} failed: {error}{libraries}",
            arguments.join(" "),
            account.description()
        )
    })
}

fn cannot_enter(account: &Account, closed: &Path) -> String {
    format!(
        "tests of root run the server{}, who cannot enter `{}`; move the programs, or let others enter it (`chmod o+x`)",
        account.description(),
        closed.display()
    )
}

/// From `postgres (PostgreSQL) 15.13 (Debian …)`, or `…) 18beta1`.
fn parse_major(line: &str) -> Option<u32> {
    let version = line.split_once(") ")?.1;
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

/// The directory on the way that another user's server cannot enter.
fn closed_to<'a>(account: &Account, dir: &'a Path) -> Option<&'a Path> {
    let Account::Other { uid, gid, .. } = account else {
        return None;
    };
    let is_closed = |dir: &&Path| {
        fs::metadata(dir).is_ok_and(|found| {
            let entering = match (found.uid() == *uid, found.gid() == *gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            found.mode() & entering == 0
        })
    };
    dir.ancestors().filter(is_closed).last()
}

#[cfg(test)]
mod tests {
    use super::parse_major;

    #[test]
    fn a_major_version_is_read_from_all_kinds_of_releases() {
        for (line, major) in [
            (
                "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)",
                Some(15),
            ),
            ("initdb (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("sh: postgres: not found", None),
        ] {
            assert_eq!(parse_major(line), major, "{line}");
        }
    }
}
