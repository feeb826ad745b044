//! Whether something happens on a test's connections.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often it is checked whether a thread has looked.
const INTERVAL: Duration = Duration::from_micros(50);

/// How long that is waited for.
const LIMIT: Duration = Duration::from_secs(1);

/// What the proxy says of its clients as it goes on.
#[derive(Default)]
pub(crate) struct Pulse {
    of_test: Arc<OfTest>,
    is_busy: AtomicBool,
}

/// The same of all databases of a test.
#[derive(Default)]
struct OfTest {
    count: AtomicU64,
    /// How many of them owe an answer.
    busy: AtomicU32,
    probes: Mutex<Vec<Weak<Probe>>>,
}

/// Has the thread that serves connections look at all of them, however late it gets the processor.
pub(crate) struct Probe {
    wake: Box<dyn Fn() + Send + Sync>,
    requested: AtomicU64,
    answered: AtomicU64,
}

/// Somebody waits for an answer.
pub(crate) struct Waiting(Arc<OfTest>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Probe {
    /// The number of a request that is not answered yet. Whoever has it looks at all connections,
    /// and answers with it.
    pub(crate) fn requested(&self) -> Option<u64> {
        let number = self.requested.load(Ordering::Acquire);
        (!self.is_answered(number)).then_some(number)
    }

    pub(crate) fn answer(&self, requested: u64) {
        self.answered.store(requested, Ordering::Release);
    }

    fn request(&self) -> u64 {
        let number = self.requested.fetch_add(1, Ordering::AcqRel) + 1;
        (self.wake)();
        number
    }

    fn is_answered(&self, number: u64) -> bool {
        self.answered.load(Ordering::Acquire) >= number
    }
}

impl Pulse {
    /// That of another database of the same test.
    pub(super) fn another(&self) -> Self {
        Self {
            of_test: Arc::clone(&self.of_test),
            is_busy: AtomicBool::new(false),
        }
    }

    /// Adds what [`probe`](Self::probe) waits for until it is dropped.
    pub(crate) fn add_probe(&self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Probe> {
        let probe = Arc::new(Probe {
            wake: Box::new(wake),
            requested: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        self.probes().push(Arc::downgrade(&probe));
        probe
    }

    /// Blocks until what has arrived on the test's connections is read, and counted; says whether
    /// that was soon enough.
    pub(crate) fn probe(&self) -> bool {
        let probes: Vec<_> = self.probes().iter().filter_map(Weak::upgrade).collect();
        let requests: Vec<_> = probes
            .into_iter()
            .map(|probe| (probe.request(), Arc::downgrade(&probe)))
            .collect();
        let since = Instant::now();
        requests.into_iter().all(|(number, probe)| {
            // A probe that is gone belonged to connections that have ended.
            while probe
                .upgrade()
                .is_some_and(|probe| !probe.is_answered(number))
            {
                if since.elapsed() > LIMIT {
                    return false;
                }
                thread::sleep(INTERVAL);
            }
            true
        })
    }

    fn probes(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Probe>>> {
        let probes = self.of_test.probes.lock();
        probes.unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was received or sent; says whether an answer is still owed.
    pub(crate) fn beat(&self, is_busy: bool) {
        match (self.is_busy.swap(is_busy, Ordering::AcqRel), is_busy) {
            (false, true) => drop(self.of_test.busy.fetch_add(1, Ordering::AcqRel)),
            (true, false) => drop(self.of_test.busy.fetch_sub(1, Ordering::AcqRel)),
            _ => {}
        }
        self.of_test.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Somebody waits for an answer until this is dropped.
    pub(crate) fn waiting(&self) -> Waiting {
        self.of_test.busy.fetch_add(1, Ordering::AcqRel);
        Waiting(Arc::clone(&self.of_test))
    }

    /// How often something has happened.
    pub(crate) fn count(&self) -> u64 {
        self.of_test.count.load(Ordering::Acquire)
    }

    /// Whether an answer is owed in this database.
    pub(crate) fn is_busy_itself(&self) -> bool {
        self.is_busy.load(Ordering::Acquire)
    }

    /// Whether an answer is owed in any database of the test.
    pub(crate) fn is_busy(&self) -> bool {
        self.of_test.busy.load(Ordering::Acquire) > 0
    }
}
