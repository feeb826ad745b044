//! The life of one test, told from top to bottom.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    Error, TestContext,
    announce::announce,
    executor, fixtures,
    macro_support::{Test, TestFuture},
    outcome::{Ended, Outcome},
    overrides::Unasked,
    panics,
    process::watchdog,
    queries,
    report::{self, Report},
    running,
    sandbox::Ending,
    session, untouched, variables,
};

/// How long the end of a test may take without a word.
const SILENT_END: Duration = Duration::from_millis(500);

/// Runs one test to its end: every `#[test]` function that `#[db_test]` generates is this call.
///
/// # Panics
///
/// When the test fails, except by a returned error: with the body's own panic if there was one.
pub(crate) fn run(
    test: &'static Test,
    body: Box<dyn FnOnce(TestContext) -> TestFuture>,
) -> ExitCode {
    variables::check();
    watchdog::start();
    let presence = running::enter(test.name);
    let mut ended = executor::block_on(async {
        let (cx, limit) = match open(test).await {
            Ok(opened) => opened,
            Err(error) => return Ended::without_running(error),
        };
        presence.limit(limit);
        let body = fixtures::before(test, &cx, body(cx.clone()));
        let outcome = live(&cx, body, limit).await;
        let mut teardown = cx.tear_down().await;
        let (ending, waited) = end(&cx, &outcome).await;
        running::ended(cx.recording());
        let unasked = panics::calling("the drop of an override", || cx.overrides().end());
        let unasked = unasked.unwrap_or_else(|error| {
            teardown.push(error.to_string());
            Unasked::default()
        });
        let unhit = cx.unhit();
        let over_budget = queries::exceeded(test, &cx.recording().log());
        Ended {
            outcome,
            teardown,
            ending,
            kept: cx.kept(),
            unasked,
            unhit,
            over_budget,
            remarks: waited.into_iter().chain(untouched::remark(&cx)).collect(),
            recording: Some(Arc::clone(cx.recording())),
        }
    });
    let panics = presence.panics_of_tasks().into_iter();
    ended.remarks.extend(panics.map(|panic| ("task", panic)));
    drop(presence);
    conclude(test, ended)
}

/// Ends the test's use of its database, and says so if that takes long.
async fn end(cx: &TestContext, outcome: &Outcome) -> (Ending, Option<(&'static str, String)>) {
    let started = Instant::now();
    let mut ending = pin!(cx.end(outcome));
    if let Ok(ending) = tokio::time::timeout(SILENT_END, &mut ending).await {
        return (ending, None);
    }
    announce(format_args!(
        "{}: it has ended, and something still holds its database, such as a task that it has spawned or a \
         connection that it has leaked; waiting for it",
        cx.name()
    ));
    let ending = ending.await;
    let seconds = started.elapsed().as_secs_f64();
    let waited = format!("{seconds:.1} s for whatever still held the test's database");
    (ending, Some(("waited", waited)))
}

/// The test's session is found, and what the test will see of it is put together.
async fn open(test: &'static Test) -> Result<(TestContext, Duration), Error> {
    let definition = panics::calling("the session function", || session::definition_of(test))??;
    let limit = test.timeout.unwrap_or(definition.session.time_limit());
    Ok((TestContext::open(test, definition).await?, limit))
}

/// The arguments are made and the body runs, under the time limit and with panics caught.
async fn live(cx: &TestContext, body: TestFuture, limit: Duration) -> Outcome {
    let mut body = pin!(AssertUnwindSafe(cx.overrides().watch(body)).catch_unwind());
    let started = Instant::now();
    loop {
        // Waiting for a database is not the test's fault, and has limits of its own.
        let allowed = limit + cx.time_preparing();
        match tokio::time::timeout_at(started + allowed, &mut body).await {
            Ok(Ok(returned)) => {
                return Outcome::of(returned, started.elapsed(), limit + cx.time_preparing());
            }
            Ok(Err(panic)) => return Outcome::Panicked(panic),
            Err(_) if limit + cx.time_preparing() > allowed => {}
            Err(_) => return Outcome::TimedOut(limit),
        }
    }
}

/// Hands the test's own result on to libtest, after the report of a failure.
fn conclude(test: &Test, ended: Ended) -> ExitCode {
    let spoiled = ended.is_spoiled();
    if ended.outcome.passes(test) && !spoiled {
        ended.unasked.announce(test.name);
        ended.unhit.announce(test.name);
    }
    if ended.outcome.passed() && !spoiled {
        report::of_success(test, &ended);
        return ExitCode::SUCCESS;
    }
    Report::new(test, &ended).print();
    match ended.outcome {
        // A panic that something else went wrong with must not pass for the expected one.
        Outcome::Panicked(panic) if !(test.should_panic && spoiled) => resume_unwind(panic),
        Outcome::Failed(code) => code,
        _ if test.should_panic => ExitCode::FAILURE,
        // The report has been printed: this only tells libtest, and says so in one line.
        _ => resume_unwind(Box::new(report::SEE_REPORT)),
    }
}
