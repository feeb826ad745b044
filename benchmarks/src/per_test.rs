//! What one test costs, in each of the ways that are compared.

pub(crate) mod sqlite;

use std::{collections::HashMap, fs, io, path::PathBuf, process::Command};

use crate::{
    Extent,
    cargo::{self, Optimized},
    process,
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
    server: On,
    optimized: Optimized,
}

/// The server that a variant uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// One in memory without fsync, for all of them.
    Memory,
    /// One on the disk with PostgreSQL's own settings.
    Disk,
    /// Its own.
    Private,
}

const fn fast(title: &'static str, program: &'static str) -> Variant {
    Variant {
        title,
        program,
        depth: 0,
        levels: 3,
        depth_of_300: 0,
        server: On::Memory,
        optimized: Optimized::Nothing,
    }
}

const fn slow(title: &'static str, program: &'static str, depth_of_300: usize) -> Variant {
    Variant {
        title,
        program,
        depth: 0,
        levels: 2,
        depth_of_300,
        server: On::Memory,
        optimized: Optimized::Nothing,
    }
}

/// The first is what the others are compared with.
const VARIANTS: [Variant; 13] = [
    fast("`#[db_test]`", "db_test"),
    fast("floor: a plain shared pool, no isolation", "floor"),
    fast("limit: a held connection, bare statements", "limit"),
    slow("a new connection for each test", "connection", 0),
    slow("a clone of a template for each test", "clone", 1),
    slow("`#[sqlx::test]`", "sqlx_test", 1),
    Variant {
        optimized: Optimized::DbTest,
        ..fast("`#[db_test]`, itself optimized", "db_test")
    },
    Variant {
        optimized: Optimized::Dependencies,
        ..fast("`#[db_test]`, optimized dependencies", "db_test")
    },
    Variant {
        optimized: Optimized::Dependencies,
        ..fast(
            "floor: a plain shared pool, no isolation, optimized dependencies",
            "floor",
        )
    },
    Variant {
        server: On::Private,
        ..fast("`#[db_test]`, its own private server", "db_test")
    },
    Variant {
        server: On::Disk,
        ..fast("`#[db_test]`, a server as installed", "db_test")
    },
    Variant {
        server: On::Disk,
        ..slow(
            "a clone of a template for each test, a server as installed",
            "clone",
            1,
        )
    },
    Variant {
        server: On::Disk,
        ..slow("`#[sqlx::test]`, a server as installed", "sqlx_test", 1)
    },
];

/// The same test in the ways that a suite of `#[sqlx::test]` can move in.
const MODES: [Variant; 4] = [
    fast("`#[db_test]`", "db_test"),
    fast(
        "`#[db_test(flavor = \"current_thread\")]`",
        "current_thread",
    ),
    fast("`#[db_test(isolation = \"database\")]`", "own_database"),
    slow("`#[sqlx::test]`", "sqlx_test", 1),
];

/// Prints what a runtime or a database of its own costs each test.
pub(crate) fn modes(_: Extent) -> io::Result<()> {
    let programs = programs_of(&MODES, "variants")?;
    let memory = Server::start()?;
    let home = server::scratch("home")?;
    let bench = Bench {
        variants: &MODES,
        programs,
        memory: place_of(&memory),
        disk: place_of(&memory),
        home: home.clone(),
    };
    bench.compare(1, &["1", "4"])?;
    fs::remove_dir_all(home)
}

/// Prints one table for each schema.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    let programs = programs_of(&VARIANTS, "variants")?;
    let (memory, disk) = (Server::start()?, Server::start_as_installed()?);
    let home = server::scratch("home")?;
    let bench = Bench {
        variants: &VARIANTS,
        programs,
        memory: place_of(&memory),
        disk: place_of(&disk),
        home: home.clone(),
    };
    let all = extent.pick(["1", "2", "4", "8"].as_slice(), &["1", "4"]);
    bench.compare(1, all)?;
    if extent == Extent::Full {
        bench.compare(30, &["1", "4"])?;
        bench.compare(300, &["1", "4"])?;
    }
    // A private server notices that its directory is gone, and ends.
    fs::remove_dir_all(home)
}

/// Test programs by the names of their targets, for each way to build them.
type Programs = HashMap<Optimized, HashMap<String, PathBuf>>;

/// Builds what the variants run, which are tests of one crate.
fn programs_of(variants: &[Variant], crate_name: &str) -> io::Result<Programs> {
    let ways = [
        Optimized::Nothing,
        Optimized::DbTest,
        Optimized::Dependencies,
    ];
    let mut programs = HashMap::new();
    for way in ways {
        let built_so = variants.iter().filter(|variant| variant.optimized == way);
        let targets: Vec<_> = built_so.map(|variant| variant.program).collect();
        if !targets.is_empty() {
            let directory = cargo::root().join(crate_name);
            programs.insert(way, cargo::build_some(&directory, way, &targets)?);
        }
    }
    Ok(programs)
}

struct Bench {
    variants: &'static [Variant],
    programs: Programs,
    memory: Place,
    disk: Place,
    home: PathBuf,
}

/// Where the databases of a variant are.
struct Place {
    variables: Vec<(String, String)>,
    /// Where its program runs.
    directory: PathBuf,
}

fn place_of(server: &Server) -> Place {
    Place {
        variables: server.variables(),
        directory: cargo::root().to_owned(),
    }
}

impl Place {
    fn set(&self, command: &mut Command) {
        command.envs(self.variables.iter().cloned());
        command.current_dir(&self.directory);
    }
}

/// How often each is measured.
const ROUNDS: usize = 3;

impl Bench {
    fn compare(&self, migrations: u32, all_threads: &[&str]) -> io::Result<()> {
        // Templates, lanes and databases are made before anything is measured.
        for variant in self.variants {
            self.time(variant, migrations, variant.levels, "8")?;
            self.time(variant, migrations, variant.levels - 1, "8")?;
        }
        let mut rows: Vec<Vec<String>> = self
            .variants
            .iter()
            .map(|variant| vec![variant.title.to_owned()])
            .collect();
        for threads in all_threads {
            let mut taken = vec![Vec::new(); self.variants.len()];
            for _ in 0..ROUNDS {
                for (variant, taken) in self.variants.iter().zip(&mut taken) {
                    taken.push(self.milliseconds_a_test(variant, migrations, threads)?);
                }
            }
            for (row, own) in rows.iter_mut().zip(&taken) {
                row.push(Sample::new(own.clone()).spread());
                row.push(ratio(own, &taken[0]));
            }
        }
        let mut header = vec!["variant".to_owned()];
        for threads in all_threads {
            header.push(format!("ms, {threads} threads"));
            header.push("ratio".to_owned());
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let title = format!("Per test, a schema of {migrations} migrations");
        let about = format!(
            "Three requests: POST in a transaction, GET, list. (Wall time of a program with N tests − the \
             same with one) / (N − 1); {ROUNDS} rounds, in which the variants take turns."
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
        let programs = &self.programs[&variant.optimized];
        let mut command = Command::new(&programs[variant.program]);
        let filter = format!("m{migrations}::{}", "d0::".repeat(depth));
        command.args([&filter, "--test-threads", threads]);
        command.env_remove("TEST_DB_URL").env_remove("DATABASE_URL");
        match variant.server {
            On::Memory => self.memory.set(&mut command),
            On::Disk => self.disk.set(&mut command),
            On::Private => {
                command.env("DB_TEST_HOME", &self.home);
            }
        }
        process::time(&mut command)
    }
}
