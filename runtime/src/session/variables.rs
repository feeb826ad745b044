//! The environment variables of this library, and warnings about misspelled ones.

use std::{env, sync::Once};

use strsim::damerau_levenshtein;

use crate::observe::log;

const PREFIX: &str = "DB_TEST_";

/// Their names without the prefix.
const KNOWN: [&str; 10] = [
    "DOWNLOAD_URL",
    "HOME",
    "IDLE_SECONDS",
    "KEEP",
    "LOG",
    "LOOPBACK",
    "REPORT",
    // Set by a process for the supervisor that it starts.
    "SUPERVISE",
    "SUPERVISE_BIN",
    "SUPERVISE_MAJOR",
];

/// The beginnings of variables that this library's own tests set for their child processes.
const OF_OUR_TESTS: [&str; 2] = ["CHILD", "SOAK_"];

/// Prints a warning, once, about each variable with our prefix that does not exist.
pub(crate) fn check() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for complaint in names.filter_map(|name| complaint_of(&name)) {
            log::notice(complaint);
        }
    });
}

fn complaint_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    if KNOWN.contains(&rest) || OF_OUR_TESTS.iter().any(|own| rest.starts_with(own)) {
        return None;
    }
    let ours = KNOWN.iter().filter(|known| !known.starts_with("SUPERVISE"));
    let nearest = ours
        .clone()
        .min_by_key(|known| damerau_levenshtein(known, rest));
    let help = match nearest {
        Some(near) if damerau_levenshtein(near, rest) * 2 <= near.len() => {
            format!("did you mean {PREFIX}{near}?")
        }
        _ => {
            let all: Vec<_> = ours.map(|known| format!("{PREFIX}{known}")).collect();
            format!("db-test reads {}", all.join(", "))
        }
    };
    Some(format!(
        "{name} is set, but db-test has no such variable: {help}"
    ))
}

#[cfg(test)]
mod tests {
    use super::complaint_of;

    #[test]
    fn a_misspelled_variable_is_reported_with_the_nearest_one() {
        for (wrong, right) in [
            ("DB_TEST_REPROT", "DB_TEST_REPORT"),
            ("DB_TEST_LOGS", "DB_TEST_LOG"),
            ("DB_TEST_IDLE_SECS", "DB_TEST_IDLE_SECONDS"),
        ] {
            let message = complaint_of(wrong).expect("it is none of ours");
            assert!(
                message.ends_with(&format!("did you mean {right}?")),
                "{message}"
            );
        }
    }

    #[test]
    fn an_unknown_variable_is_reported_with_all() {
        let message = complaint_of("DB_TEST_PARALLELISM").expect("it is none of ours");
        assert!(
            message.ends_with("DB_TEST_KEEP, DB_TEST_LOG, DB_TEST_LOOPBACK, DB_TEST_REPORT"),
            "{message}"
        );
    }

    #[test]
    fn known_and_foreign_variables_are_not_reported() {
        for name in [
            "DB_TEST_KEEP",
            "DB_TEST_LOOPBACK",
            "DB_TEST_SUPERVISE_BIN",
            "DB_TEST_CHILD_SEED",
            "DATABASE_URL",
        ] {
            assert_eq!(complaint_of(name), None);
        }
    }
}
