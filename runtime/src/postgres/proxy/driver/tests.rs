use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::UnixListener,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use sqlx::postgres::PgConnectOptions;

use super::{Driver, Readiness};
use crate::postgres::{proxy::api::Test, upstream::Upstream, waker};

const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const FAREWELL: &[u8] = b"E\0\0\0\x24SFATAL\0VFATAL\0C57P05\0Mtoo idle\0\0";
const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";
const QUERY: &[u8] = b"Q\0\0\0\x0dselect 1\0";

#[test]
fn a_server_that_cannot_be_written_to_any_more_is_heard_first() {
    let directory = std::env::temp_dir().join(format!("db-test-driver-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory can be made");
    let listener = UnixListener::bind(directory.join(".s.PGSQL.5432")).expect("it is free");
    let serving = thread::spawn(move || {
        let (mut server, _) = listener.accept().expect("somebody connects");
        let length = server.read(&mut [0; 1024]).expect("it says who it is");
        assert!(length > 0);
        server.write_all(GREETING).expect("it listens");
        server
    });
    let options = PgConnectOptions::new_without_pgpass()
        .socket(&directory)
        .port(5432);
    let upstream = Upstream::of(&options);
    let session = upstream.connect(&[]).expect("it is served");
    let mut server = serving.join().expect("it has served");
    fs::remove_dir_all(&directory).expect("it can be removed");
    let (waker, waiter) = waker::pair().expect("there are sockets");
    let waker = Arc::new(waker);
    let commands = mpsc::channel().1;
    let mut driver = Driver::new(
        session,
        upstream,
        String::new(),
        (Arc::clone(&waker), waiter),
        commands,
    )
    .expect("there are sockets");
    driver.engine.begin_test(Test {
        name: "it::a_test",
        settings: Vec::new(),
        faults: Arc::new(()),
    });
    let id = driver.engine.connect();
    driver.engine.client_bytes(id, STARTUP);
    driver.engine.client_bytes(id, QUERY);
    driver.engine.pump(Instant::now());
    driver.engine.client_output(id).clear();
    // After `poll`, before the write.
    server.write_all(FAREWELL).expect("it is open");
    // A child of another test may hold a copy of the socket for a moment, so it is not enough to
    // drop it.
    server.shutdown(Shutdown::Both).expect("it is open");

    driver.send_to_backend();

    assert!(driver.backend.is_lost());
    let answer = driver.engine.client_output(id);
    let answer = String::from_utf8_lossy(answer).into_owned();
    assert!(answer.contains("C57P05\0"), "{answer:?}");
    assert!(answer.contains("is lost: too idle"), "{answer:?}");

    // Its end would be reported again and again, and the thread would spin.
    waker.wake();
    let mut ready = Readiness::none();
    ready.wait(&mut driver, false).expect("it waits");
    assert!(ready.is_woken && ready.backend.is_empty());
}
