//! Finding a lane that nobody uses, and cloning the template where there is none.

use std::sync::Arc;

use sqlx::Connection;

use super::{Lanes, claim, failure::Failure, hint::Hint};
use crate::{
    Error, executor,
    postgres::{
        cause::Cause,
        database::{DatabaseName, Fate, Mark, survey},
        sqlstate::{self, is},
        template::{LaneSource, clean_up},
    },
};

impl Lanes {
    /// Finds a lane to claim, or clones one; none if that is to be tried again.
    pub(super) async fn find_or_clone(&self) -> Result<Option<Candidate<'_>>, Failure> {
        self.take_hint();
        if let Some(known) = self.reserve_known() {
            return Ok(Some(known));
        }
        self.survey().await?;
        if let Some(known) = self.reserve_known() {
            return Ok(Some(known));
        }
        if self.template.ensure().await? == LaneSource::Shared {
            return Ok(None);
        }
        let database = self.template.database().new_lane();
        let candidate = self.reserve(database);
        let cloning =
            claim::clone_template(&self.server, self.template.database(), &candidate.database);
        match cloning.await {
            Ok(()) => Ok(Some(candidate)),
            // Another process has removed it as stale, or was killed while it did.
            Err(Cause::Statement { error, .. })
                if is(&error, sqlstate::INVALID_CATALOG_NAME)
                    || is(&error, sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE) =>
            {
                self.template.make_again().await?;
                Ok(None)
            }
            Err(cause) => Err(Failure::from(Error::from(cause))),
        }
    }

    /// Tries what the last process has noted, before the server is asked.
    fn take_hint(&self) {
        let file = self.server.lanes_of(self.template.database());
        let mut inventory = self.inventory();
        if inventory.surveyed == 0
            && let Some(hint) = file.and_then(|file| Hint::read(&file))
        {
            inventory.surveyed = hint.surveyed;
            inventory.known.extend(hint.lanes);
        }
    }

    /// Asks the server which lanes nobody uses, and has removed what killed processes left.
    async fn survey(&self) -> Result<(), Failure> {
        let maintenance = self.server.maintenance().await;
        let mut maintenance = maintenance.map_err(|cause| Failure::from(Error::from(cause)))?;
        let found = survey(&mut maintenance, self.template.database().family()).await;
        maintenance.close().await.ok();
        let found =
            found.map_err(|error| self.statement("list the databases of the template", error))?;
        let (now, mut abandoned) = (Mark::now(), Vec::new());
        self.inventory().surveyed = now;
        for found in found {
            match found.fate(now) {
                Fate::Free => drop(self.inventory().known.insert(found.database)),
                Fate::InUse => {}
                // What this process itself is removing looks the same.
                Fate::Abandoned if self.inventory().reserved.contains(&found.database) => {}
                Fate::Abandoned => abandoned.push(found.database),
            }
        }
        if !abandoned.is_empty() {
            executor::spawn_in_background(clean_up(Arc::clone(&self.server), abandoned));
        }
        Ok(())
    }

    /// Reserves a lane of which the server has said that nobody uses it.
    fn reserve_known(&self) -> Option<Candidate<'_>> {
        let mut inventory = self.inventory();
        while let Some(database) = inventory.known.pop_first() {
            if !inventory.reserved.contains(&database) {
                drop(inventory);
                return Some(self.reserve(database));
            }
        }
        None
    }

    fn reserve(&self, database: DatabaseName) -> Candidate<'_> {
        self.inventory().reserved.insert(database.clone());
        Candidate {
            lanes: self,
            database,
        }
    }
}

/// A lane that no other test of this process can get; given up when dropped.
pub(super) struct Candidate<'a> {
    lanes: &'a Lanes,
    pub(super) database: DatabaseName,
}

impl Candidate<'_> {
    /// Keeps the lane reserved for as long as it lives.
    pub(super) fn keep(mut self) -> DatabaseName {
        let kept = self.database.clone();
        // What is dropped then is no lane's name.
        self.database = self.lanes.template.database().clone();
        kept
    }
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        self.lanes.inventory().reserved.remove(&self.database);
    }
}
