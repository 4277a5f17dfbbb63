//! Versions of models and outputs on disk, as the database says: links that are switched, versions that are removed.
//!
//! One at a time in this process: a sweep takes no version that is being put back.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::error::{Result, ServiceError};
use super::{Service, Who};
use crate::schedule::gate::{KEPT_VERSIONS, PromoteError, Shelf, Swept};
use crate::schedule::store::Promotion;

impl Service {
    /// Makes an earlier version of a model or output the current one again, in the database and on disk.
    ///
    /// Errors: no such promotion, or it was refused; its version is not on disk any more.
    pub fn restore(&self, promotion: i64, who: &Who) -> Result<Promotion> {
        who.may("to restore a version")?;
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = self.store.the_promotion(promotion)?;
        self.has_version(&earlier)?;
        let restored = self.store.restore(promotion, &who.name, self.now())?;
        self.publish_in_turn()?;
        self.changed(&restored.job);
        // As it stands now: published.
        Ok(self.store.champion(&restored.name)?.unwrap_or(restored))
    }

    /// Switches the links of all versions that became current and whose link may not have been switched yet. How many.
    ///
    /// Errors: the database; the first link that could not be switched, after all others were tried.
    pub(in crate::schedule) fn publish_all(&self) -> Result<usize> {
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish_in_turn()
    }

    fn publish_in_turn(&self) -> Result<usize> {
        let shelf = Shelf::new(&self.base);
        let mut failed = None;
        let mut published = 0;
        for promotion in self.store.unpublished()? {
            match shelf.publish(&promotion.name, &promotion.version) {
                Ok(_) => {
                    // Another one became current meanwhile: it is unpublished itself, and switched in its turn.
                    published += usize::from(self.store.published(promotion.number, self.now())?);
                }
                Err(error) => _ = failed.get_or_insert(of_shelf(error)),
            }
        }
        failed.map_or(Ok(published), Err)
    }

    /// Removes versions beyond the last `keep` of each name, never a current one.
    ///
    /// Errors: the database, the disk.
    pub(in crate::schedule) fn sweep_versions(&self, keep: usize) -> Result<Swept> {
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let champions = self.store.champions()?;
        let needed: BTreeSet<(String, String)> =
            champions.into_iter().map(|champion| (champion.name, champion.version)).collect();
        Shelf::new(&self.base).sweep(keep, &needed).map_err(of_shelf)
    }

    /// Refuses a version that is not on disk any more.
    fn has_version(&self, promotion: &Promotion) -> Result<()> {
        let versions = Shelf::new(&self.base).versions(&promotion.name).map_err(of_shelf)?;
        match versions.contains(&promotion.version) {
            true => Ok(()),
            false => Err(ServiceError::Conflict {
                reason: format!(
                    "version `{}` of `{}` is not on disk any more: the last {KEPT_VERSIONS} are kept",
                    promotion.version, promotion.name,
                ),
            }),
        }
    }
}

fn of_shelf(error: PromoteError) -> ServiceError {
    ServiceError::Conflict { reason: error.to_string() }
}
