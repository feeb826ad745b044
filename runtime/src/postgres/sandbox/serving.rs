//! Taking a lane for a test, and giving it back.

use std::{
    io::{Read, Write},
    pin::pin,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use tokio::time::timeout;

use super::{Core, State, activity};
use crate::{
    Error,
    database::{
        Ending,
        keeping::{Keeping, Verdict},
    },
    postgres::{
        Listener,
        cause::Cause,
        error_response,
        lane::{Lane, Terminate},
        proxy::{End, Ended, How, Proof, Test},
        sqlstate,
    },
};

/// How long the end of a test waits for a statement of a task that outlives it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same for a test that ran out of time: that statement is likely what took so long.
const NO_PATIENCE: Duration = Duration::from_millis(50);

/// How long a client that is refused may take to introduce itself.
const INTRODUCTION_LIMIT: Duration = Duration::from_secs(5);

/// How long the server may take to end the test's transaction.
const END_LIMIT: Duration = Duration::from_secs(10);

impl Core {
    /// Takes a lane from the session, whose proxy serves the test from now on.
    pub(super) async fn take(&self) -> Result<(), Error> {
        let _lap = self.taking.start();
        let lane = self.take_lane().await;
        let mut state = self.state();
        let State::NotTaken(listener) = std::mem::replace(&mut *state, State::GivenBack) else {
            return Err(Error::from(Cause::TestEnded));
        };
        match lane {
            Ok(lane) => {
                let watch = self.watch.clone();
                lane.proxy.begin(Test { listener, watch });
                *state = State::Serving(lane);
                drop(state);
                if let Some(pool) = self.pool.get() {
                    pool.set_connect_options(self.options());
                }
                Ok(())
            }
            Err(error) => {
                if self.is_invited.load(Ordering::Acquire) {
                    refuse(listener, &error);
                }
                Err(error)
            }
        }
    }

    /// Takes a lane that nobody uses, if this process has one; says whether it did.
    pub(super) fn take_warm(&self) -> bool {
        let Some(active) = self.session.started() else {
            return false;
        };
        let Some(lane) = active.lanes().take_warm() else {
            return false;
        };
        let mut state = self.state();
        // Another thread may be taking a lane, too.
        if self.taken.set(Ok(())).is_err() {
            active.lanes().give_back(lane);
            return false;
        }
        if let State::NotTaken(listener) = std::mem::replace(&mut *state, State::GivenBack) {
            let watch = self.watch.clone();
            lane.proxy.begin(Test { listener, watch });
            *state = State::Serving(lane);
        }
        true
    }

    async fn take_lane(&self) -> Result<Lane, Error> {
        self.session.get().await?.lanes().take().await
    }

    /// Ends the test on its lane, which is used again only if it is proved to be as it was.
    pub(super) async fn end(&self, lane: Lane, verdict: Verdict, keeping: &Keeping) -> Ending {
        let Ok(active) = self.session.get().await else {
            return Ending::Untouched;
        };
        let keeps = keeping.is_due(verdict) && Self::can_keep(&active, &lane.id, keeping);
        let how = if keeps { How::Commit } else { How::RollBack };
        let patience = if verdict.timed_out {
            NO_PATIENCE
        } else {
            PATIENCE
        };
        let mut activity = None;
        let ended = {
            let script = lane.id.restore.sql();
            let mut ending = pin!(lane.proxy.end(End { how, script }));
            if let Ok(ended) = timeout(patience, &mut ending).await {
                Some(ended)
            } else {
                activity = activity::of(active.lanes().server(), lane.id.backend).await;
                lane.proxy.interrupt();
                timeout(END_LIMIT, ending).await.ok()
            }
        };
        let Some(Ended { proof }) = ended else {
            keeping.nothing_to_keep(verdict, "its transaction ended with its connection");
            active.lanes().discard(lane.id, Terminate::OwnConnection);
            return Ending::ConnectionGone { activity };
        };
        match proof {
            Proof::Proved | Proof::NotOpened if keeps => {
                self.set_aside(&active, lane, activity, keeping).await
            }
            Proof::Proved | Proof::NotOpened => {
                active.lanes().give_back(lane);
                Ending::RolledBack { activity }
            }
            Proof::Violated(why) => {
                keeping.not_kept(format_args!(
                    "what the test wrote could not be committed: {why}"
                ));
                active.lanes().discard(lane.id, Terminate::OwnConnection);
                Ending::RolledBack { activity }
            }
            Proof::Escaped => {
                if keeping.is_requested() {
                    self.set_aside(&active, lane, activity, keeping).await;
                } else {
                    active.lanes().discard(lane.id, Terminate::OwnConnection);
                }
                Ending::Escaped
            }
            Proof::ClaimLost => {
                active.lanes().discard(lane.id, Terminate::OwnConnection);
                Ending::ClaimLost
            }
            Proof::Broken(why) => {
                keeping.nothing_to_keep(verdict, "its transaction ended with its connection");
                active.lanes().discard(lane.id, Terminate::OwnConnection);
                Ending::ConnectionGone {
                    activity: Some(format!("its connection broke: {why}")),
                }
            }
        }
    }
}

/// Answers each connection with the reason why there is no database, until the process ends or no
/// test holds the listener.
fn refuse(listener: Listener, error: &Error) {
    let message = error_response(sqlstate::SERVER_REJECTED, &format!("db-test: {error}"));
    let refusing = move || {
        while let Ok(arrival) = listener.wait() {
            let mut client = arrival.socket;
            client.set_timeout(Some(INTRODUCTION_LIMIT)).ok();
            // Its first message is of no interest, but one that is not read takes the answer with
            // it.
            if arrival.sent.is_empty() {
                let _ = client.read(&mut [0; 4096]);
            }
            client.write_all(&message).ok();
        }
    };
    let thread = thread::Builder::new().name("db-test-refusal".to_owned());
    thread.spawn(refusing).ok();
}
