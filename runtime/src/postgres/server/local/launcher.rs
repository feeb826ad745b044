//! Starts the supervisor: this executable once more, by way of a shell.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::PathBuf,
    process::{self, Command, Stdio},
    time::Duration,
};

use super::{
    binaries::Binaries,
    bounded,
    error::LocalServerError,
    instance::{self, Instance},
    supervisor::{SUPERVISE, SUPERVISE_BIN, SUPERVISE_MAJOR},
};

/// Does three things for which `std` has no safe call, and returns at once:
///
/// - closes inherited descriptors, such as the ones through which bats or make would
///   wait for every process of a job (a shell knows only one digit here; higher ones are rare);
/// - detaches: the supervisor is not our child, so that neither a zombie of it nor a killed process
///   tree includes it;
/// - starts the supervisor again if it was killed (`$?` above 128), so that its server is not left
///   alone. The new one takes the server over.
const SCRIPT: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; \
    for attempt in 1 2 3 4 5; do \"$0\" \"$@\"; [ $? -gt 128 ] || break; done &";

/// PostgreSQL's `initdb` needs it there, too.
const SHELL: &str = "/bin/sh";

/// Starts a supervisor for the instance. Its lock and its status show whether it runs.
pub(super) fn launch(instance: &Instance, binaries: &Binaries) -> Result<(), LocalServerError> {
    let log_path = instance.supervisor_log();
    let log = instance::new_log(&log_path)?;
    let run_error = |source| LocalServerError::Run {
        program: SHELL.into(),
        user: String::new(),
        source,
    };

    let mut command = Command::new(SHELL);
    command
        .arg("-c")
        .arg(SCRIPT)
        .arg(own_executable().map_err(run_error)?);
    // Seen in `ps`. Should our code before `main` not run for some reason, libtest takes them for a
    // filter, and no test of that name exists.
    command.arg("db-test-supervisor").arg(instance.dir());
    command.env(SUPERVISE, instance.dir());
    command
        .env(SUPERVISE_BIN, &binaries.dir)
        .env(SUPERVISE_MAJOR, binaries.major.to_string());
    // A coverage profile written a minute after the tests would be read half-written, or be left
    // behind.
    command.env("LLVM_PROFILE_FILE", "/dev/null");
    // Test runners wait until their pipes are closed, and cannot unmount or remove the current
    // directory.
    command
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log));
    match bounded::run(&mut command, Duration::from_secs(10), || true).map_err(run_error)? {
        status if status.success() => Ok(()),
        status => Err(run_error(std::io::Error::other(format!(
            "it ended with {status}"
        )))),
    }
}

/// The path of this executable; on Linux the running file itself, should it have been replaced
/// since.
fn own_executable() -> std::io::Result<PathBuf> {
    let path = env::current_exe()?;
    let running = PathBuf::from(format!("/proc/{}/exe", process::id()));
    let identity = |path: &PathBuf| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    match identity(&running) {
        Some(file) if Some(file) != identity(&path) => Ok(running),
        _ => Ok(path),
    }
}
