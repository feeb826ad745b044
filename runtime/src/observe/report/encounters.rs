//! Where connections of a test met that production keeps apart, in words.

use super::masked;
use crate::observe::{
    announce::announce,
    recording::{Finding, FindingKind, Log},
};

/// So many are told of a test that passes.
const TOLD: usize = 1;

/// So many are listed of a test that fails.
const LISTED: usize = 4;

/// So much of a statement is shown, in characters.
const SHOWN: usize = 120;

const HELP: &str = "all connections of a test share one transaction on the server; to have them kept apart:\n\
     #[db_test(isolation = \"database\")]";

const CLOCK_HELP: &str = "`current_timestamp` stands still in the test's one transaction; so does `now()`, where db-test may not replace it;\n\
     take the time from `clock_timestamp()` or from a clock in your state, or:\n\
     #[db_test(isolation = \"database\")]";

/// A section of the report of a test that fails.
pub(crate) fn of(log: &Log) -> Option<String> {
    let met = log
        .entanglements
        .iter()
        .filter(|finding| !is_about_clock(finding));
    let mut all: Vec<String> = Vec::new();
    for finding in met.map(describe) {
        if !all.contains(&finding) {
            all.push(finding);
        }
    }
    let more = all.len().saturating_sub(LISTED);
    all.truncate(LISTED);
    if more > 0 {
        all.push(format!("and {more} more of these"));
    }
    (!all.is_empty()).then(|| format!("{}\n{HELP}", all.join("\n")))
}

/// A section of the report of a test that fails and leaned on a time that stands still.
pub(crate) fn of_clock(log: &Log) -> Option<String> {
    let found = log
        .entanglements
        .iter()
        .find(|finding| is_about_clock(finding))?;
    Some(format!("{}\n{CLOCK_HELP}", describe(found)))
}

/// Tells the user of a test that passes, which it may not do in production.
pub(crate) fn announce_of(test: &str, log: &Log) {
    let met = log
        .entanglements
        .iter()
        .filter(|finding| !is_about_clock(finding));
    for finding in met.take(TOLD) {
        let (told, help) = (describe(finding), HELP.replace('\n', " "));
        announce(format_args!("{test}: {}; {help}", told.replace('\n', " ")));
    }
}

/// It says nothing of several connections, and a test that passes needs not know it.
fn is_about_clock(finding: &Finding) -> bool {
    finding.kind == FindingKind::ClockStoodStill
}

fn describe(finding: &Finding) -> String {
    let (first, second) = (shown(&finding.first.1), shown(&finding.second.1));
    match finding.kind {
        FindingKind::ReadUncommitted => format!(
            "`{second}` may have read what another connection had not committed:\n\
             `{first}`"
        ),
        FindingKind::LockNotWaitedFor => format!(
            "`{second}` did not wait for the lock that another connection's transaction holds, as it does in production:\n\
             `{first}`"
        ),
        FindingKind::AdvisoryLockGranted => format!(
            "`{second}` was granted an advisory lock that another connection holds; in production it waits, or returns false:\n\
             `{first}`"
        ),
        FindingKind::WriteLost => format!(
            "`{second}` was undone when another connection's transaction was rolled back; in production it stays:\n\
             `{first}`"
        ),
        FindingKind::ReadOnly => format!(
            "`{second}` failed because another connection's transaction is read only; in production it works:\n\
             `{first}`"
        ),
        FindingKind::TemporaryTable => format!(
            "`{second}` met a temporary table of another connection; in production each has its own:\n\
             `{first}`"
        ),
        FindingKind::HeldUp => format!(
            "`{second}` was refused after a wait: another connection did not go on with {first}"
        ),
        FindingKind::ClockStoodStill => format!(
            "`{second}` had the time at which the test's transaction began, though the test has paused since:\n\
             `{first}`"
        ),
    }
}

fn shown(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = masked(&line).chars().take(SHOWN).collect();
    if line.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Finding, FindingKind, Log, of};

    #[test]
    fn both_statements_and_the_way_out_are_told() {
        let mut log = Log::new();
        log.entanglements.push(Finding {
            kind: FindingKind::WriteLost,
            first: (1, "begin".into()),
            second: (2, "insert\n into log values (1)".into()),
        });
        let told = of(&log).expect("there is one");
        for part in [
            "`insert into log values (1)`",
            "`begin`",
            "isolation = \"database\"",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn each_is_listed_once_and_only_some_of_many() {
        let mut log = Log::new();
        for table in ["a", "a", "b", "c", "d", "e", "f"] {
            log.entanglements.push(Finding {
                kind: FindingKind::WriteLost,
                first: (1, "rollback".into()),
                second: (2, format!("insert into {table} values (1)").into()),
            });
        }
        let listed = of(&log).expect("there are some");
        assert_eq!(listed.matches("insert into a").count(), 1, "{listed}");
        assert!(!listed.contains("insert into e"), "{listed}");
        assert!(listed.contains("and 2 more of these"), "{listed}");
    }
}
