//! Makes the server's data directory, atomically.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    SUPERUSER,
    account::Account,
    binaries::Binaries,
    bounded,
    error::{self, LocalServerError},
    instance::{self, Instance},
    lock::FileLock,
    private_dir,
    status::Status,
    supervisor_lock::SupervisorLock,
};

/// Takes 0.6 s here. Shorter than a joining process waits without progress.
const INITDB_LIMIT: Duration = Duration::from_secs(50);

/// Where the data comes from that the server is about to start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// An earlier server left it; it may be broken in ways that only the server finds.
    Found,
    /// Just made.
    Fresh,
}

/// Makes sure of a data directory of the right version, and one that no crash of the machine can
/// have damaged: the server never syncs, so after a reboot its data cannot be trusted.
pub(super) fn prepare(
    supervisor_lock: &SupervisorLock,
    binaries: &Binaries,
    account: &Account,
    server_lock: &FileLock,
) -> Result<Data, LocalServerError> {
    let instance = supervisor_lock.instance();
    let boot = boot();
    let version = fs::read_to_string(instance.data().join("PG_VERSION")).unwrap_or_default();
    let made_during = fs::read_to_string(instance.boot()).unwrap_or_default();
    if version.trim().parse() == Ok(binaries.major) && made_during == boot {
        return Ok(Data::Found);
    }
    supervisor_lock.report(&Status::Initializing)?;
    remove(instance)?;
    let unfinished = instance.unfinished_data();
    initialize(supervisor_lock, binaries, account, server_lock)?;
    supervisor_lock.check()?;
    private_dir::write_file(&instance.boot(), boot)
        .map_err(LocalServerError::io("write", instance.boot()))?;
    fs::rename(&unfinished, instance.data())
        .map_err(LocalServerError::io("rename", &unfinished))?;
    supervisor_lock.report(&Status::Starting)?;
    Ok(Data::Fresh)
}

/// Removes the data, finished or not.
pub(super) fn remove(instance: &Instance) -> Result<(), LocalServerError> {
    for dir in instance
        .all_unfinished_data()
        .into_iter()
        .chain([instance.data()])
    {
        instance::remove_dir(&dir).map_err(LocalServerError::io("remove", &dir))?;
    }
    Ok(())
}

fn initialize(
    supervisor_lock: &SupervisorLock,
    binaries: &Binaries,
    account: &Account,
    server_lock: &FileLock,
) -> Result<(), LocalServerError> {
    let instance = supervisor_lock.instance();
    let mut output = String::new();
    for locale in locales(binaries.major) {
        let dir = instance.unfinished_data();
        instance::remove_dir(&dir).map_err(LocalServerError::io("remove", &dir))?;
        account.make_dir(&dir)?;
        if run_initdb(supervisor_lock, binaries, account, server_lock, &locale)? {
            return Ok(());
        }
        output = fs::read_to_string(instance.initdb_log()).unwrap_or_default();
        // Only a locale that is unknown here is worth another attempt; it is refused within
        // milliseconds.
        if ![
            "invalid locale",
            "encoding mismatch",
            "unsupported encoding",
        ]
        .iter()
        .any(|cause| output.contains(cause))
        {
            break;
        }
    }
    supervisor_lock.check()?;
    remove(instance)?;
    Err(LocalServerError::Initdb {
        data_dir: instance.data(),
        help: error::help_on(&output),
        output: error::tail(&output),
    })
}

/// The default collation: strings in the order of their code points, upper and lower case by
/// Unicode's rules.
///
/// That is the same on every machine, unlike `en_US.UTF-8`, and unlike `C` it knows that `É` is the
/// upper case of `é`. From PostgreSQL 17 on it is built in; before, it is the C library's, and
/// where that has none, case is that of `en_US`.
fn locales(major: u32) -> Vec<Vec<&'static str>> {
    let builtin = [
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ];
    let mut locales = vec![
        vec!["--locale=C.UTF-8"],
        vec!["--locale=C", "--lc-ctype=en_US.UTF-8"],
        vec!["--no-locale"],
    ];
    if major >= 17 {
        locales.insert(0, builtin.to_vec());
    }
    locales
}

fn run_initdb(
    supervisor_lock: &SupervisorLock,
    binaries: &Binaries,
    account: &Account,
    server_lock: &FileLock,
    locale: &[&str],
) -> Result<bool, LocalServerError> {
    let instance = supervisor_lock.instance();
    let log_path = instance.initdb_log();
    let log = instance::new_log(&log_path)?;
    let also_log = log
        .try_clone()
        .map_err(LocalServerError::io("write", &log_path))?;
    let lock = server_lock
        .share()
        .map_err(LocalServerError::io("lock", instance.server_lock()))?;

    let mut command = account.program(&binaries.program("initdb"));
    command.arg("--pgdata").arg(instance.unfinished_data());
    command.args([
        "--username",
        SUPERUSER,
        "--auth=trust",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    ]);
    command.args(locale);
    if binaries.major >= 18 {
        // They became the default, and find damage that does not matter here.
        command.arg("--no-data-checksums");
    }
    // The lock as standard input: see the parent module.
    command
        .stdin(lock)
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(also_log));
    let status = bounded::run(&mut command, INITDB_LIMIT, || supervisor_lock.is_valid());
    let status = status.map_err(|source| LocalServerError::Run {
        program: binaries.program("initdb"),
        user: account.description(),
        source,
    })?;
    Ok(status.success())
}

/// Identifies the boot of this machine; always the same text on systems where it is not known how
/// to find it.
fn boot() -> String {
    let asked = if cfg!(target_os = "linux") {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
    } else if cfg!(target_os = "macos") {
        let mut command = Command::new("/usr/sbin/sysctl");
        bounded::output(
            command.args(["-n", "kern.bootsessionuuid"]),
            Duration::from_secs(5),
        )
        .ok()
    } else {
        None
    };
    asked.unwrap_or_else(|| "unknown".to_owned())
}
