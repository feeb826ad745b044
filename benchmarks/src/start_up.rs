//! From the start of a process to the body of its first test.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Extent, cargo, server, statistics::Sample, table};

/// How long a server may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What is there when the process starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// An empty directory: the server is initialized, the template made, a lane cloned.
    Nothing,
    /// Everything but a running server.
    StoppedServer,
    /// A server, but not this template.
    Server,
    /// A template, but no lane.
    Template,
    Lane,
}

/// Milliseconds from the start of the process.
struct Times {
    body: f64,
    answered: f64,
    exit: f64,
}

/// Prints one table.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    let programs = cargo::build_tests(&cargo::root().join("variants"))?;
    let bench = Bench {
        program: programs["start_up"].clone(),
        home: server::scratch("start-up")?,
    };
    let (cold, warm) = (extent.pick(10, 3), extent.pick(30, 10));
    let situations = [
        (
            "a plain `#[test]`, for comparison",
            "nothing",
            Found::Lane,
            warm,
        ),
        (
            "a `#[db_test]` that takes nothing",
            "takes_nothing",
            Found::Lane,
            warm,
        ),
        ("no server ever", "asks_once", Found::Nothing, cold),
        (
            "a stopped server, template and lane",
            "asks_once",
            Found::StoppedServer,
            cold,
        ),
        (
            "a warm server, a new template",
            "asks_once",
            Found::Server,
            cold,
        ),
        (
            "a warm server and template, a new lane",
            "asks_once",
            Found::Template,
            cold,
        ),
        ("a warm server and lane", "asks_once", Found::Lane, warm),
    ];
    let mut rows = Vec::new();
    for (title, test, found, runs) in situations {
        let mut taken = Vec::new();
        // The first makes what the next ones find.
        bench.once(test, found)?;
        for _ in 0..runs {
            taken.push(bench.once(test, found)?);
        }
        let column =
            |figure: fn(&Times) -> f64| Sample::new(taken.iter().map(figure).collect()).spread();
        rows.push(vec![
            title.to_owned(),
            runs.to_string(),
            column(|times| times.body),
            column(|times| times.answered),
            column(|times| times.exit),
        ]);
    }
    // Its server notices that the directory is gone, and ends.
    fs::remove_dir_all(&bench.home).ok();
    table::print(
        "Start-up",
        "Milliseconds from the start of a test program to the body of its only test, to its first answer, \
         and to the end of the process; a private server, a schema of 1 migration, a test that takes a \
         `Client` unless said otherwise.",
        &["what is there", "runs", "body", "answered", "exit"],
        &rows,
    );
    Ok(())
}

struct Bench {
    program: PathBuf,
    home: PathBuf,
}

impl Bench {
    fn once(&self, test: &str, found: Found) -> io::Result<Times> {
        let mut seed = String::new();
        match found {
            Found::Nothing => drop(fs::remove_dir_all(&self.home)),
            Found::StoppedServer => self.stop(test)?,
            Found::Server => seed = format!("{:?}", Instant::now()),
            Found::Template => self.drop_lanes()?,
            Found::Lane => {}
        }
        self.time(test, &seed, "60")
    }

    fn time(&self, test: &str, seed: &str, idle_seconds: &str) -> io::Result<Times> {
        let begun = Instant::now();
        let mut child = Command::new(&self.program)
            .args(["--exact", test, "--nocapture", "--test-threads", "1"])
            .env_remove("TEST_DB_URL")
            .env_remove("DATABASE_URL")
            .env("DB_TEST_HOME", &self.home)
            .env("DB_TEST_IDLE_SECONDS", idle_seconds)
            .env("START_UP_SEED", seed)
            .stdout(Stdio::piped())
            .spawn()?;
        let milliseconds = || begun.elapsed().as_secs_f64() * 1000.0;
        let (mut body, mut answered) = (f64::NAN, f64::NAN);
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        for line in lines {
            match line?.as_str() {
                "@body" => body = milliseconds(),
                "@answered" => answered = milliseconds(),
                _ => {}
            }
        }
        let status = child.wait()?;
        let exit = milliseconds();
        if !status.success() {
            return Err(io::Error::other(format!("the test `{test}` failed")));
        }
        Ok(Times {
            body,
            answered,
            exit,
        })
    }

    /// Stops the server by using it once in a way that does not keep it.
    fn stop(&self, test: &str) -> io::Result<()> {
        let begun = Instant::now();
        // The supervisor that runs now has its own idea of how long it waits.
        if let Ok(pid) = self.postmaster() {
            Command::new("kill").args(["-INT", &pid]).status()?;
            while self.postmaster().is_ok() {
                wait(begun)?;
            }
        }
        self.time(test, "", "1")?;
        while self.postmaster().is_ok() {
            wait(begun)?;
        }
        Ok(())
    }

    fn postmaster(&self) -> io::Result<String> {
        let file = self.instance()?.join("data/postmaster.pid");
        let text = fs::read_to_string(file)?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    fn drop_lanes(&self) -> io::Result<()> {
        let lanes = self.psql(
            "select datname from pg_database where datname ~ '^dbt_[0-9a-f]{16}_[0-9a-f]+$'",
        )?;
        for lane in lanes.lines() {
            self.psql(&format!("drop database {lane} with (force)"))?;
        }
        Ok(())
    }

    fn psql(&self, sql: &str) -> io::Result<String> {
        let output = Command::new(server::binaries()?.join("psql"))
            .args(["-qAtX", "-U", "postgres", "-d", "postgres", "-c", sql, "-h"])
            .arg(self.instance()?.join("s"))
            .stderr(Stdio::inherit())
            .env("LC_ALL", env::var("LC_ALL").unwrap_or_default())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("psql could not run `{sql}`")));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The directory of the one private server.
    fn instance(&self) -> io::Result<PathBuf> {
        let entries = fs::read_dir(self.home.join("v1"))?.flatten();
        let mut instances = entries
            .map(|entry| entry.path())
            .filter(|path: &PathBuf| has_data(path));
        instances
            .next()
            .ok_or_else(|| io::Error::other("there is no private server"))
    }
}

fn has_data(path: &Path) -> bool {
    path.join("data").is_dir()
}

fn wait(since: Instant) -> io::Result<()> {
    if since.elapsed() > STOP_LIMIT {
        return Err(io::Error::other("the private server does not stop"));
    }
    thread::sleep(Duration::from_millis(5));
    Ok(())
}
