//! Whole suites, as a user runs them.

use std::{io, path::Path, process::Command};

use crate::{
    Extent, cargo,
    generated::{Crate, dependency_on},
    process::{self, Taken},
    server::Server,
    statistics::{Sample, short},
    table,
};

/// A suite and how it is written.
struct Suite {
    title: &'static str,
    name: &'static str,
    prelude: &'static str,
    test: &'static str,
    tests: usize,
}

const SESSION: &str = "use db_test::{Client, Session, db_test};
use variants::{app::app, body::three_requests, schema};

#[db_test::session]
fn session() -> Session {
    let migrations = schema::ONE.iter().cloned().collect();
    Session::postgres()
        .migrations(sqlx::migrate::Migrator::with_migrations(migrations))
        .app(|cx| app(cx.pool()))
}
";

const DB_TEST: &str = "#[db_test]
async fn test_NUMBER(client: Client) {
    three_requests(&client).await;
}
";

const SQLX_TEST: &str = "#[sqlx::test(migrator = \"variants::schema::ONE\")]
async fn test_NUMBER(pool: PgPool) {
    three_requests_on(pool).await;
}
";

const fn db_test(name: &'static str, tests: usize) -> Suite {
    Suite {
        title: "`#[db_test]`",
        name,
        prelude: SESSION,
        test: DB_TEST,
        tests,
    }
}

const fn sqlx_test(name: &'static str, tests: usize) -> Suite {
    Suite {
        title: "`#[sqlx::test]`",
        name,
        prelude: "use sqlx::PgPool;\nuse variants::body::three_requests_on;\n",
        test: SQLX_TEST,
        tests,
    }
}

const SUITES: [Suite; 6] = [
    Suite {
        title: "an empty `#[test]`",
        name: "suite-empty-1000",
        prelude: "",
        test: "#[test]\nfn test_NUMBER() {}\n",
        tests: 1000,
    },
    db_test("suite-db-test-100", 100),
    db_test("suite-db-test-1000", 1000),
    db_test("suite-db-test-10000", 10_000),
    sqlx_test("suite-sqlx-test-100", 100),
    sqlx_test("suite-sqlx-test-1000", 1000),
];

/// The runners, with what is run before so that cargo has nothing left to build.
const RUNNERS: [(&str, &[&str]); 2] = [
    ("`cargo test`", &["test", "--quiet", "--test", "it"]),
    (
        "`cargo nextest run`",
        &["nextest", "run", "--test", "it", "--no-fail-fast"],
    ),
];

/// Prints one table of all suites under both runners.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    let server = Server::start()?;
    let (mut rows, mut empty) = (Vec::new(), f64::NAN);
    for suite in SUITES.iter().filter(|suite| suite.is_part_of(extent)) {
        let directory = suite.write()?;
        cargo::build_tests(&directory)?;
        for (runner, subcommand) in runners() {
            let taken = suite.run(&directory, subcommand, &server, extent)?;
            let row = Row::of(suite, runner, &taken);
            if suite.prelude.is_empty() && subcommand.contains(&"nextest") {
                empty = row.milliseconds_a_test;
            }
            rows.push(row.cells(empty));
        }
    }
    table::print(
        "Whole suites",
        "Three requests a test, a schema of 1 migration, built before; the default number of threads. CPU \
         is user and system time of all processes of the run and, behind the plus sign, of the server; \
         memory is the most that the test processes had together, and connections the most that the server \
         had, both looked at every 25 ms.",
        &[
            "suite",
            "tests",
            "runner",
            "wall, s",
            "ms a test",
            "beyond an empty test",
            "CPU, s",
            "memory, MiB",
            "connections",
        ],
        &rows,
    );
    Ok(())
}

fn runners() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .output();
    let nextest = nextest.is_ok_and(|output| output.status.success());
    if !nextest {
        println!("\nsuites: there is no cargo-nextest, so only `cargo test` is run");
    }
    RUNNERS.into_iter().take(if nextest { 2 } else { 1 })
}

impl Suite {
    /// Whether it is written in the way that takes minutes.
    fn is_slow(&self) -> bool {
        self.prelude.contains("PgPool")
    }

    fn is_part_of(&self, extent: Extent) -> bool {
        extent == Extent::Full || self.tests <= if self.is_slow() { 100 } else { 1000 }
    }

    fn write(&self) -> io::Result<std::path::PathBuf> {
        let dependencies = [
            "axum = { version = \"0.8\", default-features = false, features = [\"json\", \"query\", \"tokio\"] }\n".to_owned(),
            "serde = { version = \"1\", features = [\"derive\"] }\n".to_owned(),
            "sqlx = { version = \"0.9\", default-features = false, features = [\"runtime-tokio\", \"postgres\", \"migrate\", \"macros\"] }\n".to_owned(),
            format!("db-test = {}\n", dependency_on("../runtime")),
            format!("variants = {}\n", dependency_on("variants")),
        ];
        let written = Crate {
            name: self.name,
            dependencies: &dependencies.concat(),
            prelude: self.prelude,
            test: self.test,
            tests: self.tests,
        };
        written.write()
    }

    /// Runs the suite several times; the first time makes templates and lanes, and is not counted.
    fn run(
        &self,
        directory: &Path,
        subcommand: &[&str],
        server: &Server,
        extent: Extent,
    ) -> io::Result<Vec<(Taken, f64)>> {
        let rounds = if self.is_slow() { 1 } else { extent.pick(3, 2) };
        let mut all = Vec::new();
        for _ in 0..=rounds {
            let before = server.cpu();
            let mut command = cargo::command(directory, subcommand);
            command.envs(server.variables());
            let taken = process::watch(&mut command, server.pid())?;
            all.push((taken, server.cpu() - before));
        }
        all.remove(0);
        Ok(all)
    }
}

struct Row {
    suite: &'static str,
    tests: usize,
    runner: &'static str,
    milliseconds_a_test: f64,
    wall: String,
    cpu: String,
    memory: String,
    connections: usize,
}

impl Row {
    fn of(suite: &Suite, runner: &'static str, taken: &[(Taken, f64)]) -> Self {
        let sample =
            |figure: fn(&(Taken, f64)) -> f64| Sample::new(taken.iter().map(figure).collect());
        let wall = sample(|(taken, _)| taken.wall);
        let (cpu, server) = (
            sample(|(taken, _)| taken.cpu),
            sample(|(_, server)| *server),
        );
        #[expect(clippy::cast_precision_loss, reason = "there are not so many tests")]
        let milliseconds_a_test = wall.median() * 1000.0 / suite.tests as f64;
        Self {
            suite: suite.title,
            tests: suite.tests,
            runner,
            milliseconds_a_test,
            wall: wall.spread(),
            cpu: format!("{} + {}", short(cpu.median()), short(server.median())),
            memory: short(sample(|(taken, _)| taken.memory).median()),
            connections: taken
                .iter()
                .map(|(taken, _)| taken.connections)
                .max()
                .unwrap_or(0),
        }
    }

    /// The cells; what an empty test takes under nextest is compared with nextest only.
    fn cells(&self, empty: f64) -> Vec<String> {
        let beyond = self.milliseconds_a_test - empty;
        let beyond = if self.runner.contains("nextest") && beyond > 0.0 {
            format!("{} ms", short(beyond))
        } else {
            "—".to_owned()
        };
        vec![
            self.suite.to_owned(),
            self.tests.to_string(),
            self.runner.to_owned(),
            self.wall.clone(),
            short(self.milliseconds_a_test),
            beyond,
            self.cpu.clone(),
            self.memory.clone(),
            self.connections.to_string(),
        ]
    }
}
