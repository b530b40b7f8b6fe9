//! Key stores for desktops. A desktop's platform does not verify the person at each use of a key, so a passphrase takes
//! the place of the device lock.

mod desktop;
mod guarded;
#[cfg_attr(feature = "testing", allow(unreachable_pub, reason = "public only for tests"))]
pub(crate) mod passphrase;
mod platform_keyring;
mod scalar;
mod sealed;
mod sealed_file;

pub use desktop::{DesktopKeyStore, PassphraseGuard};
pub use platform_keyring::PlatformKeyStore;
pub use sealed_file::SealedFileKeyStore;
