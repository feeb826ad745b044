//! The life of one test, told from top to bottom.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    process::ExitCode,
    time::Duration,
};

use futures_util::FutureExt;

use crate::{
    Error, TestContext, executor,
    macro_support::{Reported, Test, TestFuture},
    outcome::Outcome,
    report::{self, Report},
    sandbox::Ending,
    session,
};

/// Runs one test to its end: every `#[test]` function that `#[db_test]` generates is this call.
///
/// # Panics
///
/// When the test fails, except by a returned error: with the body's own panic if there was one.
pub(crate) fn run(
    test: &'static Test,
    body: impl FnOnce(TestContext) -> TestFuture<Reported>,
) -> ExitCode {
    let (outcome, ending) = executor::block_on(async {
        let (cx, limit) = match open(test).await {
            Ok(opened) => opened,
            Err(error) => return (Outcome::NotRun, Ending::NotOpened(error)),
        };
        let outcome = live(body(cx.clone()), limit).await;
        let ending = cx.end(&outcome).await;
        (outcome, ending)
    });
    conclude(test, outcome, &ending)
}

/// The test's session is found, and what the test will see of it is put together.
async fn open(test: &'static Test) -> Result<(TestContext, Duration), Error> {
    let definition = session::definition_of(test)?;
    let limit = test.timeout.unwrap_or(definition.session.time_limit());
    Ok((TestContext::open(test, definition).await?, limit))
}

/// The arguments are made and the body runs, under the time limit and with panics caught.
async fn live(body: TestFuture<Reported>, limit: Duration) -> Outcome {
    let body = AssertUnwindSafe(body).catch_unwind();
    match tokio::time::timeout(limit, body).await {
        Ok(Ok(returned)) => Outcome::of(returned),
        Ok(Err(panic)) => Outcome::Panicked(panic),
        Err(_) => Outcome::TimedOut(limit),
    }
}

/// Hands the test's own result on to libtest, after the report of a failure.
fn conclude(test: &Test, outcome: Outcome, ending: &Ending) -> ExitCode {
    let report = Report::new(test, &outcome, ending);
    if outcome.passed() && !ending.is_failure() {
        report.print_notes();
        return ExitCode::SUCCESS;
    }
    report.print();
    match outcome {
        // A panic that something else went wrong with must not pass for the expected one.
        Outcome::Panicked(panic) if !(test.should_panic && ending.is_failure()) => {
            resume_unwind(panic)
        }
        Outcome::Failed(code) => code,
        _ if test.should_panic => ExitCode::FAILURE,
        // The report has been printed: this only tells libtest, and says so in one line.
        _ => resume_unwind(Box::new(report::SEE_REPORT)),
    }
}
