//! Findings about a test's connections: where they were not isolated as production's are.

use super::Wanted;
use crate::observe::{
    log,
    masking::masked,
    recording::{Finding, FindingKind, Log},
};

/// How many are printed of a test that passes.
const PRINTED: usize = 1;

/// How many the report of a failed test lists.
const LISTED: usize = 4;

/// How much of a statement is shown, in characters.
const SHOWN: usize = 120;

const HELP: &str = "all connections of a test share one transaction on the server; to have them kept apart:\n\
     #[db_test(isolation = \"database\")]";

/// In the place of the statements, with `DB_TEST_REPORT=off`.
const WITHOUT_STATEMENTS: &str = "connections of the test were not isolated from each other";

const CLOCK_HELP: &str = "`current_timestamp` stands still in the test's one transaction; so does `now()`, where db-test may not replace it;\n\
     take the time from `clock_timestamp()` or from a clock in your state, or:\n\
     #[db_test(isolation = \"database\")]";

/// The report's section about connections that were not isolated.
pub(crate) fn isolation_findings(log: &Log, wanted: Wanted) -> Option<String> {
    if wanted == Wanted::Nothing {
        about_connections(log).next()?;
        return Some(format!("{WITHOUT_STATEMENTS}\n{HELP}"));
    }
    let mut listed: Vec<String> = Vec::new();
    let mut findings: Vec<_> = about_connections(log).collect();
    findings.sort_by_key(|finding| is_suspicion(finding.kind));
    for finding in findings.into_iter().map(describe) {
        if !listed.contains(&finding) {
            listed.push(finding);
        }
    }
    let more = listed.len().saturating_sub(LISTED);
    listed.truncate(LISTED);
    if more > 0 {
        listed.push(format!("and {more} more of these"));
    }
    (!listed.is_empty()).then(|| format!("{}\n{HELP}", listed.join("\n")))
}

/// The report's section about a test that read a time which stands still.
pub(crate) fn clock_finding(log: &Log, wanted: Wanted) -> Option<String> {
    let mut findings = log.findings.iter();
    let found = findings.find(|finding| is_about_clock(finding))?;
    let found = match wanted {
        Wanted::Nothing => "a statement read a time that stood still".to_owned(),
        _ => describe(found),
    };
    Some(format!("{found}\n{CLOCK_HELP}"))
}

/// Prints a warning about a test that passes, because it may fail in production.
pub(crate) fn warn_of_isolation(test: &str, log: &Log) {
    let wanted = Wanted::by_environment();
    let mut findings: Vec<_> = about_connections(log)
        .filter(|finding| finding.kind != FindingKind::LockPerhapsNotWaitedFor)
        .collect();
    findings.sort_by_key(|finding| is_suspicion(finding.kind));
    for finding in findings.into_iter().take(PRINTED) {
        let found = match wanted {
            Wanted::Nothing => WITHOUT_STATEMENTS.to_owned(),
            _ => describe(finding),
        };
        let help = HELP.replace('\n', " ");
        log::notice(format_args!("{test}: {}; {help}", found.replace('\n', " ")));
    }
}

/// Whether it follows from the words of the statements only. What is certain comes first, because
/// it is more probably why a test failed.
fn is_suspicion(kind: FindingKind) -> bool {
    matches!(
        kind,
        FindingKind::ReadUncommitted
            | FindingKind::LockNotWaitedFor
            | FindingKind::LockPerhapsNotWaitedFor
    )
}

fn about_connections(log: &Log) -> impl Iterator<Item = &Finding> {
    log.findings
        .iter()
        .filter(|finding| !is_about_clock(finding))
}

/// A test may also pass because of it. It is reported only of one that fails, since most tests that
/// wait and read the time do not depend on it: where a session is looked up that has not expired at
/// `current_timestamp`, each test of a slow login would be warned of.
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
            "`{second}` did not wait for a lock that another connection's transaction holds; in production it waits:\n\
             `{first}`"
        ),
        FindingKind::LockPerhapsNotWaitedFor => format!(
            "`{second}` may not have waited for a lock that another connection's transaction holds:\n\
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
            "`{second}` was refused after a wait: another connection had not finished {first}"
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
    use super::{super::detail::Detail, Finding, FindingKind, Log, Wanted, isolation_findings};

    const ALL: Wanted = Wanted::OfFailures(Detail::Full);

    #[test]
    fn both_statements_and_the_help_are_printed() {
        let mut log = Log::new();
        log.findings.push(Finding {
            kind: FindingKind::WriteLost,
            first: (1, "begin".into()),
            second: (2, "insert\n into log values (1)".into()),
        });
        let text = isolation_findings(&log, ALL).expect("there is one");
        for part in [
            "`insert into log values (1)`",
            "`begin`",
            "isolation = \"database\"",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn each_is_listed_once_and_only_some_of_many() {
        let mut log = Log::new();
        for table in ["a", "a", "b", "c", "d", "e", "f"] {
            log.findings.push(Finding {
                kind: FindingKind::WriteLost,
                first: (1, "rollback".into()),
                second: (2, format!("insert into {table} values (1)").into()),
            });
        }
        let listed = isolation_findings(&log, ALL).expect("there are some");
        assert_eq!(listed.matches("insert into a").count(), 1, "{listed}");
        assert!(!listed.contains("insert into e"), "{listed}");
        assert!(listed.contains("and 2 more of these"), "{listed}");
    }

    #[test]
    fn what_was_lost_is_listed_before_suspicions() {
        let mut log = Log::new();
        for number in 0..8 {
            log.findings.push(Finding {
                kind: FindingKind::LockNotWaitedFor,
                first: (1, format!("delete from a{number}").into()),
                second: (2, "delete from a".into()),
            });
        }
        log.findings.push(Finding {
            kind: FindingKind::WriteLost,
            first: (1, "rollback".into()),
            second: (2, "update jobs set status = 'failed'".into()),
        });
        let listed = isolation_findings(&log, ALL).expect("there are some");
        assert!(listed.starts_with("`update jobs"), "{listed}");
    }

    #[test]
    fn without_a_report_no_statement_is_printed() {
        let mut log = Log::new();
        log.findings.push(Finding {
            kind: FindingKind::WriteLost,
            first: (1, "rollback".into()),
            second: (2, "insert into secrets values (1)".into()),
        });
        let text = isolation_findings(&log, Wanted::Nothing).expect("there is one");
        assert!(!text.contains("insert"), "{text}");
    }
}
