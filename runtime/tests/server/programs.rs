//! PostgreSQL's programs, and settings, that are not accepted.

use crate::{
    machine::write_script,
    site::{Site, make_dir},
    user::refusal,
};

#[test]
fn an_empty_pg_bin_is_refused() {
    let site = Site::new();
    let empty = site.beside("bin");
    make_dir(&empty, 0o755);
    let said = refusal(site.command().env("PG_BIN", &empty).env("PATH", ""));
    assert!(said.contains("there is no `postgres` in it"), "{said}");
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
