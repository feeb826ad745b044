//! A pooler between the tests and their server: `pgbouncer`, where it is installed (`.ci/run` sees
//! to that).

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    time::{Duration, Instant},
};

use db_test::db_test;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use crate::place::Place;

const TESTS: &str = "transactions::";

/// Lets the pooler accept the parameters with which sqlx connects.
const LENIENT: &str = "ignore_startup_parameters = extra_float_digits,options";

#[db_test]
async fn a_pooler_that_refuses_us_is_named() {
    let place = Place::new();
    let Some(pooler) = Pooler::start(&place, "session", "") else {
        return;
    };
    let failed = place.run(TESTS, &[("TEST_DB_URL", &pooler.url())]);
    let expected = "a pooler in front of it: it says: unsupported startup parameter";
    failed.assert_says(expected);
    let help = "name the server itself in TEST_DB_URL";
    assert_eq!(failed.output.matches(help).count(), 1, "{}", failed.output);
}

#[db_test]
async fn a_pooler_that_lets_us_in_is_named_before_anything_is_made() {
    for mode in ["session", "transaction"] {
        let place = Place::new();
        let Some(pooler) = Pooler::start(&place, mode, LENIENT) else {
            return;
        };
        let failed = place.run(TESTS, &[("TEST_DB_URL", &pooler.url())]);
        let expected = "a pooler in front of it: two connections";
        assert!(
            failed.output.contains(expected),
            "{mode}: {}",
            failed.output
        );
        assert!(!failed.success, "{mode}: {}", failed.output);
    }
}

#[db_test]
async fn a_pooler_is_named_where_everything_is_made_already() {
    let place = Place::new();
    let Some(pooler) = Pooler::start(&place, "transaction", LENIENT) else {
        return;
    };
    let direct = to_url(&place.socket());
    let passed = place.run(TESTS, &[("TEST_DB_URL", &direct)]);
    passed.assert_passed();
    let failed = place.run(TESTS, &[("TEST_DB_URL", &pooler.url())]);
    let expected = "a pooler in front of it: it says that its process is";
    failed.assert_says(expected);
}

fn to_url(options: &PgConnectOptions) -> String {
    let options = options.clone().username("postgres").database("postgres");
    options.to_url_lossy().to_string()
}

/// A pooler in front of the server of a place; killed when dropped.
struct Pooler {
    process: Child,
    directory: PathBuf,
}

impl Pooler {
    /// None where there is no `pgbouncer`.
    fn start(place: &Place, mode: &str, also: &str) -> Option<Self> {
        place.run(TESTS, &[]).assert_passed();
        let socket = place.instance().join("s");
        let user = fs::metadata(&socket).expect("the server is there");
        let directory = env::temp_dir().join(format!(
            "dbt-pooler-{}-{mode}-{}",
            process::id(),
            also.len()
        ));
        fs::create_dir_all(&directory).expect("it is made");
        let (settings, users) = (directory.join("ini"), directory.join("users"));
        fs::write(&users, "\"postgres\" \"\"\n").expect("it is written");
        fs::write(&settings, ini(&socket, &directory, mode, also)).expect("it is written");
        // It refuses to be root, and the server's socket is that of its user.
        chown(&directory, Some(user.uid()), Some(user.gid())).expect("it is ours");
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new);
        let Some(program) = program.into_iter().find(|program| program.is_file()) else {
            eprintln!("skipped: there is no pgbouncer");
            return None;
        };
        let mut command = Command::new(program);
        command.arg(settings).uid(user.uid()).gid(user.gid());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("it starts");
        let began = Instant::now();
        while !directory.join(".s.PGSQL.6432").exists() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "it does not serve"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self { process, directory })
    }

    fn url(&self) -> String {
        let options = PgConnectOptions::new_without_pgpass();
        to_url(&options.socket(&self.directory).port(6432))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn ini(socket: &Path, directory: &Path, mode: &str, also: &str) -> String {
    let (socket, directory) = (socket.display(), directory.display());
    format!(
        "[databases]\n* = host={socket}\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {directory}\n\
         auth_type = trust\nauth_file = {directory}/users\npool_mode = {mode}\n{also}\n"
    )
}
