//! Running a program and measuring what it takes, as far as `/proc` tells.

use std::{
    collections::HashMap,
    fs, io,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How often a running program is looked at.
const PERIOD: Duration = Duration::from_millis(25);

/// The unit of CPU time in `/proc`; it is 100 on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// What a program took.
pub(crate) struct Taken {
    /// Wall-clock seconds.
    pub(crate) wall: f64,
    /// CPU seconds of it and all its children.
    pub(crate) cpu: f64,
    /// The most memory that its test processes had together when they were looked at, in MiB.
    pub(crate) memory: f64,
    /// The most connections that the server had when it was looked at.
    pub(crate) connections: usize,
}

/// Runs a program to its end; gives wall-clock seconds.
///
/// # Errors
///
/// When it fails; with what it printed.
pub(crate) fn time(command: &mut Command) -> io::Result<f64> {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let wall = begun.elapsed().as_secs_f64();
    if output.status.success() {
        return Ok(wall);
    }
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Err(io::Error::other(format!("{command:?} failed:\n{out}{err}")))
}

/// Runs a program to its end while it and the server with this pid are looked at.
pub(crate) fn watch(command: &mut Command, server: u32) -> io::Result<Taken> {
    let done = AtomicBool::new(false);
    let cpu = cpu_of_ended_children();
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut memory, mut connections) = (0.0_f64, 0);
            while !done.load(Ordering::Relaxed) {
                let tree = Tree::read();
                memory = memory.max(tree.memory_of_tests());
                connections = connections.max(tree.connections_of(server));
                thread::sleep(PERIOD);
            }
            (memory, connections)
        });
        let wall = time(command);
        done.store(true, Ordering::Relaxed);
        let (memory, connections) = watcher.join().expect("the watcher does not panic");
        Ok(Taken {
            wall: wall?,
            cpu: cpu_of_ended_children() - cpu,
            memory,
            connections,
        })
    })
}

/// The CPU seconds of a process, its children, and those that have ended before them.
pub(crate) fn cpu_of_tree(pid: u32) -> f64 {
    let tree = Tree::read();
    let below = tree.0.iter().filter(|(_, process)| process.parent == pid);
    let below: f64 = below.map(|(_, process)| process.own).sum();
    let own = tree
        .0
        .get(&pid)
        .map_or(0.0, |process| process.own + process.ended);
    below + own
}

/// A number from a line of `/proc/…/status`.
pub(crate) fn status_of(pid: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_of_ended_children() -> f64 {
    let own = Process::read(&std::process::id().to_string());
    own.map_or(0.0, |process| process.ended)
}

/// The processes of the machine.
struct Tree(HashMap<u32, Process>);

struct Process {
    parent: u32,
    name: String,
    /// CPU seconds of its own, and of its children that have ended.
    own: f64,
    ended: f64,
}

impl Process {
    fn read(pid: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (command, rest) = stat.rsplit_once(')')?;
        let name = command.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            name,
            own: (ticks(11)? + ticks(12)?) / TICKS_A_SECOND,
            ended: (ticks(13)? + ticks(14)?) / TICKS_A_SECOND,
        })
    }
}

impl Tree {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let read = pids.filter_map(|pid| Some((pid.parse().ok()?, Process::read(&pid)?)));
        Self(read.collect())
    }

    fn is_below(&self, mut pid: u32, ancestor: u32) -> bool {
        while let Some(process) = self.0.get(&pid) {
            if process.parent == ancestor {
                return true;
            }
            pid = process.parent;
        }
        false
    }

    /// The memory of what runs below us, but for cargo itself and the servers.
    fn memory_of_tests(&self) -> f64 {
        let me = std::process::id();
        let others = ["cargo", "postgres", "rustc", "setpriv"];
        let tests = self.0.iter().filter(|(pid, process)| {
            self.is_below(**pid, me) && !others.iter().any(|name| process.name.starts_with(name))
        });
        #[expect(clippy::cast_precision_loss, reason = "no program has so much memory")]
        let sizes = tests
            .filter_map(|(pid, _)| status_of(&pid.to_string(), "VmRSS:"))
            .map(|kilobytes| kilobytes as f64 / 1024.0);
        sizes.sum()
    }

    /// The processes of a server that serve a connection, by the title that each gives itself.
    fn connections_of(&self, server: u32) -> usize {
        let children = self
            .0
            .iter()
            .filter(|(_, process)| process.parent == server);
        let title = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cmdline"));
        let serving = children.filter(|(pid, _)| {
            title(pid).is_ok_and(|title| title.starts_with("postgres: postgres "))
        });
        serving.count()
    }
}
