//! The files that the map of the house names.

use std::{fs, path::Path};

/// Where the paths in `ARCHITECTURE.md` may begin.
const ROOTS: [&str; 3] = ["", "runtime/src", "runtime/src/postgres/proxy"];

/// The paths in backticks of `ARCHITECTURE.md` at which nothing is.
pub(crate) fn dead_ends(workspace: &Path) -> Vec<String> {
    let map = fs::read_to_string(workspace.join("ARCHITECTURE.md")).expect("the map is there");
    let named = map.split('`').skip(1).step_by(2);
    let paths = named.filter(|name| is_path(name));
    let leads_nowhere = |path: &&str| {
        !ROOTS
            .iter()
            .any(|root| workspace.join(root).join(path).exists())
    };
    paths.filter(leads_nowhere).map(str::to_owned).collect()
}

fn is_path(name: &str) -> bool {
    let is_file = Path::new(name)
        .extension()
        .is_some_and(|end| end == "rs" || end == "md");
    let is_folder = name.ends_with('/');
    (is_file || is_folder) && name != "cause.rs"
}
