//! What one test costs, in each of the ways that are compared.

use std::{collections::HashMap, fs, io, path::PathBuf, process::Command};

use crate::{
    Extent, cargo, process,
    server::{self, Server},
    statistics::{Sample, ratio},
    table,
};

/// One way to write the same test.
struct Variant {
    title: &'static str,
    /// The test target.
    program: &'static str,
    /// A tenth, a hundredth or all of its tests: how often the filter goes one module deeper.
    depth: usize,
    /// How many tests there are in all: ten to this power.
    levels: usize,
    /// The same with a schema of 300 migrations, where that makes it slow.
    depth_of_300: usize,
    /// Whether it is left to its own server.
    own_server: bool,
}

const fn fast(title: &'static str, program: &'static str) -> Variant {
    Variant {
        title,
        program,
        depth: 0,
        levels: 3,
        depth_of_300: 0,
        own_server: false,
    }
}

const fn slow(title: &'static str, program: &'static str, depth_of_300: usize) -> Variant {
    Variant {
        title,
        program,
        depth: 0,
        levels: 2,
        depth_of_300,
        own_server: false,
    }
}

/// The first is what the others are compared with.
const VARIANTS: [Variant; 7] = [
    fast("`#[db_test]`", "db_test"),
    fast("floor: a plain shared pool, no isolation", "floor"),
    fast("limit: a held connection, bare statements", "limit"),
    slow("a new connection for each test", "connection", 0),
    slow("a clone of a template for each test", "clone", 1),
    slow("`#[sqlx::test]`", "sqlx_test", 1),
    Variant {
        own_server: true,
        ..fast("`#[db_test]`, its own private server", "db_test")
    },
];

/// Prints one table for each schema.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    let programs = cargo::build_tests(&cargo::root().join("variants"))?;
    let server = Server::start()?;
    let home = server::scratch("home")?;
    let bench = Bench {
        programs,
        shared: server.variables(),
        home: home.clone(),
        rounds: extent.pick(5, 3),
        threads: extent.pick(vec!["1", "2", "4", "8"], vec!["1", "4"]),
    };
    for migrations in extent.pick(vec![1, 30, 300], vec![1]) {
        bench.compare(migrations)?;
    }
    // A private server notices that its directory is gone, and ends.
    fs::remove_dir_all(home)
}

struct Bench {
    programs: HashMap<String, PathBuf>,
    shared: Vec<(String, String)>,
    home: PathBuf,
    rounds: usize,
    threads: Vec<&'static str>,
}

impl Bench {
    fn compare(&self, migrations: u32) -> io::Result<()> {
        // Templates, lanes and databases are made before anything is measured.
        for variant in &VARIANTS {
            self.time(variant, migrations, variant.levels, "8")?;
            self.time(variant, migrations, variant.levels - 1, "8")?;
        }
        let mut rows: Vec<Vec<String>> = VARIANTS
            .iter()
            .map(|variant| vec![variant.title.to_owned()])
            .collect();
        for threads in &self.threads {
            let mut taken = vec![Vec::new(); VARIANTS.len()];
            for _ in 0..self.rounds {
                for (variant, taken) in VARIANTS.iter().zip(&mut taken) {
                    taken.push(self.milliseconds_a_test(variant, migrations, threads)?);
                }
            }
            for (row, own) in rows.iter_mut().zip(&taken) {
                row.push(Sample::new(own.clone()).spread());
                row.push(ratio(own, &taken[0]));
            }
        }
        let mut header = vec!["variant".to_owned()];
        for threads in &self.threads {
            header.push(format!("ms, {threads} threads"));
            header.push("ratio".to_owned());
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let title = format!("Per test, a schema of {migrations} migrations");
        let about = format!(
            "Three requests: POST in a transaction, GET, list. (Wall time of a program with N tests − the \
             same with one) / (N − 1); {} rounds, in which the variants take turns.",
            self.rounds
        );
        table::print(&title, &about, &header, &rows);
        Ok(())
    }

    fn milliseconds_a_test(
        &self,
        variant: &Variant,
        migrations: u32,
        threads: &str,
    ) -> io::Result<f64> {
        let depth = if migrations == 300 {
            variant.depth_of_300
        } else {
            variant.depth
        };
        let exponent = i32::try_from(variant.levels - depth).unwrap_or_default();
        let many = self.time(variant, migrations, depth, threads)?;
        let one = self.time(variant, migrations, variant.levels, threads)?;
        Ok((many - one) * 1000.0 / (10_f64.powi(exponent) - 1.0))
    }

    fn time(
        &self,
        variant: &Variant,
        migrations: u32,
        depth: usize,
        threads: &str,
    ) -> io::Result<f64> {
        let mut command = Command::new(&self.programs[variant.program]);
        let filter = format!("m{migrations}::{}", "d0::".repeat(depth));
        command.args([&filter, "--test-threads", threads]);
        command.env_remove("TEST_DB_URL").env_remove("DATABASE_URL");
        if variant.own_server {
            command.env("DB_TEST_HOME", &self.home);
        } else {
            command.envs(self.shared.iter().cloned());
        }
        process::time(&mut command)
    }
}
