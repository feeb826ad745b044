//! The line that runs one test again.

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
};

use crate::test::description::Test;

/// What is known of the process in which a test ran.
struct Setting<'a> {
    package: Option<String>,
    crate_dir: &'a Path,
    /// This program is one of Cargo's examples.
    is_example: bool,
    /// The test was started by nextest.
    under_nextest: bool,
}

/// The kinds of targets with their option of Cargo's, their table in `Cargo.toml`, and their
/// directory.
const KINDS: [(&str, &str, &str); 4] = [
    ("--test", "[[test]]", "tests"),
    ("--bin", "[[bin]]", "src/bin"),
    ("--example", "[[example]]", "examples"),
    ("--bench", "[[bench]]", "benches"),
];

pub(super) fn command(test: &Test) -> String {
    let crate_dir = test.origin.crate_dir();
    let program = env::current_exe().unwrap_or_default();
    let directory = program.parent().and_then(Path::file_name);
    let setting = Setting {
        package: env::var("CARGO_PKG_NAME")
            .ok()
            .or_else(|| Manifest::read(&crate_dir).package()),
        crate_dir: &crate_dir,
        is_example: directory.is_some_and(|name| name == "examples"),
        under_nextest: env::var_os("NEXTEST").is_some(),
    };
    let (target, name) = test.name.split_once("::").unwrap_or(("", test.name));
    write(&setting, target, &name_in_libtest(name))
}

/// A case of rstest's is a function below the test's; libtest names its thread after it.
fn name_in_libtest(name: &str) -> String {
    let thread = thread::current();
    let full = thread.name().filter(|full| {
        full.strip_prefix(name)
            .is_some_and(|case| case.starts_with("::"))
    });
    full.unwrap_or(name).to_owned()
}

fn write(setting: &Setting<'_>, target: &str, name: &str) -> String {
    let package = setting.package.as_ref();
    let package = package.map_or_else(String::new, |package| format!(" -p {package}"));
    let target = target_option(setting, target);
    if setting.under_nextest {
        format!("cargo nextest run{package}{target} -E 'test(={name})'")
    } else {
        format!("cargo test{package}{target} -- --exact {name}")
    }
}

/// The option that selects the target whose crate has this name, if it is sure which that is.
///
/// A hyphen in a target's name is an underscore in its crate's, and a program may be called like
/// its library.
fn target_option(setting: &Setting<'_>, crate_name: &str) -> String {
    let manifest = Manifest::read(setting.crate_dir);
    let mut found = Vec::new();
    for (option, table, directory) in KINDS {
        if setting.is_example != (option == "--example") {
            continue;
        }
        let mut names = manifest.names_in(table);
        names.extend(discovered(&setting.crate_dir.join(directory)));
        if option == "--bin" && setting.crate_dir.join("src/main.rs").is_file() {
            names.extend(manifest.package());
        }
        names.sort();
        names.dedup();
        let matching = names
            .into_iter()
            .filter(|name| as_crate(name) == crate_name);
        found.extend(matching.map(|name| format!(" {option} {name}")));
    }
    let is_library = manifest
        .library()
        .is_some_and(|name| as_crate(&name) == crate_name);
    if is_library && !setting.is_example {
        found.push(" --lib".to_owned());
    }
    match &mut found[..] {
        [one] => std::mem::take(one),
        _ => String::new(),
    }
}

fn as_crate(target: &str) -> String {
    target.replace('-', "_")
}

/// The targets that Cargo finds in a directory by itself.
fn discovered(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let path = entry.path();
        let is_target = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").is_file();
        is_target.then(|| path.file_stem()?.to_str().map(str::to_owned))?
    });
    names.collect()
}

/// As much of a `Cargo.toml` as names its targets.
struct Manifest {
    text: String,
    directory: PathBuf,
}

impl Manifest {
    fn read(directory: &Path) -> Self {
        Self {
            text: fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default(),
            directory: directory.to_owned(),
        }
    }

    /// The values of `name` in all tables of that heading.
    fn names_in(&self, table: &str) -> Vec<String> {
        let mut inside = false;
        let mut names = Vec::new();
        for line in self.text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line
                    .split('#')
                    .next()
                    .is_some_and(|line| line.trim() == table);
            } else if let Some((key, value)) = line.split_once('=')
                && inside
                && key.trim() == "name"
            {
                let value = value.trim().trim_start_matches(['"', '\'']);
                names.extend(value.split(['"', '\'']).next().map(str::to_owned));
            }
        }
        names
    }

    fn package(&self) -> Option<String> {
        self.names_in("[package]").pop()
    }

    fn library(&self) -> Option<String> {
        let named = self.names_in("[lib]").pop();
        let has_one = self.text.lines().any(|line| line.trim() == "[lib]")
            || self.directory.join("src/lib.rs").is_file();
        named.or_else(|| has_one.then(|| self.package())?)
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf, process};

    use super::{Setting, write};

    /// A package with a target of each kind, for the length of a test.
    struct Package(PathBuf);

    impl Package {
        fn new(name: &str) -> Self {
            let directory = env::temp_dir().join(format!("dbt-package-{}-{name}", process::id()));
            for file in [
                "src/lib.rs",
                "src/bin/send-mail.rs",
                "tests/api_v2.rs",
                "tests/smoke-test/main.rs",
                "examples/first-steps.rs",
            ] {
                let file = directory.join(file);
                fs::create_dir_all(file.parent().expect("it has one")).expect("it is made");
                fs::write(file, "").expect("it is written");
            }
            let manifest = "[package]\nname = \"web-shop\" # ours\n\n[[test]] # listed\nname = \"docs-guide\"\npath = \"x.rs\"\n";
            fs::write(directory.join("Cargo.toml"), manifest).expect("it is written");
            Self(directory)
        }

        fn command(&self, target: &str, is_example: bool, under_nextest: bool) -> String {
            let setting = Setting {
                package: Some("web-shop".to_owned()),
                crate_dir: &self.0,
                is_example,
                under_nextest,
            };
            write(&setting, target, "users::first")
        }
    }

    impl Drop for Package {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn every_kind_of_target_is_named_as_cargo_names_it() {
        let package = Package::new("kinds");
        for (target, option) in [
            ("api_v2", " --test api_v2"),
            ("smoke_test", " --test smoke-test"),
            ("docs_guide", " --test docs-guide"),
            ("send_mail", " --bin send-mail"),
            ("web_shop", " --lib"),
            ("unheard_of", ""),
        ] {
            assert_eq!(
                package.command(target, false, false),
                format!("cargo test -p web-shop{option} -- --exact users::first")
            );
        }
    }

    #[test]
    fn an_example_is_told_from_a_test_of_its_name() {
        let package = Package::new("example");
        fs::write(package.0.join("tests/first_steps.rs"), "").expect("it is written");
        for (is_example, option) in [
            (true, "--example first-steps"),
            (false, "--test first_steps"),
        ] {
            assert!(
                package
                    .command("first_steps", is_example, false)
                    .contains(option)
            );
        }
    }

    #[test]
    fn targets_that_cannot_be_told_apart_are_all_run() {
        let package = Package::new("twins");
        fs::write(package.0.join("src/main.rs"), "").expect("it is written");
        assert_eq!(
            package.command("web_shop", false, false),
            "cargo test -p web-shop -- --exact users::first"
        );
    }

    #[test]
    fn nextest_is_given_its_own_line() {
        let package = Package::new("nextest");
        assert_eq!(
            package.command("api_v2", false, true),
            "cargo nextest run -p web-shop --test api_v2 -E 'test(=users::first)'"
        );
    }
}
