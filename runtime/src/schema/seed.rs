//! The functions of a session that decide what its templates contain.

use std::{
    any::TypeId,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::Arc,
};

use crate::BoxError;

type Seeding = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// A function that fills a new database through a pool.
#[derive(Clone)]
pub(crate) struct Seed<Pool> {
    run: Arc<dyn Fn(Pool) -> Seeding + Send + Sync>,
    pub(crate) code: Code,
}

impl<Pool> Seed<Pool> {
    pub(crate) fn new<F, Fut, E>(seed: F) -> Self
    where
        F: Fn(Pool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let run = move |pool| -> Seeding {
            let seeding = seed(pool);
            Box::pin(async { seeding.await.map_err(Into::into) })
        };
        Self {
            run: Arc::new(run),
            code: Code::of::<F>(),
        }
    }

    /// Runs it; a panic may also come before the future does.
    pub(crate) async fn run(&self, pool: Pool) -> Result<(), BoxError> {
        (self.run)(pool).await
    }
}

/// Distinguishes a function or closure from all others of this program.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    of: TypeId,
    /// Whether it is more than its code: a closure with captured values, a pointer. Those cannot be
    /// compared.
    has_values: bool,
    /// The session that it belongs to, if it has values.
    session: u64,
}

impl Code {
    pub(crate) fn of<F: 'static>() -> Self {
        Self {
            of: TypeId::of::<F>(),
            has_values: size_of::<F>() > 0,
            session: 0,
        }
    }

    /// Distinguishes its values from those of another session.
    pub(crate) fn belong_to(&mut self, session: u64) {
        if self.has_values {
            self.session = session;
        }
    }

    /// The same in each process of a program.
    pub(super) fn bytes(self) -> [u8; 8] {
        let mut hasher = DefaultHasher::new();
        (self.of, self.session).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }
}
