//! The files that `ARCHITECTURE.md` and the comments of the sources name.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directories whose Rust files are read.
const SOURCES: [&str; 5] = [
    "benchmarks",
    "demo-app",
    "integrations",
    "macros",
    "runtime",
];

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

/// The Rust files named in comments that do not exist, each with the place where it is named.
pub(crate) fn dead_ends_in_comments(workspace: &Path) -> Vec<String> {
    let files = sources(workspace);
    let exists = |named: &Path| files.iter().any(|file| file.ends_with(named));
    let mut dead_ends = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source can be read");
        for (line, number) in text.lines().zip(1..) {
            // Addresses, and sources of sqlx.
            let Some((_, comment)) = line.split_once("//") else {
                continue;
            };
            if comment.contains("://") || comment.contains("sqlx") {
                continue;
            }
            let words = comment.split(|c: char| !(c.is_alphanumeric() || "_-./".contains(c)));
            let words = words.map(|word| word.trim_matches('.'));
            for word in words.filter(|word| is_source(Path::new(word))) {
                let named: PathBuf = Path::new(word).components().skip_while(is_dots).collect();
                if !exists(&named) {
                    dead_ends.push(format!("{}:{number}: {word}", file.display()));
                }
            }
        }
    }
    dead_ends
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn is_dots(component: &std::path::Component) -> bool {
    !matches!(component, std::path::Component::Normal(_))
}

/// The Rust files of the repository.
pub(crate) fn sources(workspace: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in SOURCES {
        add_sources(&workspace.join(directory), &mut files);
    }
    files
}

fn add_sources(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).expect("a directory of sources can be read");
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                add_sources(&path, files);
            }
        } else if is_source(&path) {
            files.push(path);
        }
    }
}
