//! The trace of a test: its HTTP exchanges in order, and under each the statements that it caused.

use std::{collections::HashMap, fmt::Write, time::Duration};

use super::detail::Detail;
use crate::observe::{
    masking::masked,
    recording::{Caller, Exchange, Log, Shown, Statement},
};

/// How many of the last exchanges a short report shows.
const EXCHANGES: usize = 3;

/// How many statements of one caller a short report shows.
const STATEMENTS: usize = 10;

/// From this count on, a statement repeated in one exchange is marked as a possible N+1 query.
const REPEATED: usize = 4;

/// How much of a body a short report shows, in characters.
const BODY: usize = 300;

/// The trace of a test; `None` when nothing happened.
pub(crate) fn trace(log: &Log, detail: Detail, width: usize) -> Option<String> {
    if log.exchanges.count() == 0 && log.statements.count() == 0 {
        return None;
    }
    let mut writer = Writer {
        log,
        detail,
        width,
        text: String::new(),
    };
    writer.write();
    Some(writer.text)
}

struct Writer<'a> {
    log: &'a Log,
    detail: Detail,
    width: usize,
    text: String,
}

impl Writer<'_> {
    fn write(&mut self) {
        let forgotten = self.log.exchanges.forgotten();
        let hidden = match self.detail {
            Detail::Short => forgotten.max(self.log.exchanges.count().saturating_sub(EXCHANGES)),
            Detail::Full => forgotten,
        };
        if hidden > 0 {
            self.line(
                0,
                format_args!("… {hidden} earlier requests{}", self.how_to_see_more()),
            );
        }
        let forgotten = self.log.statements.forgotten();
        if forgotten > 0 {
            self.line(
                0,
                format_args!("… {forgotten} earlier statements are no longer recorded"),
            );
        }
        let mut written = 0;
        for (number, exchange) in self.log.exchanges.numbered() {
            let before = exchange.after_statements.max(written);
            if number >= hidden {
                self.test(written, before);
                self.exchange(number, exchange);
            }
            written = before;
        }
        self.test(written, self.log.statements.count());
    }

    fn how_to_see_more(&self) -> &'static str {
        match self.detail {
            Detail::Short => " (DB_TEST_REPORT=full)",
            Detail::Full => ", no longer recorded",
        }
    }

    /// What the test itself sent in a stretch of the log.
    fn test(&mut self, from: usize, to: usize) {
        let stretch = self.log.statements.between(from, to);
        let is_own =
            |statement: &&Statement| matches!(statement.caller, Caller::Test | Caller::Task(None));
        let of_no_request = stretch.filter(|statement| statement.caller.exchange().is_none());
        let (own, unclear): (Vec<_>, Vec<_>) = of_no_request.partition(is_own);
        if !own.is_empty() {
            self.line(0, format_args!("the test itself"));
            self.statements(&own, false);
        }
        if !unclear.is_empty() {
            self.line(
                0,
                format_args!("one of several requests, on the application's own connections"),
            );
            self.statements(&unclear, false);
        }
    }

    fn exchange(&mut self, number: usize, exchange: &Exchange) {
        let Exchange { method, target, .. } = exchange;
        let (target, took) = (masked(target), shown(exchange.took));
        match exchange.status {
            Some(status) => {
                self.line(
                    0,
                    format_args!("{method} {target} → {} in {took}", status.as_u16()),
                );
            }
            None => self.line(
                0,
                format_args!("{method} {target} → no response after {took}"),
            ),
        }
        let caused: Vec<_> = self.log.sent_by(Caller::Exchange(number)).collect();
        self.statements(&caused, true);
        let later: Vec<_> = self.log.sent_by(Caller::Task(Some(number))).collect();
        if !later.is_empty() {
            self.line(2, format_args!("a task, after this request had begun"));
            self.statements(&later, true);
        }
        if !exchange.body.is_empty() {
            let body = String::from_utf8_lossy(&exchange.body);
            let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
            let limit = match self.detail {
                Detail::Short => BODY,
                Detail::Full => usize::MAX,
            };
            self.line(2, format_args!("response: {}", cut(&masked(&body), limit)));
        }
    }

    /// Writes the statements of one caller; of a handler's, repetitions are marked.
    fn statements(&mut self, statements: &[&Statement], of_handler: bool) {
        let mut counts = HashMap::<_, usize>::new();
        for statement in statements {
            let key = (statement.database, statement.sql());
            *counts.entry(key).or_default() += 1;
        }
        let short = self.detail == Detail::Short;
        let mut written = HashMap::<_, usize>::new();
        let mut lines = 0;
        for statement in statements {
            let key = (statement.database, statement.sql());
            let count = counts.get(&key).copied().unwrap_or_default();
            let is_repeated =
                of_handler && count >= REPEATED && !statement.is_transaction_control();
            let seen = written.entry(key).or_default();
            *seen += 1;
            if short && is_repeated && *seen > 1 && !statement.is_unusual() {
                continue;
            }
            lines += 1;
            if short && lines > STATEMENTS && !statement.is_unusual() {
                continue;
            }
            self.statement(statement);
            if is_repeated && *seen == 1 {
                self.line(
                    4,
                    format_args!("{count} times in this request: an N+1 query?"),
                );
            }
        }
        if short && lines > STATEMENTS {
            self.line(2, format_args!("… {} more statements", lines - STATEMENTS));
        }
    }

    fn statement(&mut self, statement: &Statement) {
        let Shown {
            sql,
            parameters,
            error,
            detail,
        } = Shown::of(statement);
        if statement.is_transaction_control() && !statement.is_unusual() {
            self.line(2, format_args!("{sql}"));
        } else {
            let outcome = outcome(statement);
            let room = match self.detail {
                Detail::Short => self.width.saturating_sub(outcome.chars().count() + 4),
                Detail::Full => usize::MAX,
            };
            self.line(2, format_args!("{}  {outcome}", cut(&sql, room.max(40))));
        }
        let parameters: Vec<_> = (1..)
            .zip(parameters)
            .map(|(number, value)| format!("${number} = {value}"))
            .collect();
        if !parameters.is_empty() {
            let room = match self.detail {
                Detail::Short => self.width.saturating_sub(4),
                Detail::Full => usize::MAX,
            };
            self.line(4, format_args!("{}", cut(&parameters.join(", "), room)));
        }
        if let Some(error) = error {
            self.line(4, format_args!("error {error}"));
        }
        if let Some(detail) = detail {
            self.line(4, format_args!("detail: {detail}"));
        }
    }

    fn line(&mut self, indent: usize, text: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{:indent$}{text}", "").ok();
    }
}

fn outcome(statement: &Statement) -> String {
    let took = shown(statement.took);
    match (&statement.error, statement.rows) {
        _ if statement.is_unanswered => format!("(no answer after {took})"),
        (Some(_), _) => format!("(failed after {took})"),
        (None, Some(1)) => format!("(1 row, {took})"),
        (None, Some(rows)) => format!("({rows} rows, {took})"),
        (None, None) => format!("({took})"),
    }
}

fn shown(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

/// The text, or its beginning with a mark that there is more.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(limit.saturating_sub(1)).collect();
    shown.push('…');
    shown
}
