//! Performs the acts that add the account, by a code or by signing in, and the acts that abandon adding.

use countersign_journeys::PageView;
use countersign_journeys::cuts::Cut;
use countersign_journeys::people::PASSWORD;
use countersign_service::prompts::ceremony::Kind;

use crate::fault::Fault;
use crate::life::{Life, surprise};
use crate::orders::{Order, Said, Waiting};

const WIZARD: &str = "/security-info/add/code";

impl Life<'_> {
    /// Adds the phone with the wizard's code: scans the code, types the digits and approves, until the page shows
    /// success.
    pub(crate) async fn by_code(&mut self) -> Result<(), Fault> {
        self.browser.wizard_as(&self.user, PASSWORD).await.map_err(Fault::broken)?;
        let mut bound = false;
        self.until("the wizard is done", async |life| {
            let page = life.open(WIZARD).await?;
            match page.name().as_str() {
                "code" if bound => {
                    return Err(Fault::Lost("the service has forgotten the phone that it had bound".to_owned()));
                }
                "code" => life.scans(&page).await?,
                "digits" => {
                    bound = true;
                    life.types_digits(&page).await?;
                }
                "confirm" => {
                    let number = page.number().map_err(Fault::broken)?;
                    life.approve(Kind::ConfirmEnrollment, &number, false).await?;
                    let page = life.open(WIZARD).await?;
                    life.browser.press(&page, "finish", &[]).await.map_err(Fault::broken)?;
                }
                "done" => return Ok(Some(())),
                "over" => return Err(Fault::Lost(format!("no phone was added: {:?}", page.text("outcome")))),
                _ => return Err(surprise(&page)),
            }
            Ok(None)
        })
        .await?;
        self.expected.account = true;
        self.expected.added = self.expected.added.saturating_add(1);
        Ok(())
    }

    async fn scans(&mut self, page: &PageView) -> Result<(), Fault> {
        self.ask(Order::Look).await?;
        let order = match self.waits() {
            Some(Waiting::Interrupted) => Order::Continue,
            None => Order::Enroll(
                page.qr_svg().and_then(|svg| countersign_journeys::qr::text_of_svg(&svg)).map_err(Fault::broken)?,
            ),
            // The phone has already sent the bind, but this page was opened before that.
            Some(_) => return Ok(()),
        };
        match self.ask(order).await? {
            Said::Refused { why, passes: false } => Err(Fault::Lost(format!("adding failed: {why}"))),
            _ => Ok(()),
        }
    }

    async fn types_digits(&mut self, page: &PageView) -> Result<(), Fault> {
        self.ask(Order::Look).await?;
        match self.waits() {
            Some(Waiting::Digits(digits)) => {
                self.browser.press(page, "confirm", &[("digits", &digits)]).await.map_err(Fault::broken)?;
                Ok(())
            }
            Some(Waiting::Interrupted) => match self.ask(Order::Continue).await? {
                Said::Refused { why, passes: false } => Err(Fault::Lost(format!("continuing failed: {why}"))),
                _ => Ok(()),
            },
            other => Err(Fault::Lost(format!("the page asks for digits, but the phone shows {other:?}"))),
        }
    }

    /// Adds a phone by a code, but only until the phone shows the digits. Returns the page that asks for the digits.
    async fn bound(&mut self) -> Result<PageView, Fault> {
        self.browser.wizard_as(&self.user, PASSWORD).await.map_err(Fault::broken)?;
        self.until("the digits are shown", async |life| {
            let page = life.open(WIZARD).await?;
            match (page.name().as_str(), life.waits()) {
                ("digits", Some(Waiting::Digits(_))) => return Ok(Some(page)),
                ("digits", _) => {
                    if let Said::Refused { why, passes: false } = life.ask(Order::Continue).await? {
                        return Err(Fault::Lost(format!("continuing failed: {why}")));
                    }
                }
                ("code", _) => life.scans(&page).await?,
                _ => return Err(surprise(&page)),
            }
            Ok(None)
        })
        .await
    }

    pub(crate) async fn abandoned(&mut self) -> Result<(), Fault> {
        self.bound().await?;
        self.abandon_pending().await?;
        self.until("the page shows that the phone abandoned the enrollment", async |life| {
            // If the app was killed while it notified the service, this order also opens the app again.
            life.ask(Order::Look).await?;
            let page = life.open(WIZARD).await?;
            Ok((page.name() == "over").then_some(()))
        })
        .await
    }

    /// Abandons the pending step. Repeats this until the phone has no pending step.
    async fn abandon_pending(&mut self) -> Result<(), Fault> {
        self.until("the pending step is abandoned", async |life| {
            life.ask(Order::Look).await?;
            match life.waits() {
                None => return Ok(Some(())),
                Some(Waiting::Ended) => life.ask(Order::ReadEnd).await?,
                Some(_) => life.ask(Order::Abandon).await?,
            };
            Ok(None)
        })
        .await
    }

    pub(crate) async fn abandoned_offline(&mut self) -> Result<(), Fault> {
        self.bound().await?;
        // This also cuts the requests with which the phone checks whether the digits were typed.
        self.stage.world.cuts.cut("/phone/", Cut::Before, usize::MAX);
        self.abandon_pending().await?;
        self.until("the phone has tried to notify the service", async |life| {
            life.ask(Order::Look).await?;
            Ok(life.outbox_tried()?.then_some(()))
        })
        .await?;
        // After the restart, the phone's clock is 1,000 seconds ahead. By this clock, the enrollment has expired at the
        // service.
        self.reopen(1_000).await?;
        self.until("the phone drops the request to abandon, which is no longer useful", async |life| {
            life.ask(Order::Look).await?;
            Ok(life.phone_rests()?.is_none().then_some(()))
        })
        .await?;
        self.stage.world.cuts.heal();
        self.reopen(0).await?;
        let page = self.open(WIZARD).await?;
        if page.name() == "digits" {
            self.browser.press(&page, "cancel", &[]).await.map_err(Fault::broken)?;
        }
        Ok(())
    }

    pub(crate) async fn not_my_phone(&mut self) -> Result<(), Fault> {
        let page = self.bound().await?;
        self.browser.press(&page, "not-my-phone", &[]).await.map_err(Fault::broken)?;
        self.until("the phone knows that its enrollment was refused", async |life| {
            life.ask(Order::Look).await?;
            match life.waits() {
                None => return Ok(Some(())),
                Some(Waiting::Ended) => life.ask(Order::ReadEnd).await?,
                Some(_) => life.ask(Order::Check).await?,
            };
            Ok(None)
        })
        .await
    }

    /// Adds the account by signing in: the person types the service's address into the phone, signs in with the
    /// browser, types the digits there, and unlocks the phone.
    pub(crate) async fn by_signing_in(&mut self) -> Result<(), Fault> {
        let address = self.stage.world.issuer().trim_start_matches("https://").to_owned();
        self.until("the account is added with phone sign-in", async |life| {
            life.must(Order::SetLock).await?;
            match (life.state.accounts.first(), life.waits()) {
                (Some((_, true)), _) => return Ok(Some(())),
                (Some(_), None) => life.must(Order::TurnOn).await?,
                (None, None) => life.must(Order::SignIn(address.clone())).await?,
                (_, Some(Waiting::Browser(url, digits))) => life.browses(&url, digits.as_deref()).await?,
                (_, Some(_)) => life.resume().await?,
            };
            Ok(None)
        })
        .await?;
        self.expected.account = true;
        self.expected.on = true;
        self.expected.added = self.expected.added.saturating_add(1);
        self.expected.turned_on = self.expected.turned_on.saturating_add(1);
        Ok(())
    }

    /// Performs the pending step that the phone shows. Does nothing if the person must do the step on a page, or if the
    /// enrollment ended.
    pub(crate) async fn resume(&mut self) -> Result<Said, Fault> {
        match self.waits() {
            Some(Waiting::Confirm) => self.must(Order::Confirm).await,
            Some(Waiting::Unlock) => self.must(Order::Unlock).await,
            Some(Waiting::Interrupted | Waiting::SignInInterrupted) => self.must(Order::Continue).await,
            Some(Waiting::Digits(_) | Waiting::Ended | Waiting::Browser(..)) | None => Ok(Said::Done),
        }
    }

    /// Signs in with the browser and passes the redirect to the phone. If the app is killed afterwards, the next
    /// call passes the same redirect again without the browser.
    pub(crate) async fn browses(&mut self, url: &str, digits: Option<&str>) -> Result<Said, Fault> {
        let address = match &self.back {
            Some((opened, address)) if opened == url => address.clone(),
            _ => self.signs_in_there(url, digits).await?,
        };
        self.back = Some((url.to_owned(), address.clone()));
        self.must(Order::Redirected(address)).await
    }

    /// Signs in with a fresh browser. Returns the URL to which the browser is redirected.
    async fn signs_in_there(&mut self, url: &str, digits: Option<&str>) -> Result<String, Fault> {
        let browser = self.fresh_browser()?;
        let page = browser.open(url).await.map_err(Fault::broken)?;
        let page = browser.enter_password(&page, &self.user, PASSWORD).await.map_err(Fault::broken)?;
        let page = if page.name() == "number" {
            let number = page.number().map_err(Fault::broken)?;
            let kind = if digits.is_some() { Kind::AddMethod } else { Kind::RegisterDevice };
            self.approve(kind, &number, false).await?;
            let page = browser.open("/sign-in/number").await.map_err(Fault::broken)?;
            browser.press(&page, "finish", &[]).await.map_err(Fault::broken)?
        } else {
            page
        };
        let filled: Vec<(&str, &str)> = digits.into_iter().map(|digits| ("digits", digits)).collect();
        match page.name().as_str() {
            "register-phone" | "add-phone" => {
                Ok(browser.press(&page, "register", &filled).await.map_err(Fault::broken)?.address)
            }
            _ => Err(surprise(&page)),
        }
    }

    pub(crate) async fn signing_in_abandoned(&mut self) -> Result<(), Fault> {
        let address = self.stage.world.issuer().trim_start_matches("https://").to_owned();
        self.until("the phone asks to open the browser", async |life| {
            life.ask(Order::Look).await?;
            match life.waits() {
                Some(Waiting::Browser(..)) => return Ok(Some(())),
                None => life.must(Order::SignIn(address.clone())).await?,
                Some(_) => life.resume().await?,
            };
            Ok(None)
        })
        .await?;
        self.abandon_pending().await
    }
}
