//! The storm: processes that run the misdeeds, several at once, some of them killed.

use std::{
    env, thread,
    time::{Duration, Instant},
};

use db_test::db_test;

use crate::{comparison, misdeeds::TRACE, place::Place};

/// How many processes run at once.
const AT_ONCE: usize = 3;

/// For how long processes are started.
fn length() -> Duration {
    let seconds = env::var("DB_TEST_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(5))
}

/// Runs processes one after the other; gives the number of tests that ran and the traces seen.
fn runs(place: &Place, end: Instant) -> (usize, Vec<String>) {
    let (mut tests, mut traces) = (0, Vec::new());
    while Instant::now() < end {
        let run = place.run("misdeeds::", &[("RUST_TEST_THREADS", "4")]);
        tests += run.output.matches("\ntest ").count();
        traces.extend(
            run.output
                .lines()
                .filter(|line| line.contains(TRACE))
                .map(str::to_owned),
        );
    }
    (tests, traces)
}

/// Starts processes and kills them a moment later.
fn kills(place: &Place, end: Instant) -> usize {
    let mut killed = 0;
    while Instant::now() < end {
        let process = place.start("misdeeds::", &[("RUST_TEST_THREADS", "4")]);
        thread::sleep(Duration::from_millis(20 + 7 * (killed % 40)));
        process.kill();
        killed += 1;
    }
    usize::try_from(killed).expect("it is a small number")
}

#[db_test(timeout = "60m")]
async fn no_test_sees_another_and_every_trusted_lane_equals_its_template() {
    let place = Place::new();
    let end = Instant::now() + length();
    let (ran, killed) = thread::scope(|scope| {
        let running: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| runs(&place, end)))
            .collect();
        let killing = scope.spawn(|| kills(&place, end));
        let ran: Vec<_> = running
            .into_iter()
            .map(|thread| thread.join().expect("it ends"))
            .collect();
        (ran, killing.join().expect("it ends"))
    });
    let tests: usize = ran.iter().map(|(tests, _)| tests).sum();
    let traces: Vec<_> = ran.into_iter().flat_map(|(_, traces)| traces).collect();
    let lanes = comparison::of_lanes_with_their_template(&place).await;
    eprintln!(
        "{tests} tests, {killed} processes killed, {lanes} lanes compared, {} traces",
        traces.len()
    );
    assert!(traces.is_empty(), "{traces:#?}");
    assert!(tests > 0 && lanes > 0);
}
