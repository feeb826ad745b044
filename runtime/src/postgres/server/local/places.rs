//! Where the files of one user's servers may be.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::account;
#[cfg(feature = "download")]
use super::private_dir;
#[cfg(feature = "download")]
use crate::environment;

/// Changes when processes of an older db-test could misunderstand the files: each layout has
/// servers of its own.
pub(super) const LAYOUT: &str = "v1";

/// Less free memory than this, and the data goes to disk: Docker gives `/dev/shm` 64 MB, and a CI
/// machine may have little.
#[cfg(target_os = "linux")]
const ROOM_IN_MEMORY: u64 = 1 << 30;

/// A directory of that name for what is to survive a restart of the machine, which the server's
/// directory need not. It is as private.
///
/// # Errors
///
/// What is wrong with each place.
#[cfg(feature = "download")]
pub(super) fn lasting_directory(name: &str) -> Result<PathBuf, String> {
    let named = environment::variable("DB_TEST_HOME");
    let places = match named.map(std::path::absolute) {
        Some(Ok(place)) => vec![place],
        Some(Err(error)) => return Err(format!("  - DB_TEST_HOME: {error}")),
        None => on_disk().collect(),
    };
    let mut problems = Vec::new();
    for place in places {
        let (layout, dir) = (place.join(LAYOUT), place.join(LAYOUT).join(name));
        let made = private_dir::secure(&place)
            .and_then(|()| private_dir::make_inside(&layout))
            .and_then(|()| private_dir::make_inside(&dir));
        match made {
            Ok(()) => return Ok(dir),
            Err(problem) => problems.push(format!("  - {problem}")),
        }
    }
    Err(problems.join("\n"))
}

/// Where to look for a place, best first.
pub(super) fn places() -> Vec<PathBuf> {
    in_memory(&own_name())
        .into_iter()
        .chain(on_disk())
        .collect()
}

fn own_name() -> String {
    format!("db-test-{}", rustix::process::geteuid().as_raw())
}

fn on_disk() -> impl Iterator<Item = PathBuf> {
    let cache = if account::is_root() {
        // Not below /root, which the user that runs the server cannot enter.
        Some(PathBuf::from("/var/cache")).filter(|dir| dir.is_dir())
    } else {
        user_cache()
    };
    // `/tmp` comes last: some systems remove old files there, also single ones from the middle of a
    // database.
    let name = own_name();
    cache
        .into_iter()
        .chain([env::temp_dir()])
        .map(move |dir| dir.join(&name))
}

#[cfg(target_os = "linux")]
fn in_memory(name: &str) -> Option<PathBuf> {
    let shm = Path::new("/dev/shm");
    let place = shm.join(name);
    // Once it is there we stay with it, however full the memory is: the processes of a run must
    // agree.
    let fits = || {
        rustix::fs::statvfs(shm).is_ok_and(|free| free.f_bavail * free.f_frsize >= ROOM_IN_MEMORY)
    };
    (place.join(LAYOUT).is_dir() || fits()).then_some(place)
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_name: &str) -> Option<PathBuf> {
    None
}

fn user_cache() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    let below_home = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    absolute("XDG_CACHE_HOME").or_else(|| {
        absolute("HOME")
            .filter(|dir| dir.is_dir())
            .map(|dir| dir.join(below_home))
    })
}
