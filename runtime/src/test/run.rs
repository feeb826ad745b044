//! The life of one test, told from top to bottom.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Error, Flavor, TestContext, executor,
    observe::{log, queries},
    overrides::Unasked,
    session::{self, Kind, variables},
    test::{
        cause::calling,
        description::Test,
        fixtures,
        outcome::{Ended, Endings, Outcome, TestFuture},
        own_runtime::OwnRuntime,
        report::{self, Report},
        running::{self, Presence},
        untouched, watchdog,
    },
};
use futures_util::FutureExt;

/// How long the end of a test may take without a word.
const SILENT_END: Duration = Duration::from_millis(500);

/// Runs one test to its end: every `#[test]` function that `#[db_test]` generates is this call.
///
/// # Panics
///
/// When the test fails, except by a returned error: with the body's own panic if there was one.
pub(crate) fn run(
    test: &'static Test,
    kind: Kind,
    body: Box<dyn FnOnce(TestContext) -> TestFuture>,
) -> ExitCode {
    variables::check();
    watchdog::start();
    let presence = running::enter(test.name);
    let mut ended = live_and_end(test, kind, body, &presence);
    let panics = presence.panics_of_tasks().into_iter();
    ended.remarks.extend(panics.map(|panic| ("task", panic)));
    drop(presence);
    conclude(test, ended)
}

/// From the search for the session to the end of the database's use.
fn live_and_end(
    test: &'static Test,
    kind: Kind,
    body: Box<dyn FnOnce(TestContext) -> TestFuture>,
    presence: &Presence,
) -> Ended {
    let Opened { cx, limit, flavor } = match executor::block_on(open(test, kind)) {
        Ok(opened) => opened,
        Err(error) => return Ended::without_running(error),
    };
    presence.limit(limit);
    let life = async {
        let body = fixtures::before(test, &cx, body(cx.clone()));
        let outcome = live(&cx, body, limit).await;
        (outcome, cx.tear_down().await)
    };
    let (outcome, mut teardown) = match flavor {
        Flavor::MultiThread => executor::block_on(life),
        // What it has spawned ends before its database does.
        Flavor::CurrentThread => OwnRuntime::new(cx.recording(), test.start_paused).block_on(life),
    };
    executor::block_on(async {
        let (endings, waited) = end(&cx, &outcome).await;
        cx.recordings().for_each(running::ended);
        let unasked = calling("the drop of an override", || cx.overrides().end());
        let unasked = unasked.unwrap_or_else(|error| {
            teardown.push(error.to_string());
            Unasked::default()
        });
        let unhit = cx.unhit();
        let over_budget = queries::exceeded(test.queries, &cx.recording().log());
        Ended {
            outcome,
            teardown,
            endings,
            kept: cx.kept(),
            unasked,
            unhit,
            over_budget,
            remarks: waited.into_iter().chain(untouched::remark(&cx)).collect(),
            recording: Some(Arc::clone(cx.recording())),
        }
    })
}

/// Ends the test's use of its database, and says so if that takes long.
async fn end(cx: &TestContext, outcome: &Outcome) -> (Endings, Option<(&'static str, String)>) {
    let started = Instant::now();
    let mut ending = pin!(cx.end(outcome));
    if let Ok(ending) = tokio::time::timeout(SILENT_END, &mut ending).await {
        return (ending, None);
    }
    log::notice(format_args!(
        "{}: it has ended, and something still holds its database, such as a task that it has spawned or a \
         connection that it has leaked; waiting for it",
        cx.name()
    ));
    let ending = ending.await;
    let seconds = started.elapsed().as_secs_f64();
    let waited = format!("{seconds:.1} s for whatever still held the test's database");
    (ending, Some(("waited", waited)))
}

/// A test that can run.
struct Opened {
    cx: TestContext,
    limit: Duration,
    flavor: Flavor,
}

/// The test's session is found, and what the test will see of it is put together.
async fn open(test: &'static Test, kind: Kind) -> Result<Opened, Error> {
    let definition = calling("the session function", || {
        session::definition_of(&test.origin, kind)
    })??;
    session::compare(test.name, &test.origin, definition).await;
    let limit = test.timeout.unwrap_or(definition.session.time_limit());
    let flavor = test.flavor.unwrap_or(definition.session.runtime_flavor());
    let cx = TestContext::open(test, definition).await?;
    Ok(Opened { cx, limit, flavor })
}

/// The arguments are made and the body runs, under the time limit and with panics caught.
async fn live(cx: &TestContext, body: TestFuture, limit: Duration) -> Outcome {
    let mut body = pin!(AssertUnwindSafe(cx.overrides().watch(body)).catch_unwind());
    let started = Instant::now();
    loop {
        // Waiting for a database is not the test's fault, and has limits of its own.
        let allowed = limit + cx.time_preparing();
        let left = allowed.saturating_sub(started.elapsed());
        match executor::within(left, &mut body).await {
            Some(Ok(returned)) => {
                return Outcome::of(returned, started.elapsed(), limit + cx.time_preparing());
            }
            Some(Err(panic)) => return Outcome::Panicked(panic),
            None if limit + cx.time_preparing() > allowed => {}
            None => return Outcome::TimedOut(limit),
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
