//! Performs the acts that change an account or a phone: turning phone sign-in on and off, changing push addresses,
//! reading notices, muting, receiving malformed data, and ending an account or a phone.

use countersign_journeys::cuts::Cut;
use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::endings::{self, Ending};
use countersign_service::notices::{self, Kind as NoticeKind};

use crate::fault::Fault;
use crate::life::Life;
use crate::orders::{Order, Said, Waiting};
use crate::wire::Trick;

impl Life<'_> {
    fn active_device(&self) -> Result<Device, Fault> {
        let found = self.devices()?.into_iter().find(Device::is_active);
        found.ok_or_else(|| Fault::Lost("this person has no active device at the service".to_owned()))
    }

    pub(crate) async fn turn_on(&mut self) -> Result<(), Fault> {
        self.until("phone sign-in is on", async |life| {
            life.must(Order::SetLock).await?;
            match (life.state.accounts.first(), life.waits()) {
                (None, _) => return Err(Fault::Lost("the account is gone".to_owned())),
                (Some((_, true)), _) => return Ok(Some(())),
                (Some(_), None) => life.must(Order::TurnOn).await?,
                (Some(_), Some(Waiting::Browser(url, _))) => life.browses(&url, None).await?,
                (Some(_), Some(_)) => life.resume().await?,
            };
            Ok(None)
        })
        .await?;
        self.expected.on = true;
        self.expected.turned_on = self.expected.turned_on.saturating_add(1);
        Ok(())
    }

    /// Starts to turn phone sign-in on, and loses the response to the last request. Then the person abandons turning
    /// phone sign-in on.
    pub(crate) async fn turn_on_abandoned(&mut self) -> Result<(), Fault> {
        self.stage.world.cuts.cut("/phone/device", Cut::Answer, 1);
        self.disturbed = true;
        let mut sent = false;
        self.until("the service may know the key", async |life| {
            life.must(Order::SetLock).await?;
            match life.waits() {
                Some(Waiting::SignInInterrupted) if sent => return Ok(Some(())),
                Some(Waiting::Browser(url, _)) => {
                    life.browses(&url, None).await?;
                }
                Some(Waiting::Unlock) => {
                    life.must(Order::Unlock).await?;
                    sent = life.waits() == Some(Waiting::SignInInterrupted);
                }
                Some(_) => {
                    life.resume().await?;
                }
                None => {
                    life.must(Order::TurnOn).await?;
                }
            }
            Ok(None)
        })
        .await?;
        self.expected.turned_on = self.expected.turned_on.saturating_add(1);
        self.until("turning phone sign-in on is abandoned", async |life| {
            life.ask(Order::Look).await?;
            if life.waits().is_none() {
                return Ok(Some(()));
            }
            life.ask(Order::Abandon).await?;
            Ok(None)
        })
        .await
    }

    pub(crate) async fn turn_off(&mut self) -> Result<(), Fault> {
        self.until("phone sign-in is off", async |life| {
            life.ask(Order::Look).await?;
            match life.state.accounts.first() {
                None => return Err(Fault::Lost("the account is gone".to_owned())),
                Some((_, false)) => return Ok(Some(())),
                Some((_, true)) => life.must(Order::TurnOff).await?,
            };
            Ok(None)
        })
        .await?;
        self.expected.on = false;
        Ok(())
    }

    /// Removes the device lock, which deletes the sign-in key. The core notices the missing key at its next start.
    pub(crate) async fn lock_removed(&mut self) -> Result<(), Fault> {
        // If the process is killed, repeat the removal. The repeated removal fails if the lock was removed already, but
        // this does no harm.
        while self.ask(Order::RemoveLock).await? == Said::Killed {}
        self.reopen(self.surroundings.ahead).await?;
        self.until("the account's health reports that the sign-in key is gone", async |life| {
            life.ask(Order::Look).await?;
            match life.state.accounts.first() {
                None => Err(Fault::Lost("the account is gone".to_owned())),
                Some((health, on)) => Ok((!on && health.contains("SignInKey")).then_some(())),
            }
        })
        .await?;
        self.expected.on = false;
        Ok(())
    }

    pub(crate) async fn new_address(&mut self) -> Result<(), Fault> {
        let before = self.active_device()?.push.map(|push| push.endpoint);
        self.until("the service has the new push address", async |life| {
            if life.ask(Order::Look).await? == Said::Killed {
                return Ok(None);
            }
            if life.active_device()?.push.map(|push| push.endpoint) != before {
                return Ok(Some(()));
            }
            if life.outbox()? == 0 && !life.address_is_due()? {
                life.must(Order::NewAddress).await?;
            }
            Ok(None)
        })
        .await
    }

    /// The service learns that the push address no longer exists. The phone learns this from the response to a request
    /// for a test push.
    pub(crate) async fn address_ended(&mut self) -> Result<(), Fault> {
        let mut device = self.active_device()?;
        device.push_ended = true;
        self.service(|tx, _| tx.insert_or_update(&device, |stored| *stored = device.clone()))?;
        self.until("the phone has asked for a test push", async |life| {
            let said = life.ask(Order::TestPush).await?;
            Ok((said == Said::Done).then_some(()))
        })
        .await?;
        // When the service reports the ended push address, the phone does not replace the address immediately, but some
        // minutes later.
        self.reopen(400).await?;
        self.until("the service has a working push address again", async |life| {
            life.ask(Order::Look).await?;
            Ok((!life.active_device()?.push_ended).then_some(()))
        })
        .await
    }

    pub(crate) async fn notices(&mut self) -> Result<(), Fault> {
        let now = self.stage.world.app.clock.now();
        self.service(|tx, account| notices::notify(tx, account, None, NoticeKind::MethodAdded, now))?;
        let device = self.active_device()?.id;
        self.until("the notices are read", async |life| {
            life.ask(Order::Look).await?;
            let waiting = life.service(|tx, _| notices::waiting(tx, &device))?.len();
            match (life.state.notices, waiting) {
                (0, 0) => return Ok(Some(())),
                (0, _) if life.outbox()? == 0 => {
                    life.ask(Order::Check).await?;
                }
                (0, _) => {}
                _ => {
                    life.ask(Order::Dismiss).await?;
                }
            }
            Ok(None)
        })
        .await
    }

    pub(crate) async fn mute(&mut self) -> Result<(), Fault> {
        for (order, muted, what) in
            [(Order::Mute, true, "the account is muted"), (Order::Unmute, false, "the account is unmuted")]
        {
            self.until(what, async |life| {
                if life.state.muted != muted {
                    life.ask(order.clone()).await?;
                }
                life.ask(Order::Look).await?;
                Ok((life.state.muted == muted).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// A forged signed state and an unreadable push arrive. Both must have no effect.
    pub(crate) async fn garbage(&mut self) -> Result<(), Fault> {
        self.stage.wire.play("/phone/prompts", Trick::Forged);
        self.disturbed = true;
        self.ask(Order::Check).await?;
        self.ask(Order::Garbage).await?;
        self.until("the phone reaches the service again", async |life| {
            Ok((life.ask(Order::Check).await? == Said::Done).then_some(()))
        })
        .await
    }

    pub(crate) async fn remove(&mut self) -> Result<(), Fault> {
        self.until("the account is removed from the phone", async |life| {
            life.ask(Order::Look).await?;
            if life.state.accounts.is_empty() {
                return Ok(Some(()));
            }
            life.ask(Order::Remove).await?;
            Ok(None)
        })
        .await?;
        self.expected.account = false;
        self.expected.on = false;
        Ok(())
    }

    pub(crate) async fn lost(&mut self) -> Result<(), Fault> {
        let (device, now) = (self.active_device()?.id, self.stage.world.app.clock.now());
        self.service(|tx, account| {
            let lost = Ending::Lost { device: device.clone(), since: Time::MIN, reported_in: None };
            endings::end(tx, account, &lost, now).map(|_ended| ())
        })?;
        self.until("the lost phone knows that it was removed", async |life| {
            life.ask(Order::Check).await?;
            let health = life.state.accounts.first().map(|(health, _)| health.clone()).unwrap_or_default();
            Ok((health.contains("RemovedByService") && health.contains("Lost")).then_some(()))
        })
        .await?;
        self.remove().await
    }

    pub(crate) async fn keys_lost(&mut self) -> Result<(), Fault> {
        self.end_process().await;
        let aim = self.aim_again();
        self.start(aim, &["--lose-keys"]).await?;
        self.until("the account's health reports that the device key is gone", async |life| {
            life.ask(Order::Look).await?;
            let health = life.state.accounts.first().map(|(health, _)| health.clone()).unwrap_or_default();
            Ok(health.contains("KeyLost").then_some(()))
        })
        .await?;
        self.expected.parted = true;
        Ok(())
    }

    pub(crate) async fn restored(&mut self) -> Result<(), Fault> {
        self.end_process().await;
        let keys = self.surroundings.home.join("keys");
        std::fs::remove_file(keys).map_err(Fault::broken)?;
        if self.try_start(None, &[]).await?.is_ok() {
            return Err(Fault::Broken("the phone opened a database whose keys are missing".to_owned()));
        }
        let aim = self.aim_again();
        self.start(aim, &["--start-over"]).await?;
        if !self.state.accounts.is_empty() {
            return Err(Fault::Broken("the phone still has accounts after it started over".to_owned()));
        }
        self.expected.parted = true;
        Ok(())
    }
}
