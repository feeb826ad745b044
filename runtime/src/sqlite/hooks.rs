//! SQLite's own hooks, which report connections, statements and errors. sqlx offers none of them.
#![expect(
    unsafe_code,
    reason = "the hooks are functions of C; nothing but numbers outlives a call"
)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Once,
};

use libsqlite3_sys as ffi;

use super::{
    parameters,
    traced::{self, Opening},
};
use crate::observe::recording::Parameter;

/// The events of a connection that SQLite reports.
const EVENTS: c_uint = ffi::SQLITE_TRACE_STMT
    | ffi::SQLITE_TRACE_PROFILE
    | ffi::SQLITE_TRACE_ROW
    | ffi::SQLITE_TRACE_CLOSE;

/// Makes SQLite report each connection that the process opens, and what it logs.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log: unsafe extern "C" fn(*mut c_void, c_int, *const c_char) = on_log;
        // SAFETY: the arguments are what the documentation requires. The first call is refused if
        // the process uses SQLite already; then errors are not recorded.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOG, log, ptr::null_mut::<c_void>());
            ffi::sqlite3_auto_extension(Some(on_open));
        }
    });
}

/// Whether a text ends where a statement does, which a semicolon inside of a trigger does not.
pub(super) fn is_complete(sql: &str) -> bool {
    // SAFETY: it reads a string.
    CString::new(sql).is_ok_and(|sql| unsafe { ffi::sqlite3_complete(sql.as_ptr()) } != 0)
}

unsafe extern "C" fn on_open(
    db: *mut ffi::sqlite3,
    message: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: `db` is the connection that is being opened; the name is valid until it is closed.
    let name = unsafe { text(ffi::sqlite3_db_filename(db, c"main".as_ptr())) };
    match guarded(|| traced::opened(&name.unwrap_or_default())) {
        Some(Opening::Recorded(number)) => {
            // SAFETY: the context is a number and is never read through.
            unsafe {
                ffi::sqlite3_trace_v2(
                    db,
                    EVENTS,
                    Some(on_event),
                    ptr::without_provenance_mut(number),
                );
            }
            ffi::SQLITE_OK
        }
        Some(Opening::Refused(why)) => {
            if let Ok(why) = CString::new(why) {
                // SAFETY: SQLite frees the message, which must be allocated by SQLite.
                unsafe { *message = ffi::sqlite3_mprintf(c"%s".as_ptr(), why.as_ptr()) };
            }
            ffi::SQLITE_CANTOPEN
        }
        None => ffi::SQLITE_OK,
    }
}

unsafe extern "C" fn on_event(
    event: c_uint,
    context: *mut c_void,
    subject: *mut c_void,
    more: *mut c_void,
) -> c_int {
    let number = context.addr();
    if event == ffi::SQLITE_TRACE_CLOSE {
        guarded(|| {
            traced::closed(number);
            None::<()>
        });
        return 0;
    }
    let statement: *mut ffi::sqlite3_stmt = subject.cast();
    guarded(|| {
        let connection = traced::connection(number)?;
        match event {
            ffi::SQLITE_TRACE_STMT => {
                // SAFETY: for these events `subject` is the statement. Its text lives as long as it
                // does.
                let (sent, sql) = unsafe {
                    let sent = ffi::sqlite3_sql(statement);
                    (sent, text(sent)?)
                };
                // For what triggers and extensions do, SQLite gives a comment instead of the text.
                if ptr::eq(sent, more.cast()) {
                    // SAFETY: as above.
                    let parameters = unsafe { bound(statement, &sql) };
                    connection.started(subject.addr(), &sql, parameters);
                }
            }
            ffi::SQLITE_TRACE_ROW => connection.row(subject.addr()),
            // SAFETY: as above.
            _ => connection.ended(subject.addr(), unsafe { changes(statement) }),
        }
        Some(())
    });
    0
}

unsafe extern "C" fn on_log(_context: *mut c_void, code: c_int, message: *const c_char) {
    guarded(|| {
        // SAFETY: SQLite gives a string.
        let message = unsafe { text(message) }?;
        traced::logged(code, &message);
        Some(())
    });
}

/// The values of a statement's parameters, if it has any.
///
/// # Safety
///
/// The statement must be one that is about to run.
unsafe fn bound(statement: *mut ffi::sqlite3_stmt, sent: &str) -> Vec<Parameter> {
    // SAFETY: by the caller; the expanded text is ours to free.
    let expanded = unsafe {
        if ffi::sqlite3_bind_parameter_count(statement) == 0 {
            return Vec::new();
        }
        let expanded = ffi::sqlite3_expanded_sql(statement);
        let copied = text(expanded);
        ffi::sqlite3_free(expanded.cast());
        copied
    };
    expanded
        .and_then(|expanded| parameters::parameters(sent, &expanded))
        .unwrap_or_default()
}

/// How many rows a statement has changed, if it is one that changes rows.
///
/// # Safety
///
/// The statement must be one that has just ended.
unsafe fn changes(statement: *mut ffi::sqlite3_stmt) -> Option<u64> {
    // SAFETY: by the caller.
    let (sql, is_reading) = unsafe {
        (
            text(ffi::sqlite3_sql(statement))?,
            ffi::sqlite3_stmt_readonly(statement) != 0,
        )
    };
    let first = sql.split_whitespace().next().unwrap_or_default();
    let changes_rows = ["insert", "update", "delete", "replace", "with"];
    if is_reading
        || !changes_rows
            .iter()
            .any(|word| word.eq_ignore_ascii_case(first))
    {
        return None;
    }
    // SAFETY: by the caller.
    let changes = unsafe { ffi::sqlite3_changes(ffi::sqlite3_db_handle(statement)) };
    u64::try_from(changes).ok()
}

/// # Safety
///
/// The text must be null or a string that nothing changes meanwhile.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// A panic must not go on into C.
fn guarded<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}
