//! File systems that cannot hold a server.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    machine,
    site::{Site, make_dir},
    user::refusal,
};

/// A file system in memory, until this value is dropped.
struct Mount(PathBuf);

impl Mount {
    /// Mounts it as the home of a site; none where that is not permitted.
    fn as_home(site: &Site, options: &str) -> Option<Self> {
        let home = site.home();
        make_dir(&home, 0o755);
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&home)
            .stderr(Stdio::null())
            .status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Self(home));
        }
        machine::skip("nothing can be mounted here");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that was refused may be about to end.
        let status = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(status.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_full_file_system_is_reported() {
    let site = Site::new();
    let Some(_mount) = Mount::as_home(&site, "size=8m,mode=0755") else {
        return;
    };
    let said = refusal(&mut site.command());
    assert!(said.contains("the file system is full"), "{said}");
}

#[test]
fn a_read_only_file_system_is_reported() {
    let site = Site::new();
    let Some(_mount) = Mount::as_home(&site, "ro,mode=0755") else {
        return;
    };
    let said = refusal(&mut site.command());
    assert!(said.contains("Read-only file system"), "{said}");
}
