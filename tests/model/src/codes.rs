//! The wizards of a scene with their codes, and what each phone computes from a code. This is computed once, because
//! computing with elliptic curves is slow.

use std::collections::BTreeMap;

use countersign::testing::decisions::Code;
use countersign_service::app::App;
use countersign_service::enrollment::acts::{fresh, scanned_text};
use countersign_service::enrollment::state::Enrollment;
use countersign_service::provenance::Given;
use countersign_service::secrets::decode;

use crate::steps::{ALL, AUTH, Browser, Phone};
use crate::world::{ALICE, ISSUER, START};

/// The wizard of a browser.
pub(crate) struct Wizard {
    /// The enrollment that the wizard starts.
    pub(crate) enrollment: Enrollment,
    /// What each phone computes.
    pub(crate) computed: BTreeMap<Phone, Computed>,
}

/// What a phone computes from a code.
pub(crate) struct Computed {
    /// The MAC of the bind.
    pub(crate) mac: Vec<u8>,
    /// The digits.
    pub(crate) digits: String,
}

impl Wizard {
    pub(crate) fn new(app: &App, browser: Browser) -> Self {
        let made = fresh(app, ALICE.to_owned(), browser.session(), Given::unrecorded(START), START);
        let enrollment = made.expect("an enrollment can't be created");
        let text = scanned_text(app, &enrollment).expect("the code can't be written as text");
        let secret = text.rsplit("secret=").next().and_then(decode).and_then(|bytes| bytes.try_into().ok());
        let code = Code::scanned(&secret.expect("the code has no secret of 16 bytes"));
        let computed = ALL.map(|phone| {
            let (id, point) = (&enrollment.scanned.id, phone.point());
            let mac = code.bind_mac(ISSUER, id, point, point, &AUTH);
            (phone, Computed { mac, digits: code.digits(ISSUER, point, point) })
        });
        Self { enrollment, computed: BTreeMap::from(computed) }
    }
}
