//! The variable `DB_TEST_KEEP`.

use std::{
    env,
    fmt::Write,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::kept_databases::{self, Kept};
use crate::{observe::log, postgres::server::Server};

const VARIABLE: &str = "DB_TEST_KEEP";

/// The value of the variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Request {
    Nothing,
    /// Keep the databases of failed tests.
    Failed,
    /// Keep the databases of all tests.
    All,
    /// Print what is kept, then run tests as usual.
    List,
    /// Drop what is kept, then run tests as usual.
    Drop,
}

impl Request {
    fn parse(value: &str) -> Option<Self> {
        Some(match value.trim() {
            "" => Self::Nothing,
            "failed" => Self::Failed,
            "all" => Self::All,
            "list" => Self::List,
            "drop" => Self::Drop,
            _ => return None,
        })
    }
}

/// Reads the variable once; reports an unknown value.
pub(super) fn request() -> Request {
    static REQUEST: LazyLock<Request> = LazyLock::new(|| {
        let value = env::var_os(VARIABLE).unwrap_or_default();
        let value = value.to_string_lossy();
        Request::parse(&value).unwrap_or_else(|| {
            log::notice(format_args!(
                "{VARIABLE}=`{value}` is unknown, so nothing is kept: use failed, all, list or drop"
            ));
            Request::Nothing
        })
    });
    *REQUEST
}

/// Lists or drops what is kept on a server, once in a process, if the variable says so.
pub(crate) async fn run_request(server: &Server) {
    static DONE: AtomicBool = AtomicBool::new(false);
    let request = request();
    if !matches!(request, Request::List | Request::Drop) || DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let done = match request {
        Request::Drop => kept_databases::clear(server)
            .await
            .map(|left| listing(&left, server, "dropped all that was kept")),
        _ => kept_databases::list(server)
            .await
            .map(|kept| listing(&kept, server, "nothing is kept")),
    };
    log::notice(done.unwrap_or_else(|problem| format!("{VARIABLE}: {problem}")));
}

/// The list, the newest first; `none` is said instead of an empty one.
fn listing(kept: &[Kept], server: &Server, none: &str) -> String {
    if kept.is_empty() {
        return format!("{none} on {server}");
    }
    let mut text = format!("kept on {server}:");
    for Kept {
        database,
        test,
        age,
        problem,
    } in kept
    {
        write!(text, "\n  {test}, {}", in_words(*age)).ok();
        if let Some(problem) = problem {
            write!(text, ", not dropped: {problem}").ok();
        }
        write!(text, "\n    {}", server.psql(database.as_str())).ok();
    }
    write!(text, "\n{}", server.about_kept()).ok();
    text
}

fn in_words(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, in_words};

    #[test]
    fn only_the_documented_values_are_known() {
        for (value, request) in [
            ("", Some(Request::Nothing)),
            ("failed", Some(Request::Failed)),
            ("all", Some(Request::All)),
            ("list", Some(Request::List)),
            (" drop ", Some(Request::Drop)),
            ("1", None),
        ] {
            assert_eq!(Request::parse(value), request, "{value}");
        }
    }

    #[test]
    fn an_age_is_in_its_largest_unit() {
        let words = [5, 61, 7300, 200_000].map(in_words);
        assert_eq!(words, ["just now", "1 min ago", "2 h ago", "2 days ago"]);
    }
}
