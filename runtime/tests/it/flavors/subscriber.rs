//! A subscriber that is the default of the test's thread.

use std::sync::{Arc, Mutex};

use axum::{Router, routing::get};
use db_test::{Client, Session, TestContext, db_test};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// Remembers the targets of this file's events.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<&'static str>>>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("subscriber::")
    }

    fn event(&self, event: &Event<'_>) {
        let mut seen = self.0.lock().expect("nobody panics with it");
        seen.push(event.metadata().target());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn handler() {
    tracing::info!(target: "subscriber::handler", "answering");
    let task = async { tracing::info!(target: "subscriber::handlers_task", "working") };
    tokio::spawn(task).await.expect("it does not panic");
}

fn logging() -> Session {
    Session::postgres().app(|_: TestContext| Router::new().route("/", get(handler)))
}

#[db_test(session = logging, flavor = "current_thread")]
async fn a_default_subscriber_sees_every_task_of_its_test(client: Client) {
    let collector = Collector::default();
    let _default = tracing::subscriber::set_default(collector.clone());
    let task = async { tracing::info!(target: "subscriber::task", "working") };
    tokio::spawn(task).await.expect("it does not panic");
    client.get("/").await.assert_status_ok();
    let seen = collector.0.lock().expect("nobody panics with it").clone();
    let all = [
        "subscriber::task",
        "subscriber::handler",
        "subscriber::handlers_task",
    ];
    assert_eq!(seen, all);
}
