//! Finds an application that has the test's database, and writes to another one of its server.
//!
//! A request that writes, is answered with success and sends no statement to the test's database
//! may need none. So the server that a URL names is asked which other database the URL's role has
//! just used: at once, because the application's own pool may go away with the test.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Bypass, HELP, claims_to_write};
use crate::{
    executor,
    observe::{
        log,
        recording::{Recording, Shown, Statement},
        report::Wanted,
    },
    postgres::Startable,
};

/// How often a process asks: each time costs it a connection.
const QUESTIONS: u32 = 5;

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(1);

/// Looks at the answers of a test's application.
#[derive(Clone)]
pub(crate) struct Lookout {
    pub(crate) session: Startable,
    pub(crate) bypass: Arc<Bypass>,
}

impl Lookout {
    /// Looks for what the application wrote elsewhere to answer a [suspicious] request.
    pub(crate) async fn look(
        self,
        test: &'static str,
        request: String,
        (from, to): (Instant, Instant),
    ) {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let Some(active) = self.session.started().filter(|active| active.has_schema()) else {
            return;
        };
        if active.lanes().server().is_private() || ASKED.load(Ordering::Relaxed) >= QUESTIONS {
            return;
        }
        ASKED.fetch_add(1, Ordering::Relaxed);
        let ask = executor::shared(async move {
            let server = active.lanes().server();
            server.used_elsewhere(from, to).await
        });
        let Some(Some(found)) = executor::within(LIMIT, ask).await else {
            return;
        };
        ASKED.store(QUESTIONS, Ordering::Relaxed);
        let ran = found
            .sql
            .filter(|_| Wanted::by_environment() != Wanted::Nothing);
        let ran = ran.map_or_else(
            || "a statement".to_owned(),
            |sql| format!("`{}`", Shown::of(&Statement::new(sql.into())).sql),
        );
        let found = format!(
            "{request} was answered without a statement in the test's database, while {ran} ran in the database `{}`",
            found.database
        );
        log::notice(format_args!("{test}: {found}; {HELP}"));
        self.bypass.elsewhere.set(found).ok();
    }
}

/// A request that claims to have written, and has sent no query.
pub(crate) fn suspicious(recording: &Recording, number: usize) -> Option<String> {
    let mut log = recording.log();
    let queries = log.queries_of_exchanges.get(number)? + log.unclear_of_exchanges.get(number)?;
    let exchange = log.exchanges.get_mut(number)?;
    (queries == 0 && claims_to_write(exchange))
        .then(|| format!("{} {}", exchange.method, exchange.target))
}
