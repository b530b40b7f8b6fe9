//! The effects of the service: everything that gives or takes rights. Each file contains one effect: its check, its
//! proof and its act.
//!
//! A check reads every precondition in the transaction of the effect, and spends what allows the effect: an approval, a
//! verified password, or a pass. It returns a proof. The act consumes the proof. Only the check can create the proof,
//! because the proof's fields are private. A proof can't be cloned, and its lifetime ties it to the transaction of the
//! check. So an effect can't happen without its check, twice after one check, or in a later transaction:
//!
//! ```
//! # use countersign_service::effects::unblock::{self, Unblock};
//! # use countersign_service::store::{Store, StoreError, Tx};
//! fn unblocks_once<'t>(tx: &mut Tx<'t>, proof: Unblock<'t>) -> Result<(), StoreError> {
//!     unblock::act(tx, proof, 0)
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use countersign_service::effects::unblock::{self, Unblock};
//! # use countersign_service::store::{Store, StoreError, Tx};
//! fn unblocks_twice<'t>(tx: &mut Tx<'t>, proof: Unblock<'t>) -> Result<(), StoreError> {
//!     unblock::act(tx, proof, 0)?;
//!     unblock::act(tx, proof, 0)
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use countersign_service::effects::unblock::{self, Unblock};
//! fn needs_no_check() -> Unblock<'static> {
//!     Unblock { account_id: "alice".to_owned(), about: String::new(), _brand: todo!() }
//! }
//! ```
//!
//! ```compile_fail
//! # use countersign_service::effects::unblock;
//! # use countersign_service::store::Store;
//! let store = Store::memory();
//! // The proof can't leave the transaction.
//! let proof = store.global_blocking(|tx| unblock::by_device(tx, "device"));
//! ```

pub mod add_method;
pub mod add_person;
pub mod administrator;
pub mod api_token;
pub mod approval;
pub mod authority;
pub mod delete_person;
pub mod end_pending;
pub mod groups;
pub mod issue_code;
pub mod issue_token;
pub mod known_browser;
pub mod make_pass;
pub mod password;
pub mod phone_code;
pub mod policy;
pub mod push_address;
pub mod raise_session;
pub mod register_device;
pub mod remove_method;
pub mod report_lost;
pub mod reset;
pub mod rotate_keys;
pub mod sign_in;
pub mod suspend;
pub mod turn_off;
pub mod turn_on;
pub mod unblock;
