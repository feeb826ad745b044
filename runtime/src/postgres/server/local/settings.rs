//! How the private server is configured. Its data is worth nothing, and it is never reached from
//! another machine.

use std::{fmt::Write as _, fs, fs::Permissions, os::unix::fs::PermissionsExt};

use super::{PORT, error::LocalServerError, instance::Instance, private_dir};

/// Settings that are the same everywhere: name, value, reason.
const SETTINGS: &[(&str, &str, &str)] = &[
    // Who can connect.
    ("listen_addresses", "", "no network address, ever"),
    (
        "unix_socket_permissions",
        "0700",
        "defense in depth: the socket's directory is 0700, too",
    ),
    (
        "max_connections",
        "200",
        "test processes times threads on a large machine; a slot costs little",
    ),
    ("cluster_name", "db-test", "names the processes in `ps`"),
    // Durability is not wanted: after a crash the data is made again.
    ("fsync", "off", "the largest single gain for writes on disk"),
    (
        "synchronous_commit",
        "off",
        "a commit need not wait for anything",
    ),
    (
        "full_page_writes",
        "off",
        "they protect against torn pages after a crash of the machine",
    ),
    (
        "wal_level",
        "minimal",
        "less to write; nobody replicates a test server",
    ),
    ("max_wal_senders", "0", "required by wal_level = minimal"),
    (
        "wal_init_zero",
        "off",
        "new segments need no zeros without fsync",
    ),
    (
        "min_wal_size",
        "32MB",
        "data may be in memory: keep few spare segments",
    ),
    (
        "max_wal_size",
        "512MB",
        "a checkpoint in the middle of a run costs more than this space",
    ),
    (
        "checkpoint_timeout",
        "1h",
        "as above; the stop writes one anyhow",
    ),
    // Size and start time.
    (
        "shared_buffers",
        "64MB",
        "test data is small, and DROP DATABASE walks through all buffers",
    ),
    (
        "huge_pages",
        "off",
        "no gain at this size, and a failed attempt costs start time",
    ),
    (
        "dynamic_shared_memory_type",
        "mmap",
        "files in the data directory: a killed server leaves none in /dev/shm, \
         and Docker's 64 MB there do not limit parallel queries",
    ),
    // Housekeeping: lanes live from run to run, so that catalogs must be vacuumed, but not now.
    (
        "autovacuum_naptime",
        "5min",
        "a worker starts for each of many databases, for little",
    ),
    (
        "autovacuum_max_workers",
        "1",
        "the processors are the tests'",
    ),
    (
        "bgwriter_lru_maxpages",
        "0",
        "nothing needs to be written back early",
    ),
    // What a client sees, the same on every machine and as in the official container image.
    ("timezone", "UTC", "not the zone of the machine"),
    ("log_timezone", "UTC", "as above"),
    ("lc_messages", "C", "the language that people search for"),
    (
        "default_text_search_config",
        "pg_catalog.english",
        "what initdb chooses for en_US",
    ),
    // The log.
    (
        "logging_collector",
        "off",
        "standard error is a file, which the supervisor keeps small",
    ),
    (
        "log_min_messages",
        "log",
        "the fate of the server, not errors: failing statements belong to the tests",
    ),
    ("log_checkpoints", "off", "noise"),
    ("log_line_prefix", "%m [%p] ", "a time for each line"),
];

/// Writes the settings for the next start of the server.
pub(super) fn write(instance: &Instance, major: u32) -> Result<(), LocalServerError> {
    let mut text = "# Written by db-test at every start; changes are lost.\n".to_owned();
    let socket_dir = instance.socket_dir().display().to_string();
    let port = PORT.to_string();
    let mut add = |name: &str, value: &str, reason: &str| {
        let _ = writeln!(text, "{name} = '{}'  # {reason}", value.replace('\'', "''"));
    };
    add(
        "unix_socket_directories",
        &quoted_item(&socket_dir),
        "private to the user",
    );
    add("port", &port, "part of the socket's name");
    for (name, value, reason) in SETTINGS {
        add(name, value, reason);
    }
    if cfg!(target_os = "linux") {
        let reason = "a killed test's long query ends soon, and its locks with it; refused where it cannot work";
        add("client_connection_check_interval", "500ms", reason);
    }
    if major >= 18 {
        add(
            "io_method",
            "sync",
            "three processes less; the data is in memory or in the page cache",
        );
    }
    let path = instance.settings();
    private_dir::write_file(&path, text).map_err(LocalServerError::io("write", &path))?;
    // For root the server runs as another user. The file holds no secret.
    fs::set_permissions(&path, Permissions::from_mode(0o644))
        .map_err(LocalServerError::io("set the permissions of", &path))
}

/// One item of a list setting; a path may contain a comma or a space.
fn quoted_item(item: &str) -> String {
    format!("\"{}\"", item.replace('"', "\"\""))
}
