//! The data of a private server without databases, made once: a copy costs a tenth of `initdb`.
//!
//! db-test makes it itself, with its own options. It is kept in cargo's directory for the files of
//! tests, and serves the test binaries that have this module until the machine is started again.

use std::{
    env,
    fs::{self, DirBuilder, File},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use db_test::{Session, db_test};
use sqlx::PgPool;

/// How the data is made.
const SOURCE: &str = include_str!("../../../src/postgres/server/local/cluster.rs");

/// More than anything takes here, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(1);

/// Fills the directory that is to become the home of a private server.
pub(crate) fn copy_to(home: &Path) {
    let generation = generation();
    let programs = hash(&["PG_BIN", "PATH"].map(env::var_os));
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let prepared = all.join(format!("{generation}{programs:016x}"));
    let lock = File::create(all.join("cluster.lock")).expect("cargo has made the directory");
    lock.lock().expect("it can be locked");
    if !prepared.is_dir() {
        remove_others(all, &generation);
        prepare(home, &prepared);
    }
    duplicate(&prepared, home);
}

/// How the names of prepared data begin that can still be used. Data of an earlier start of the
/// machine cannot.
fn generation() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("cluster-{:016x}-", hash(&(SOURCE, boot)))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn remove_others(all: &Path, generation: &str) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("cluster-") && !name.starts_with(generation) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Has a server make its data in `home`, which is removed afterwards.
fn prepare(home: &Path, prepared: &Path) {
    let home_name = home.to_str().expect("it is UTF-8");
    let variables = [("DB_TEST_HOME", home_name), ("DB_TEST_IDLE_SECONDS", "0")];
    child::run("prepared::nothing_but_a_server", &variables).assert_failed_with(NO_MORE);
    let layout = only_directory(home);
    let instance = only_directory(&layout);
    let data = instance.join("data");
    let began = Instant::now();
    while data.join("postmaster.pid").exists() {
        assert!(began.elapsed() < LIMIT, "the server does not stop");
        thread::sleep(Duration::from_millis(5));
    }
    let unfinished = prepared.with_extension("new");
    fs::remove_dir_all(&unfinished).ok();
    let copy = instance.strip_prefix(home).expect("it is in there");
    let copy = unfinished.join(copy);
    // As db-test makes its own directories.
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(&copy)
        .expect("it can be made");
    for name in ["data", "boot"] {
        duplicate(&instance.join(name), &copy.join(name));
    }
    fs::rename(&unfinished, prepared).expect("it is ours");
    fs::remove_dir_all(home).expect("it is ours");
}

fn only_directory(parent: &Path) -> PathBuf {
    let entries = fs::read_dir(parent).expect("a server was started");
    let mut paths = entries.flatten().map(|entry| entry.path());
    let found = paths.find(|path| path.is_dir());
    found.expect("a server was started")
}

/// Copies a directory that is not there yet, with owners and permissions.
fn duplicate(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-pR").arg(from).arg(to).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cannot copy {} to {}",
        from.display(),
        to.display()
    );
}

const NO_MORE: &str = "nothing but the server is wanted";

fn session() -> Session {
    Session::postgres().seed(|_pool| async {
        if child::in_child() {
            return Err(NO_MORE);
        }
        Ok(())
    })
}

/// In a child, its template is given up, so that no database is left.
#[db_test(session = session)]
async fn nothing_but_a_server(_pool: PgPool) {}
