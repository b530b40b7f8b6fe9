//! Key stores for desktops, where no platform asks the person each time: there a passphrase is the device lock.

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
