//! What the tests of a crate take to compile.

mod expansion;
mod tree;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Extent, cargo,
    generated::{Crate, tests_of, write_migrations},
    process,
    statistics::{Sample, ratio},
    table,
};

/// How many migrations lie beside them, which `#[sqlx::test]` puts into each.
const MIGRATIONS: usize = 30;

/// A way to write the tests of a crate.
pub(crate) struct Kind {
    pub(crate) title: &'static str,
    pub(crate) name: &'static str,
    pub(crate) dependencies: &'static str,
    pub(crate) prelude: &'static str,
    /// What stands before the body.
    pub(crate) opening: &'static str,
}

/// What all tests do. It is compiled and never run.
pub(crate) const BODY: &str = r#"    let draft = Draft { author: "author-NUMBER".to_owned(), text: "text".to_owned() };
    let created = client.post("/notes").json(&draft).await;
    created.assert_status(StatusCode::CREATED);
    let note: Note = created.json();
    let shown = client.get(&format!("/notes/{}", note.id)).await;
    shown.assert_status_ok();
    assert_eq!(shown.json::<Note>().author, "author-NUMBER");
}
"#;

const DB_TEST: &str = r#"axum = { version = "0.8", default-features = false, features = ["json", "query", "tokio"] }
serde = { version = "1", features = ["derive"] }
sqlx = { version = "0.9", default-features = false, features = ["runtime-tokio", "postgres", "migrate", "derive"] }
db-test = DB_TEST
"#;

const TOKIO_TEST: &str = r#"axum = { version = "0.8", default-features = false, features = ["json", "query", "tokio"] }
axum-test = { version = "21.1", default-features = false }
serde = { version = "1", features = ["derive"] }
sqlx = { version = "0.9", default-features = false, features = ["runtime-tokio", "postgres", "migrate", "derive"] }
tokio = { version = "1.54", features = ["rt", "macros"] }
"#;

const SQLX_TEST: &str = r#"axum = { version = "0.8", default-features = false, features = ["json", "query", "tokio"] }
axum-test = { version = "21.1", default-features = false }
serde = { version = "1", features = ["derive"] }
sqlx = { version = "0.9", default-features = false, features = ["runtime-tokio", "postgres", "migrate", "macros"] }
"#;

/// The second is what the others are compared with.
pub(crate) const KINDS: [Kind; 3] = [
    Kind {
        title: "`#[db_test]`",
        name: "compile-db-test",
        dependencies: DB_TEST,
        prelude: "use axum::http::StatusCode;
use db_test::{Client, Session, db_test};
use subject::{Draft, Note, app};

#[db_test::session]
fn session() -> Session {
    Session::postgres().app(|cx| app(cx.pool()))
}
",
        opening: "#[db_test]\nasync fn test_NUMBER(client: Client) {\n",
    },
    Kind {
        title: "`#[tokio::test]`",
        name: "compile-tokio-test",
        dependencies: TOKIO_TEST,
        prelude: "use axum::http::StatusCode;
use axum_test::TestServer;
use sqlx::PgPool;
use subject::{Draft, Note, app};

async fn client() -> TestServer {
    let pool = PgPool::connect(\"postgres://localhost\").await.unwrap();
    TestServer::builder().mock_transport().build(app(pool))
}
",
        opening: "#[tokio::test]\nasync fn test_NUMBER() {\n    let client = client().await;\n",
    },
    Kind {
        title: "`#[sqlx::test]`",
        name: "compile-sqlx-test",
        dependencies: SQLX_TEST,
        prelude: "use axum::http::StatusCode;
use axum_test::TestServer;
use sqlx::PgPool;
use subject::{Draft, Note, app};

fn client(pool: PgPool) -> TestServer {
    TestServer::builder().mock_transport().build(app(pool))
}
",
        opening: "#[sqlx::test]\nasync fn test_NUMBER(pool: PgPool) {\n    let client = client(pool);\n",
    },
];

/// Prints the tables of compile times, of expansion sizes, and of dependencies.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    times(extent)?;
    expansion::run()?;
    tree::run(extent)
}

fn times(extent: Extent) -> io::Result<()> {
    let (rounds, tests) = (extent.pick(3, 2), extent.pick(1000, 100));
    let mut taken = vec![[const { Vec::new() }; 4]; KINDS.len()];
    for kind in &KINDS {
        let (crate_dir, _) = kind.write(tests)?;
        // The dependencies, which are not what is measured.
        for how in ["check", "build"] {
            process::time(&mut cargo::command(&crate_dir, &[how, "--tests"]))?;
        }
    }
    for round in 0..rounds {
        for (kind, taken) in KINDS.iter().zip(&mut taken) {
            for (how, columns) in ["check", "build"].into_iter().zip([0, 2]) {
                let (clean, touched) = kind.compile(tests, how, round)?;
                taken[columns].push(clean);
                taken[columns + 1].push(touched);
            }
        }
    }
    let row = |(kind, own): (&Kind, &[Vec<f64>; 4])| {
        let mut cells = vec![kind.title.to_owned()];
        for (own, other) in own.iter().zip(&taken[1]) {
            cells.push(Sample::new(own.clone()).spread());
            cells.push(ratio(own, other));
        }
        cells
    };
    let rows: Vec<Vec<String>> = KINDS.iter().zip(&taken).map(row).collect();
    table::print(
        &format!("Compiling {tests} tests"),
        &format!(
            "Seconds for the crate alone, its dependencies being built, with {MIGRATIONS} migrations beside \
             it: from nothing, and after a change in the body of one test; {rounds} rounds."
        ),
        &[
            "tests",
            "check",
            "ratio",
            "check, one changed",
            "ratio",
            "build",
            "ratio",
            "build, one changed",
            "ratio",
        ],
        &rows,
    );
    Ok(())
}

impl Kind {
    /// Writes the crate with so many tests; gives its directory and the file of its tests.
    pub(crate) fn write(&self, tests: usize) -> io::Result<(PathBuf, PathBuf)> {
        let db_test = crate::generated::dependency_on("../runtime");
        let test = format!("{}{BODY}", self.opening);
        let written = Crate {
            name: self.name,
            dependencies: &self.dependencies.replace("DB_TEST", &db_test),
            prelude: self.prelude,
            test: &test,
            tests,
        };
        let directory = written.write()?;
        write_migrations(&directory, MIGRATIONS)?;
        let file = tests_of(&directory);
        Ok((directory, file))
    }

    /// Compiles the crate from nothing, then again with a change; gives the seconds of each.
    fn compile(&self, tests: usize, how: &str, round: usize) -> io::Result<(f64, f64)> {
        let (crate_dir, file) = self.write(tests)?;
        let compile = || process::time(&mut cargo::command(&crate_dir, &[how, "--tests"]));
        process::time(&mut self.clean(&crate_dir))?;
        let clean = compile()?;
        let changed =
            fs::read_to_string(&file)?.replace("author-00050", &format!("author-{how}-{round}"));
        fs::write(&file, changed)?;
        Ok((clean, compile()?))
    }

    fn clean(&self, crate_dir: &Path) -> Command {
        cargo::command(crate_dir, &["clean", "--package", self.name])
    }
}
