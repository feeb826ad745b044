//! Directories whose names are known in part.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The existing directories below another one that match a pattern.
pub(super) fn matching(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut dirs = vec![base.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        dirs = match part.split_once('*') {
            None => dirs.into_iter().map(|dir| dir.join(part)).collect(),
            Some((prefix, suffix)) => {
                let mut entries: Vec<PathBuf> = dirs
                    .iter()
                    .filter_map(|dir| fs::read_dir(dir).ok())
                    .flatten()
                    .flatten()
                    .map(|e| e.path())
                    .collect();
                entries.retain(|entry| {
                    let name = entry
                        .file_name()
                        .and_then(|name| name.to_str())
                        .unwrap_or_default();
                    name.len() >= part.len() - 1
                        && name.starts_with(prefix)
                        && name.ends_with(suffix)
                });
                entries.sort();
                entries
            }
        };
    }
    dirs.retain(|dir| dir.is_dir());
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_directories_only() {
        assert_eq!(
            matching(Path::new("/"), "d*v/fd"),
            [PathBuf::from("/dev/fd")]
        );
        assert_eq!(matching(Path::new("/"), "/dev/nul*"), Vec::<PathBuf>::new());
    }
}
