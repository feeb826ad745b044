//! The life of one test, from top to bottom.

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
    overrides::UnusedOverrides,
    session::{self, DatabaseKind, variables},
    test::{
        cause::calling,
        description::Test,
        outcome::{ArgumentError, Outcome, TestFuture},
        own_runtime::OwnRuntime,
        report::{self, Report},
        running::{self, Presence},
        summary::{Endings, Section, Summary},
        watchdog,
    },
};
use futures_util::FutureExt;

/// How long the end of a test may take before a notice says what it waits for.
const SILENT_END: Duration = Duration::from_millis(500);

/// The test's arguments and body: makes their future, once there is a context.
pub(crate) type Body = Box<dyn FnOnce(TestContext) -> TestFuture>;

/// Runs one test: every `#[test]` function that `#[db_test]` generates is this call.
///
/// # Panics
///
/// When the test fails, except by a returned error: with the body's own panic if there was one.
pub(crate) fn run(test: &'static Test, kind: DatabaseKind, body: Body) -> ExitCode {
    variables::check();
    watchdog::start();
    let presence = running::enter(test.name);
    let mut summary = match executor::block_on(open(test, kind)) {
        Ok(cx) => {
            presence.limit(cx.limit());
            let (outcome, teardown) = live(test, &cx, body, &presence);
            executor::block_on(end(test, &cx, outcome, teardown))
        }
        Err(error) => Summary::without_running(error),
    };
    let panics = presence.panics_of_tasks().into_iter();
    summary.remarks.extend(panics.map(|panic| ("task", panic)));
    drop(presence);
    conclude(test, summary)
}

/// Finds the test's session, and makes its context: overrides, recording, database.
///
/// No lane is taken yet: the first argument that needs the database takes one.
async fn open(test: &'static Test, kind: DatabaseKind) -> Result<TestContext, Error> {
    let definition = calling("the session function", || {
        session::definition_of(&test.origin, kind)
    })??;
    session::compare(test.name, &test.origin, definition).await;
    TestContext::open(test, definition).await
}

/// Runs the body and the teardowns on the runtime that the test has chosen. Returns how the body
/// ended, and which teardowns failed.
fn live(
    test: &'static Test,
    cx: &TestContext,
    body: Body,
    presence: &Presence,
) -> (Outcome, Vec<String>) {
    let life = async {
        let outcome = run_body(test, cx, body).await;
        (outcome, cx.tear_down().await)
    };
    match cx.flavor() {
        Flavor::MultiThread => executor::block_on(life),
        // The runtime is dropped here, and with it the test's tasks: before the test's database.
        Flavor::CurrentThread => {
            let (recording, owner) = (cx.recording(), presence.owner());
            match OwnRuntime::new(recording, test.start_paused, owner) {
                Ok(runtime) => runtime.block_on(life),
                Err(error) => (Outcome::NoArgument(error), Vec::new()),
            }
        }
    }
}

/// Loads the fixtures, makes the arguments and runs the body, within the time limit and with panics
/// caught.
async fn run_body(test: &'static Test, cx: &TestContext, body: Body) -> Outcome {
    let whole = async {
        load_fixtures(test, cx).await?;
        body(cx.clone()).await
    };
    let mut whole = pin!(AssertUnwindSafe(cx.overrides().watch(whole)).catch_unwind());
    let started = Instant::now();
    loop {
        // The wait for a database has limits of its own and is not counted.
        let allowed = cx.limit() + cx.time_preparing();
        let left = allowed.saturating_sub(started.elapsed());
        match executor::within(left, &mut whole).await {
            Some(Ok(returned)) => {
                let allowed = cx.limit() + cx.time_preparing();
                return Outcome::of(returned, started.elapsed(), allowed);
            }
            Some(Err(panic)) => return Outcome::of_panic(panic),
            None if cx.limit() + cx.time_preparing() > allowed => {}
            None => return Outcome::TimedOut(cx.limit()),
        }
    }
}

async fn load_fixtures(test: &Test, cx: &TestContext) -> Result<(), ArgumentError> {
    if test.fixtures.scripts.is_empty() {
        return Ok(());
    }
    cx.load(&test.fixtures)
        .await
        .map_err(|error| ArgumentError {
            type_name: "fixtures",
            cause: error.into(),
        })
}

/// Rolls back, verifies that nothing escaped, and collects what the report needs.
async fn end(
    test: &'static Test,
    cx: &TestContext,
    outcome: Outcome,
    mut teardown: Vec<String>,
) -> Summary {
    let (endings, waited) = end_databases(cx, &outcome).await;
    cx.recordings().for_each(running::ended);
    let unused = calling("the drop of an override", || cx.overrides().end());
    let unused_overrides = unused.unwrap_or_else(|error| {
        teardown.push(error.to_string());
        UnusedOverrides::default()
    });
    let over_budget = queries::exceeded(test.queries, &cx.recording().log());
    let uncounted = queries::uncounted(test.queries, &cx.recording().log());
    Summary {
        outcome,
        teardown,
        endings,
        kept: cx.kept(),
        unused_overrides,
        unused_faults: cx.unused_faults(),
        over_budget,
        uncounted,
        remarks: waited.into_iter().chain(cx.bypass_remark()).collect(),
        recording: Some(Arc::clone(cx.recording())),
    }
}

/// Ends the test's use of its databases, and prints a notice if that takes long.
async fn end_databases(cx: &TestContext, outcome: &Outcome) -> (Endings, Option<Section>) {
    let started = Instant::now();
    let mut ending = pin!(cx.end(outcome));
    if let Ok(ending) = tokio::time::timeout(SILENT_END, &mut ending).await {
        return (ending, None);
    }
    log::notice(format_args!(
        "{}: it has ended, but a task that it spawned or a connection that it leaked still uses its database; \
         waiting for it",
        cx.name()
    ));
    let ending = ending.await;
    let seconds = started.elapsed().as_secs_f64();
    let waited = format!("{seconds:.1} s for what still used the test's database");
    (ending, Some(("waited", waited)))
}

/// Prints the report of a failure, and hands the test's result to libtest.
fn conclude(test: &Test, summary: Summary) -> ExitCode {
    let spoiled = summary.is_spoiled(test);
    if summary.outcome.passes(test) && !spoiled {
        report::warn(test, &summary);
    }
    if summary.outcome.passed() && !spoiled {
        report::of_success(test, &summary);
        return ExitCode::SUCCESS;
    }
    Report::new(test, &summary).print();
    match summary.outcome {
        // If something else went wrong too, the panic must not pass for the expected one.
        Outcome::Panicked(panic) if !(test.should_panic && spoiled) => resume_unwind(panic),
        Outcome::Misused(panic) if !test.should_panic => resume_unwind(panic),
        Outcome::Failed(code) => code,
        _ if test.should_panic => ExitCode::FAILURE,
        // The report has been printed; libtest prints this line.
        _ => resume_unwind(Box::new(report::SEE_REPORT)),
    }
}
