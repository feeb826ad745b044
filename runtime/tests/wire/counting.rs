//! The figures. What changes them on purpose changes them here; what does not is a regression.
//!
//! Each test runs children and blocks meanwhile, so its limit is a long one.

use std::time::Duration;

use child::Child;
use db_test::{TestContext, db_test};

use crate::{
    TEMPLATE,
    app::{INSERT, OWN_ROUND_TRIPS},
    recording::{Recording, RoundTrip},
    relay::Relay,
};

/// What a test that takes a `Client` and makes three requests waits for, besides what its
/// application sends: the closing query.
const EXTRA_ROUND_TRIPS: usize = 1;

/// What it sends besides, whether it waits for the answers or not: that, and the query that opens
/// its transaction. Later savepoints are part of the request of the statement that they are for.
const EXTRA_REQUESTS: usize = 2;

/// Its lane's, and one that asks a server named by a URL which lanes are free: beside such a server
/// nothing is noted.
const CONNECTIONS_FOR_HEALTH: usize = 2;

/// How long the relay keeps an answer back, where the number of round trips does not matter.
const PATIENCE: Duration = Duration::from_millis(20);

/// How often a figure is taken again that is too high, each time with twice the patience. A client
/// that is slow to send its next request looks like one that has waited, and a lane that another
/// run has claimed costs a connection; what makes a figure too low is a better library.
const ATTEMPTS: u32 = 6;

#[db_test(timeout = "10m")]
async fn a_test_of_three_requests_waits_as_often_as_it_did(cx: TestContext) {
    let expected = OWN_ROUND_TRIPS + EXTRA_ROUND_TRIPS;
    let trips = |recording: &Recording| one_warm_test(recording).len();
    let recording = fewest(&cx, "observed::alike", expected, trips).await;
    let told = told(&one_warm_test(&recording));
    let waited = trips(&recording);
    assert_eq!(waited, expected, "round trips of one test:\n{told}");
}

#[db_test(timeout = "10m")]
async fn a_test_of_three_requests_sends_as_much_as_it_did(cx: TestContext) {
    let expected = OWN_ROUND_TRIPS + EXTRA_REQUESTS;
    let watched = one_warm_test(&watch(&cx, "observed::alike", PATIENCE).await);
    let requests: usize = watched.iter().map(|trip| trip.requests.len()).sum();
    let told = told(&watched);
    assert_eq!(requests, expected, "requests of one test:\n{told}");
}

#[db_test(timeout = "10m")]
async fn a_test_that_asks_nothing_on_its_connection_opens_and_closes_no_transaction(
    cx: TestContext,
) {
    let recording = watch(&cx, "observed::asks_nothing", PATIENCE).await;
    assert!(!recording.connections.is_empty(), "nothing was claimed");
    assert_eq!(recording.count("begin;"), 0, "{recording}");
    assert_eq!(recording.count("rollback"), 0, "{recording}");
}

/// Three tests have one lane: what the server has prepared for the first, it knows for the others,
/// whose connections to the proxy are new.
#[db_test(timeout = "10m")]
async fn what_is_the_same_for_the_tests_of_a_lane_is_asked_once(cx: TestContext) {
    let prepared = |recording: &Recording| recording.count(&format!("(prepare) {INSERT}"));
    // Until one run has had the lane to itself.
    let recording = fewest(&cx, "observed::alike", 1, prepared).await;
    assert_eq!(prepared(&recording), 1, "{recording}");
    assert_eq!(recording.count("begin;"), 3, "{recording}");
    assert!(recording.count("condeferrable") <= 1, "{recording}");
}

#[db_test(timeout = "10m")]
async fn a_test_that_takes_nothing_opens_no_connection(cx: TestContext) {
    let recording = watch(&cx, "observed::takes_nothing", PATIENCE).await;
    assert_eq!(recording.connections.len(), 0, "{recording}");
}

#[db_test(timeout = "10m")]
async fn a_test_that_takes_overrides_opens_no_connection(cx: TestContext) {
    let recording = watch(&cx, "observed::takes_overrides", PATIENCE).await;
    assert_eq!(recording.connections.len(), 0, "{recording}");
}

#[db_test(timeout = "10m")]
async fn a_client_whose_requests_touch_no_database_opens_as_few_connections_as_it_did(
    cx: TestContext,
) {
    let connections = |recording: &Recording| recording.connections.len();
    let filter = "observed::asks_only_for_health";
    let recording = fewest(&cx, filter, CONNECTIONS_FOR_HEALTH, connections).await;
    let opened = connections(&recording);
    assert_eq!(opened, CONNECTIONS_FOR_HEALTH, "{recording}");
}

/// Watches tests whose database is there, until a figure is as low as expected or it is hopeless.
async fn fewest(
    cx: &TestContext,
    filter: &str,
    expected: usize,
    figure: impl Fn(&Recording) -> usize,
) -> Recording {
    watch(cx, filter, PATIENCE).await;
    let mut recording = watch(cx, filter, PATIENCE).await;
    for attempt in 1..ATTEMPTS {
        if figure(&recording) > expected {
            recording = watch(cx, filter, PATIENCE * 2_u32.pow(attempt)).await;
        }
    }
    recording
}

/// Runs tests of this binary one after the other in a child, with a relay between it and the
/// server.
async fn watch(cx: &TestContext, filter: &str, patience: Duration) -> Recording {
    let server = cx.outside().await.expect("the test has a server");
    let relay = Relay::start(server, patience);
    let child = Child::matching(filter)
        .threads(1)
        .env("TEST_DB_URL", relay.url())
        .env(TEMPLATE, filter);
    child.run().assert_passed();
    relay.stop()
}

/// What is sent from the last insert but one to the last: as much as one whole test sends, whose
/// statements the connection knows already.
fn one_warm_test(recording: &Recording) -> Vec<RoundTrip> {
    let connections = recording.connections.iter();
    let lane = connections.max_by_key(|trips| inserts(trips).len());
    let lane = lane.unwrap_or_else(|| panic!("nothing was sent:\n{recording}"));
    match inserts(lane)[..] {
        [_, second, third] => lane[second..third].to_vec(),
        _ => panic!("three tests did not use one connection:\n{recording}"),
    }
}

fn inserts(trips: &[RoundTrip]) -> Vec<usize> {
    let all = trips.iter().enumerate();
    let inserts = all.filter(|(_, trip)| trip.requests.iter().any(|request| request == INSERT));
    inserts.map(|(position, _)| position).collect()
}

fn told(trips: &[RoundTrip]) -> String {
    let lines = trips.iter().enumerate();
    let lines = lines.map(|(number, trip)| format!("{:3} {trip}\n", number + 1));
    lines.collect()
}
