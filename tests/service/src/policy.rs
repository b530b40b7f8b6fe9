//! stub
#![allow(missing_docs)]
pub mod document {
    use serde::{Deserialize, Serialize};
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum KeyGuard {
        BiometricCurrentSet,
        BiometricOrCredential,
    }
    pub enum UnknownOrigins {
        Usual,
        NearOnly,
        Never,
    }
}
pub mod records {
    use super::document::*;
    pub struct Effective {
        pub mode: Option<()>,
        pub key_guard: KeyGuard,
        pub accounts_on_phone: Option<u32>,
        pub unknown_origins: UnknownOrigins,
    }
    impl Effective {
        pub fn allows_phone_sign_in(&self) -> bool {
            true
        }
        pub fn allows_security_info_registration(&self) -> bool {
            true
        }
    }
    pub fn effective_for(
        _tx: &mut crate::store::Tx<'_>,
        _p: &crate::people::Person,
    ) -> Result<Effective, crate::store::StoreError> {
        Ok(Effective {
            mode: Some(()),
            key_guard: KeyGuard::BiometricOrCredential,
            accounts_on_phone: None,
            unknown_origins: UnknownOrigins::Usual,
        })
    }
}
