//! The unfinished addings of the account in `world`: registrations of phones, and enrollments.

use countersign_service::enrollment::state::{Code, Enrollment, State};
use countersign_service::grants::Kind;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::{
    NewPhone, Purpose, Registration, RegistrationCode, RegistrationToken,
};
use countersign_service::provenance::Given;

use super::world::{By, Instance, LATER, NOW, OTHER, REPORTED, World};

impl World {
    pub fn add_registrations(&mut self) {
        for (id, device) in [
            ("registration of the lost phone", "lost phone"),
            ("registration of the other phone", "other phone"),
            ("registration of the new phone", "new phone"),
        ] {
            let registration = self.registration(id, turn_on(device));
            let instance = Instance::new(Kind::Registration, id, &[]).held_by(Kind::Device, device);
            self.add(&registration, instance);
        }
        self.add_codes();
        self.add_turn_on_tokens();
        self.add_phone_tokens();
    }

    fn registration(&self, id: &str, purpose: Purpose) -> Registration {
        Registration {
            id: id.to_owned(),
            redirect_uri: String::new(),
            state: String::new(),
            code_challenge: String::new(),
            purpose,
            account_id: Some(self.account.clone()),
            expires_at: NOW + 600,
            given: Given::by_device_key("a key", NOW),
        }
    }

    fn add_codes(&mut self) {
        for (id, by, device) in [
            ("code for a phone by password", By::Password, None),
            ("code for a phone", OTHER, None),
            ("code for a phone by the reported approval", REPORTED, None),
            ("code of the lost phone", OTHER, Some("lost phone")),
            ("code of the new phone", OTHER, Some("new phone")),
            ("code of the other phone", OTHER, Some("other phone")),
        ] {
            let purpose = device.map_or_else(add_phone, turn_on);
            let code = RegistrationCode {
                id: id.to_owned(),
                registration: self.registration(id, purpose),
                expires_at: NOW + 60,
                token: None,
                given: by.given(),
            };
            let instance = Instance::new(Kind::RegistrationCode, id, &[by.root()]);
            self.add(&code, device.map_or(instance.clone(), |device| instance.held_by(Kind::Device, device)));
        }
    }

    fn add_turn_on_tokens(&mut self) {
        for (id, by, device) in [
            ("turn-on token of the lost phone", OTHER, "lost phone"),
            ("turn-on token of the other phone", OTHER, "other phone"),
            ("turn-on token by the reported approval", REPORTED, "other phone"),
            ("turn-on token of the new phone", OTHER, "new phone"),
        ] {
            let token = RegistrationToken {
                id: id.to_owned(),
                device_id: device.to_owned(),
                account_id: self.account.clone(),
                nonce: String::new(),
                nonce_expires_at: NOW + 300,
                expires_at: NOW + 600,
                spent_by: None,
                given: by.given(),
            };
            let instance = Instance::new(Kind::RegistrationToken, id, &[by.root()]).held_by(Kind::Device, device);
            self.add(&token, instance);
        }
    }

    fn add_phone_tokens(&mut self) {
        for (id, by) in [
            ("phone token", OTHER),
            ("phone token by the reported approval", REPORTED),
            ("phone token by a reported pass", By::Pass("typed reported pass")),
        ] {
            let token = PhoneToken {
                id: id.to_owned(),
                account_id: self.account.clone(),
                jkt: String::new(),
                expires_at: NOW + 600,
                added: None,
                given: by.given(),
                keys_document: 1,
            };
            self.add(&token, Instance::new(Kind::PhoneToken, id, &[by.root()]));
        }
    }

    pub fn add_enrollments(&mut self) {
        for (id, by, session) in [
            ("open enrollment", OTHER, "other session"),
            ("enrollment by password", By::Password, "session by password"),
            ("enrollment of the reported session", OTHER, "reported session"),
            ("enrollment by the reported approval", REPORTED, "other session"),
            ("enrollment by a later approval", LATER, "session that reports the loss"),
            ("bound enrollment", OTHER, "other session"),
        ] {
            let mut enrollment = self.enrollment(id, by, session);
            if id == "bound enrollment" {
                let pending = self.device(PENDING, by);
                self.insert(&pending);
                (enrollment.state, enrollment.device_id) = (State::Bound, Some(PENDING.to_owned()));
            }
            let instance = Instance::new(Kind::Enrollment, id, &[by.root()]).held_by(Kind::Session, session);
            self.add(&enrollment, instance);
        }
    }

    fn enrollment(&self, id: &str, by: By, session: &str) -> Enrollment {
        Enrollment {
            scanned: Code { id: id.to_owned(), key: None, wrong_macs: 0 },
            typed: None,
            typed_shown: None,
            account_id: self.account.clone(),
            session: session.to_owned(),
            given: by.given(),
            expires_at: NOW + 600,
            state: State::Open,
            nonces: Vec::new(),
            bound_by: None,
            device_id: None,
            wrong_digits: 0,
            another_phone: false,
            ceremony: None,
            keys_document: 1,
        }
    }
}

/// The id of the device that the bound enrollment would add.
pub const PENDING: &str = "pending phone";

fn turn_on(device: &str) -> Purpose {
    Purpose::TurnOn { device_id: device.to_owned() }
}

fn add_phone() -> Purpose {
    let text = |text: &str| text.to_owned();
    let (name, model, digits) = (text("Phone"), text("M"), String::new());
    Purpose::AddPhone(NewPhone { jkt: String::new(), name, model, digits, wrong_digits: 0 })
}
