//! Directories that no other user can have prepared or can change.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::account;

/// Bits of a directory's mode, as in `chmod`.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;
const ENTERED_BY_ALL: u32 = 0o001;

/// The mode of a directory that has to be made above ours, such as `~/.cache`.
const PARENT_MODE: u32 = 0o755;

/// The mode of our files: all but the settings, which the server must be able to read when the
/// tests run as root.
const FILE_MODE: u32 = 0o600;

/// The mode of our directories. For root the server runs as another user, who must pass through
/// them on the way to its own (0700) directories, but can neither list nor change them.
pub(super) fn mode() -> u32 {
    if account::is_root() { 0o711 } else { 0o700 }
}

/// Makes sure of a directory at a place that others may be able to write to, such as `/dev/shm` or
/// `/tmp`.
///
/// It may have been there before, made by us or by somebody who hopes that we put our data into it:
/// it must be a real directory of ours, that others cannot write to, in a place where others cannot
/// replace it.
pub(super) fn secure(path: &Path) -> Result<(), String> {
    if let Some(parent) = path.parent() {
        // Not by the umask: where everybody may write, everybody may replace what is ours.
        let made = DirBuilder::new()
            .recursive(true)
            .mode(PARENT_MODE)
            .create(parent);
        made.map_err(|error| cannot("make", parent, &error))?;
        let parent_mode = fs::metadata(parent)
            .map_err(|error| cannot("inspect", parent, &error))?
            .mode();
        if parent_mode & WRITABLE_BY_ALL != 0 && parent_mode & STICKY == 0 {
            return Err(format!(
                "everybody may replace entries of `{0}`; make it private (`chmod o-w {0}`)",
                parent.display()
            ));
        }
    }
    make(path)?;
    let found_mode = owned(path)?;
    if found_mode & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "others may write to `{0}`; make it private (`chmod go-w {0}`)",
            path.display()
        ));
    }
    if account::is_root() {
        enterable(path)
    } else {
        Ok(())
    }
}

/// Makes sure of a directory inside one that [`secure`] has accepted.
pub(super) fn make_inside(path: &Path) -> Result<(), String> {
    make(path)?;
    if owned(path)? & 0o777 != mode() {
        // The umask took a bit away.
        fs::set_permissions(path, Permissions::from_mode(mode()))
            .map_err(|error| cannot("set the permissions of", path, &error))?;
    }
    Ok(())
}

/// Writes a file that only this user can read or change, whatever the umask.
pub(super) fn write_file(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(path)?;
    // It may have been there before.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(content.as_ref())
}

fn make(path: &Path) -> Result<(), String> {
    match DirBuilder::new().mode(mode()).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(cannot("make", path, &error))
        }
        _ => Ok(()),
    }
}

/// The mode of a directory that is real and ours. A symbolic link is not followed.
fn owned(path: &Path) -> Result<u32, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| cannot("inspect", path, &error))?;
    let own_uid = rustix::process::geteuid().as_raw();
    if metadata.is_symlink() {
        return Err(format!(
            "`{}` is a symbolic link, which is not followed; remove it",
            path.display()
        ));
    }
    if !metadata.is_dir() {
        return Err(format!(
            "`{}` is not a directory; remove it",
            path.display()
        ));
    }
    if metadata.uid() != own_uid {
        return Err(format!(
            "`{}` belongs to user {}, not to you ({own_uid}); remove it",
            path.display(),
            metadata.uid()
        ));
    }
    Ok(metadata.mode())
}

/// Whether the unprivileged user that runs the server for root can come here.
fn enterable(path: &Path) -> Result<(), String> {
    // The directory itself gets its mode now; those above it are not ours to change.
    if owned(path)? & ENTERED_BY_ALL == 0 {
        fs::set_permissions(path, Permissions::from_mode(mode()))
            .map_err(|error| cannot("set the permissions of", path, &error))?;
    }
    match path
        .ancestors()
        .skip(1)
        .find(|dir| fs::metadata(dir).is_ok_and(|found| found.mode() & ENTERED_BY_ALL == 0))
    {
        Some(closed) => Err(format!(
            "`{}` is below `{}`, which only its owner can enter, and for root the server runs as another user",
            path.display(),
            closed.display()
        )),
        None => Ok(()),
    }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => " (the file system is full)",
        _ => "",
    };
    format!("cannot {verb} `{}`: {error}{help}", path.display())
}
