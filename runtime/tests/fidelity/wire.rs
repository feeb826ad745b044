//! Random programs on three connections, message by message and in both protocols: what the server
//! answers is compared, with tags, errors and the state of the transaction.

mod bytes;
mod choice;
mod client;
mod pipelines;
mod program;

use std::cell::RefCell;

use db_test::db_test;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sqlx::postgres::PgConnectOptions;

use self::{
    choice::program,
    client::Client,
    program::{Message, Step},
};

/// Programs of a run; `FIDELITY_PROGRAMS` asks for more.
const PROGRAMS: u32 = 60;

thread_local! {
    static PROGRAM: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What is left in the end.
const CONTENT: &str = "select name || price from items order by name; select item from parts; \
    select place from ranks order by place";

/// Runs the program of this thread, and leaves what was heard.
fn run(options: &PgConnectOptions) {
    let mut clients: [Client; 3] = std::array::from_fn(|number| Client::connect(options, number));
    let mut heard = Vec::new();
    for Step {
        connection,
        asked,
        ending,
    } in PROGRAM.take()
    {
        let client = &mut clients[connection];
        for message in asked {
            let answer = client.ask(&message);
            heard.push(format!("{connection}: {message:?}\n    {answer}"));
        }
        if let Some(ending) = ending {
            let answer = client.end(&ending);
            heard.push(format!("{connection}: {ending:?}"));
            // In the middle of a COPY, the server's error is about its connection.
            if !ending.is_within_copy() {
                heard.push(answer);
            }
            *client = Client::connect(options, connection);
        }
        // One transaction after the other: what several at once see of each other differs.
        if client.status() != b'I' {
            heard.push(format!("{connection}: {}", client.ask(&simple("rollback"))));
        }
    }
    heard.push(clients[0].ask(&simple(CONTENT)));
    HEARD.set(heard);
}

fn simple(sql: &str) -> Message {
    Message::Simple(vec![sql.to_owned()])
}

#[allow(unnameable_test_items, reason = "they are called, not collected")]
fn both(steps: &[Step]) -> Result<(), TestCaseError> {
    #[db_test(isolation = "database")]
    async fn production(options: PgConnectOptions) {
        run(&options);
    }

    #[db_test]
    async fn sandbox(options: PgConnectOptions) {
        run(&options);
    }

    PROGRAM.set(steps.to_vec());
    production();
    let expected = HEARD.take();
    PROGRAM.set(steps.to_vec());
    sandbox();
    let alike = |heard: Vec<String>| heard.iter().map(|line| alike(line)).collect::<Vec<_>>();
    let (seen, expected) = (alike(HEARD.take()), alike(expected));
    let same = seen.iter().zip(&expected).take_while(|(a, b)| a == b);
    let same = same.count();
    prop_assert_eq!(
        &seen[same..],
        &expected[same..],
        "the sandbox is on the left, after\n{}",
        seen[..same].join("\n")
    );
    Ok(())
}

/// In a failed transaction the grammar is not looked at first: see the second table of
/// docs/fidelity.md.
fn alike(line: &str) -> String {
    let refused = ["E42601<", "E25P02<"];
    let mut parts = line.split_inclusive("> ");
    let mut shown = String::new();
    for part in &mut parts {
        // A warning about the server's own bookkeeping.
        if let Some(at) = part.find("N01000<skipping") {
            shown.push_str(&part[..at]);
            continue;
        }
        match refused.iter().find_map(|start| part.find(start)) {
            Some(at) => shown.extend([&part[..at], "E25P02 "]),
            None => shown.push_str(part),
        }
    }
    shown
}

#[test]
fn random_messages_are_answered_as_by_a_plain_server() {
    let asked = std::env::var("FIDELITY_PROGRAMS").ok();
    let config = Config {
        cases: asked.and_then(|text| text.parse().ok()).unwrap_or(PROGRAMS),
        failure_persistence: None,
        max_shrink_iters: 1000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    // The same programs in every run; another number of them begins with these.
    let seed = std::env::var("FIDELITY_SEED").ok();
    let seed = seed.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let bytes: Vec<u8> = seed.to_be_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    if let Err(failure) = runner.run(&program(), |steps| both(&steps)) {
        panic!("with FIDELITY_SEED={seed}: {failure}");
    }
}
