//! One act after another: what a plan names is what the person does.

use crate::fault::Fault;
use crate::life::Life;
use crate::plan::{Act, Round};

impl Life<'_> {
    /// Performs one act under its attack, and waits until nothing is under way.
    pub(crate) async fn run_round(&mut self, round: &Round) -> Result<(), Fault> {
        self.enters(round).await?;
        self.perform(round.act).await?;
        self.leaves().await?;
        self.settle().await
    }

    async fn perform(&mut self, act: Act) -> Result<(), Fault> {
        match act {
            Act::ByCode => self.by_code().await,
            Act::BySigningIn => self.by_signing_in().await,
            Act::GivenUp => self.given_up().await,
            Act::GivenUpUnheard => self.given_up_unheard().await,
            Act::NotMyPhone => self.not_my_phone().await,
            Act::SigningInGivenUp => self.signing_in_given_up().await,
            Act::TurnOn => self.turn_on().await,
            Act::TurnOnGivenUp => self.turn_on_given_up().await,
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
