//! Starts the environment in which lives (simulated phones) run one after another: a service, a relay and a network.

use std::path::{Path, PathBuf};

use axum::middleware;
use countersign_journeys::{Trouble, World};
use tempfile::TempDir;

use crate::wire::{self, Wire};

/// A service, a relay and a network for one life after another.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) wire: Wire,
    pub(crate) folder: TempDir,
    pub(crate) ca: PathBuf,
    pub(crate) program: PathBuf,
}

impl Stage {
    /// Starts service and relay. `program` is the program that will run each phone, with `phone` as its first argument.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub(crate) async fn set_up(program: &Path) -> Result<Self, Trouble> {
        let wire = Wire::default();
        let layer = middleware::from_fn_with_state(wire.clone(), wire::layer);
        let world = World::start_behind(|router| router.layer(layer)).await?;
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, world.ca())?;
        Ok(Self { world, wire, folder, ca, program: program.to_owned() })
    }

    /// Stops service and relay.
    pub(crate) async fn stop(self) {
        self.world.stop().await;
    }
}
