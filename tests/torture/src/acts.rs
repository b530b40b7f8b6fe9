//! Performs the acts of a plan, one after another.

use crate::fault::Fault;
use crate::life::Life;
use crate::plan::{Act, Round};

impl Life<'_> {
    /// Performs one act with its faults. Then waits until nothing is pending, and compares phone and service.
    pub(crate) async fn run_round(&mut self, round: &Round) -> Result<(), Fault> {
        self.begin_round(round).await?;
        self.perform(round.act).await?;
        self.end_round().await?;
        self.settle().await
    }

    async fn perform(&mut self, act: Act) -> Result<(), Fault> {
        match act {
            Act::ByCode => self.by_code().await,
            Act::BySigningIn => self.by_signing_in().await,
            Act::Abandoned => self.abandoned().await,
            Act::AbandonedOffline => self.abandoned_offline().await,
            Act::NotMyPhone => self.not_my_phone().await,
            Act::SigningInAbandoned => self.signing_in_abandoned().await,
            Act::TurnOn => self.turn_on().await,
            Act::TurnOnAbandoned => self.turn_on_abandoned().await,
            Act::SecondFactor => self.second_factor(false).await,
            Act::SecondFactorBusy => self.second_factor(true).await,
            Act::PhoneSignIn => self.phone_sign_in().await,
            Act::Deny => self.deny().await,
            Act::Withdrawn => self.withdrawn().await,
            Act::TurnOff => self.turn_off().await,
            Act::LockRemoved => self.lock_removed().await,
            Act::NewAddress => self.new_address().await,
            Act::AddressEnded => self.address_ended().await,
            Act::Notices => self.notices().await,
            Act::Mute => self.mute().await,
            Act::Garbage => self.garbage().await,
            Act::Report => self.report().await,
            Act::Remove => self.remove().await,
            Act::Lost => self.lost().await,
            Act::KeysLost => self.keys_lost().await,
            Act::Restored => self.restored().await,
        }
    }
}
