//! A private server of a test's own, in a directory that goes away with the test.

#[path = "place/prepared.rs"]
mod prepared;

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use child::{Finished, Running};
use rustix::process::{Pid, test_kill_process};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// A directory for a private server. Its server stops at once when its last child is gone.
pub(crate) struct Place(PathBuf);

impl Place {
    /// With data that was prepared, or the server would need most of its time for that.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static SWEPT: Once = Once::new();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        SWEPT.call_once(|| sweep(&parent));
        let home = parent.join(format!("dbt-{}-{number}", process::id()));
        prepared::copy_to(&home);
        Self(home)
    }

    /// Runs tests of this binary on the server of this place.
    pub(crate) fn run(&self, filter: &str, environment: &[(&str, &str)]) -> Finished {
        child::run(filter, &[&self.variables(), environment].concat())
    }

    /// Starts the same, without waiting for its end.
    pub(crate) fn start(&self, filter: &str, environment: &[(&str, &str)]) -> Running {
        child::start(filter, &[&self.variables(), environment].concat())
    }

    fn variables(&self) -> [(&'static str, &str); 2] {
        let home = self.0.to_str().expect("it is UTF-8");
        [("DB_TEST_HOME", home), ("DB_TEST_IDLE_SECONDS", "600")]
    }

    /// Connects to the server while it is still waiting for its next user.
    pub(crate) async fn connect(&self) -> PgConnection {
        let options = self.socket().username("postgres").database("postgres");
        PgConnection::connect_with(&options)
            .await
            .expect("the server is still there")
    }

    /// The socket of the server, without a role.
    pub(crate) fn socket(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(self.instance().join("s"))
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.instance().join("postgres.log")).expect("it has a log")
    }

    /// The directory of the server.
    pub(crate) fn instance(&self) -> PathBuf {
        let mut instances = fs::read_dir(self.0.join("v1"))
            .expect("it has been used")
            .flatten();
        // What was prepared may be for another one, if programs were installed since.
        let instance = instances.find(|entry| entry.path().join("lease").exists());
        instance.expect("there is one server").path()
    }
}

/// Removes the places of test binaries that were killed. A server that is still there ends with its
/// directory.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let parts = name.to_str().and_then(|name| name.strip_prefix("dbt-"));
        let owner = parts.and_then(|parts| parts.split_once('-')?.0.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && test_kill_process(owner).is_err()
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

impl Drop for Place {
    /// The server notices that its directory is gone, and ends.
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn the_place_of_a_killed_test_binary_is_removed() {
    let parent = std::env::temp_dir().join(format!("dbt_places_{}", process::id()));
    let ours = parent.join(format!("dbt-{}-0", process::id()));
    // Linux gives no process a higher id than 2^22.
    let (killed, other) = (parent.join("dbt-2147483647-3"), parent.join("dbt-other"));
    for place in [&ours, &killed, &other] {
        fs::create_dir_all(place).expect("it is made");
    }
    sweep(&parent);
    let left = [&ours, &killed, &other].map(|place| place.exists());
    fs::remove_dir_all(&parent).expect("it is removed");
    assert_eq!(left, [true, false, true]);
}
