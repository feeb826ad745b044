//! What a conversation makes of what it hears.

use super::{Conversation, Deepening, Framing, deferral};

/// A conversation whose server has just begun to serve, and the two directions of it.
fn deepened(levels: usize) -> (Conversation, Framing) {
    let mut conversation = Conversation {
        deepening: Deepening::of(levels),
        ..Conversation::default()
    };
    let (mut client, mut server) = (Framing::of_a_client(), Framing::of_a_server());
    conversation.hear_client(&mut client, b"\0\0\0\x08\0\x03\0\0");
    let (hidden, answers) = conversation.hear_server(&mut server, b"Z\0\0\0\x05I");
    assert_eq!(hidden, 0);
    assert_eq!(answers.map_or(0, |bytes| bytes.len()), 17 * levels);
    (conversation, client)
}

#[test]
fn statements_that_have_been_answered_are_left_out_wherever_they_are_cut() {
    let answered = [deferral::message("BEGIN"), deferral::message("SAVEPOINT a")].concat();
    let asked = [&answered[..], &deferral::message("select 1")].concat();
    for piece in 1..=asked.len() {
        let (mut conversation, mut client) = deepened(2);
        let mut forwarded = Vec::new();
        for bytes in asked.chunks(piece) {
            let (first, left_out) = conversation.hear_client(&mut client, bytes);
            assert!(first.is_none());
            forwarded.extend_from_slice(&bytes[left_out..]);
        }
        assert_eq!(forwarded, asked[answered.len()..], "in pieces of {piece}");
    }
}

#[test]
fn the_transaction_is_opened_before_what_is_asked_first_and_the_client_hears_nothing_of_it() {
    let (mut conversation, mut client) = deepened(0);
    let mut server = Framing::of_a_server();
    server.read(b"Z\0\0\0\x05I", |_| false, |_, _, _| {});
    conversation.defer_opening(|_| "begin; select 1.5, false".to_owned());
    let asked = deferral::message("select 1");
    let (first, _) = conversation.hear_client(&mut client, &asked);
    assert_eq!(first, Some(deferral::message("begin; select 1.5, false")));
    let row = b"D\0\0\0\x12\0\x02\0\0\0\x031.5\0\0\0\x01f";
    let answer = [&row[..], b"Z\0\0\0\x05T", b"C\0\0\0\x0dSELECT 1\0"].concat();
    let (hidden, _) = conversation.hear_server(&mut server, &answer);
    assert_eq!(hidden, row.len() + 6);
    let opened = conversation.opened().expect("it is opened");
    assert_eq!((&*opened.moment, opened.deferrable), ("1.5", false));
    assert!(!conversation.need_not_open());
}

#[test]
fn why_a_server_ended_a_connection_is_known_even_if_something_was_asked() {
    let (mut conversation, mut client) = deepened(0);
    conversation.hear_client(&mut client, &deferral::message("select 1"));
    let mut server = Framing::of_a_server();
    let fields = b"SFATAL\0VFATAL\0C57P01\0Mit is over\0\0";
    let length = u32::try_from(fields.len() + 4)
        .expect("it is short")
        .to_be_bytes();
    let error = [&b"E"[..], &length, fields].concat();
    conversation.hear_server(&mut server, &error);
    let last_words = conversation.last_words().expect("it has said why");
    assert_eq!(
        (&*last_words.code, &*last_words.message),
        ("57P01", "it is over")
    );
}
