//! Switching the links of promoted versions on disk to what the database says.

use std::sync::PoisonError;

use super::Service;
use super::error::{Result, ServiceError};
use crate::schedule::gate::{PromoteError, Shelf};
use crate::schedule::store::Promotion;

impl Service {
    /// Switches the links of all versions that became current and whose link may not have been switched yet. How many.
    ///
    /// Errors: the database; the first link that could not be switched, after all others were tried.
    pub(in crate::schedule) fn publish_all(&self) -> Result<usize> {
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Refuses a version that is not on disk any more.
    pub(super) fn has_version(&self, promotion: &Promotion) -> Result<()> {
        let versions = Shelf::new(&self.base).versions(&promotion.name).map_err(of_shelf)?;
        match versions.contains(&promotion.version) {
            true => Ok(()),
            false => Err(ServiceError::Conflict {
                reason: format!(
                    "version `{}` of `{}` is not on disk any more: the last {} are kept",
                    promotion.version,
                    promotion.name,
                    crate::schedule::gate::KEPT_VERSIONS
                ),
            }),
        }
    }
}

fn of_shelf(error: PromoteError) -> ServiceError {
    ServiceError::Conflict { reason: error.to_string() }
}
