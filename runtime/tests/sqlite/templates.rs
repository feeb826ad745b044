//! The template file: made once, made again when it is gone, and never left half-made.

use std::{fs, path::PathBuf};

/// The variable by which a test makes its child start from other migrations.
pub(crate) const MIGRATIONS: &str = "DB_TEST_CHILD_MIGRATIONS";

const A_TEST: &str = "arguments::a_pool_has_migrations_and_seeds";

/// A home of a test's own.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = PathBuf::from("/tmp").join(format!("dbt-{}-{name}", std::process::id()));
        Self(path)
    }

    fn run(&self, environment: &[(&str, &str)]) -> child::Finished {
        let home = self.0.display().to_string();
        let all = [("DB_TEST_HOME", home.as_str()), ("DB_TEST_LOG", "debug")];
        child::run(A_TEST, &[&all[..], environment].concat())
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("v1/sqlite")).expect("it is there");
        let names = entries.map(|entry| entry.expect("it is read").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_template_is_made_once_and_nothing_else_stays() {
    let home = Home::new("once");
    let first = home.run(&[]);
    assert!(
        first.success && first.output.contains("was made"),
        "{}",
        first.output
    );
    let second = home.run(&[]);
    assert!(
        second.success && second.output.contains("was there"),
        "{}",
        second.output
    );
    let files = home.files();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files[0] == "kept"
            && files[1].strip_suffix(".db").is_some()
            && files[2].strip_suffix(".lock").is_some(),
        "{files:?}"
    );
}

#[test]
fn other_migrations_are_another_template() {
    let home = Home::new("other");
    for migrations in ["tests/sqlite/migrations", "tests/sqlite/other"] {
        let run = home.run(&[(MIGRATIONS, migrations)]);
        assert!(
            run.success && run.output.contains("was made"),
            "{}",
            run.output
        );
    }
}

#[test]
fn a_migration_that_fails_is_told_with_its_file_and_leaves_nothing() {
    let home = Home::new("broken");
    let failed = home.run(&[(MIGRATIONS, "tests/sqlite/broken")]);
    failed.assert_failed();
    for expected in [
        "migration `1_users` failed in tests/sqlite/broken/0001_users.sql",
        "syntax error",
        "if the migration is PostgreSQL's, the session is `Session::postgres()`",
    ] {
        failed.assert_says(expected);
    }
    let files = home.files();
    assert!(
        !files.iter().any(|name| name.strip_suffix(".db").is_some()),
        "{files:?}"
    );
}
