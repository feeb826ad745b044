//! Rows that are copied in.

use std::sync::Arc;

use super::stage::stage_with;
use crate::postgres::proxy::protocol::{command_complete, message, ready};

/// A message of 1 GB goes on while it comes: neither the engine nor the backend waits for its end.
#[test]
fn a_long_message_of_rows_is_passed_on_in_pieces() {
    const LENGTH: usize = 4 * 1024 * 1024;
    const PART: usize = 64 * 1024;
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        let mut out = Vec::new();
        match kind {
            b'Q' if sql.starts_with("copy") => message(&mut out, b'G', |out| out.extend([0; 3])),
            b'c' => {
                command_complete(&mut out, "COPY 1");
                ready(&mut out, b'T');
            }
            _ => return None,
        }
        Some(out)
    });
    let id = stage.connect();
    assert_eq!(stage.ask(id, "copy a from stdin"), ["G"]);
    let mut bytes = Vec::new();
    message(&mut bytes, b'd', |out| out.resize(LENGTH, b'x'));
    message(&mut bytes, b'c', |_| {});
    let (mut given, mut passed, mut most) = (0, 0, 0);
    for part in bytes.chunks(PART) {
        given += part.len();
        stage.engine.client_bytes(id, part);
        stage.engine.pump(stage.now);
        passed += stage.engine.backend_output().len();
        most = most.max(given.saturating_sub(passed));
        stage.settle();
    }
    assert!(most < 2 * PART, "{most} bytes were kept back");
    assert_eq!(stage.received(id), ["C COPY 1", "Z I"]);
    let rows = stage.log.iter().filter(|line| line.starts_with('d'));
    assert!(rows.count() > LENGTH / PART / 2, "it was not cut");
}
