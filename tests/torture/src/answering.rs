//! Performs the acts with prompts: approving, denying, reporting, and canceling on the page.

use countersign_journeys::people::PASSWORD;
use countersign_journeys::{PageView, Person};
use countersign_service::prompts::ceremony::{Kind, Outcome};

use crate::fault::Fault;
use crate::life::{Life, surprise};
use crate::orders::{Order, Said, Shown};
use crate::wire::Trick;

/// The person reads the screen this many times without a prompt, and then opens the app to fetch prompts.
const LOOKS: usize = 6;

fn shown_as(kind: Kind) -> &'static str {
    match kind {
        Kind::ConfirmEnrollment => "ConfirmEnrollment",
        Kind::SecondFactor => "SecondFactor",
        Kind::PhoneSignIn => "PhoneSignIn",
        Kind::AddMethod => "AddMethod",
        Kind::RemoveMethod => "RemoveMethod",
        Kind::RegisterDevice => "RegisterDevice",
        Kind::CreatePass => "CreatePass",
        Kind::ReportLost => "ReportLost",
        Kind::AddPerson => "AddPerson",
        Kind::DeletePerson => "DeletePerson",
        Kind::SuspendPerson => "SuspendPerson",
        Kind::ResumePerson => "ResumePerson",
        Kind::CreatePassForPerson => "CreatePassForPerson",
        Kind::UnblockPerson => "UnblockPerson",
        Kind::ChangeGroups => "ChangeGroups",
        Kind::MakeAdministrator => "MakeAdministrator",
        Kind::RemoveAdministrator => "RemoveAdministrator",
        Kind::ReportLostForPerson => "ReportLostForPerson",
        Kind::ResetPerson => "ResetPerson",
        Kind::ChangePolicy => "ChangePolicy",
        Kind::CreateApiToken => "CreateApiToken",
    }
}

impl Life<'_> {
    /// Reads the screen, and returns a prompt of this kind that no earlier act has decided. If there is none, every
    /// `LOOKS`th call fetches prompts.
    async fn request(&mut self, kind: Kind, looks: &mut usize) -> Result<Option<Shown>, Fault> {
        self.ask(Order::Look).await?;
        let of_kind = |shown: &&Shown| shown.kind == shown_as(kind) && !self.answered.contains(&shown.id);
        let found = self.state.requests.iter().rfind(of_kind).cloned();
        *looks = looks.saturating_add(1);
        if found.is_none() && looks.is_multiple_of(LOOKS) {
            self.ask(Order::Check).await?;
        }
        Ok(found)
    }

    /// Waits for the prompt, decides it with `order`, and waits for its outcome. Returns the outcome that the phone
    /// shows.
    async fn decide(&mut self, kind: Kind, order: impl Fn(String) -> Order) -> Result<String, Fault> {
        let mut looks = 0;
        let shown = self
            .until("the prompt comes and is decided", async |life| {
                let Some(shown) = life.request(kind, &mut looks).await? else {
                    return Ok(None);
                };
                match shown.state.as_str() {
                    "Open" => match life.ask(order(shown.id.clone())).await? {
                        Said::Queued if !life.disturbed => {
                            Err(Fault::Broken("the answer is queued although the network works".to_owned()))
                        }
                        Said::Refused { why, passes: false } if !life.disturbed => {
                            Err(Fault::Lost(format!("the decision is refused: {why}")))
                        }
                        _ => Ok(None),
                    },
                    "Answering" => Ok(None),
                    _ => Ok(Some(shown)),
                }
            })
            .await?;
        self.answered.insert(shown.id);
        Ok(shown.state)
    }

    /// Approves the prompt with the number of the page. If `busy`, the push address changes during the approval.
    pub(crate) async fn approve(&mut self, kind: Kind, number: &str, busy: bool) -> Result<(), Fault> {
        let order = |id: String| match busy {
            true => Order::ApproveMeanwhile(id, number.to_owned()),
            false => Order::Approve(id, number.to_owned()),
        };
        let told = self.decide(kind, order).await?;
        self.expected.decided.push((kind, Outcome::Approved));
        if told == "Approved" { Ok(()) } else { Err(Fault::Lost(format!("approved, but the phone shows {told}"))) }
    }

    /// Types the password in a fresh browser. Returns the browser and the page with the number.
    async fn asked_by_password(&self) -> Result<(Person, PageView), Fault> {
        let browser = self.fresh_browser()?;
        let page = browser.sign_in_as(&self.user, PASSWORD).await.map_err(Fault::broken)?;
        if page.name() == "number" { Ok((browser, page)) } else { Err(surprise(&page)) }
    }

    /// Finishes the sign-in on the page.
    async fn signed_in(&self, browser: &Person) -> Result<(), Fault> {
        let page = browser.open("/sign-in/number").await.map_err(Fault::broken)?;
        let page = browser.press(&page, "finish", &[]).await.map_err(Fault::broken)?;
        if page.name() == "security-info" { Ok(()) } else { Err(surprise(&page)) }
    }

    async fn signs_in_by_password(&mut self, busy: bool) -> Result<Person, Fault> {
        let (browser, page) = self.asked_by_password().await?;
        let number = page.number().map_err(Fault::broken)?;
        if busy {
            self.stage.wire.play("/phone/answers", Trick::Slow);
        }
        self.approve(Kind::SecondFactor, &number, busy).await?;
        self.signed_in(&browser).await?;
        Ok(browser)
    }

    pub(crate) async fn second_factor(&mut self, busy: bool) -> Result<(), Fault> {
        self.signs_in_by_password(busy).await?;
        Ok(())
    }

    /// Signs in without a password, in a fresh browser.
    pub(crate) async fn phone_sign_in(&mut self) -> Result<(), Fault> {
        let browser = self.fresh_browser()?;
        let page = browser.open("/sign-in").await.map_err(Fault::broken)?;
        let page = browser.press(&page, "next", &[("user_name", &self.user)]).await.map_err(Fault::broken)?;
        let page = match page.name().as_str() {
            "password" => browser.press(&page, "use-phone", &[]).await.map_err(Fault::broken)?,
            _ => page,
        };
        let number = page.number().map_err(Fault::broken)?;
        self.approve(Kind::PhoneSignIn, &number, false).await?;
        let page = browser.open("/sign-in/number").await.map_err(Fault::broken)?;
        let page = browser.press(&page, "finish", &[]).await.map_err(Fault::broken)?;
        // In an unknown browser, a page first shows the account's name and a button to continue.
        let page = match page.name().as_str() {
            "security-info" => page,
            _ => browser.press(&page, "continue", &[]).await.map_err(Fault::broken)?,
        };
        if page.name() == "security-info" { Ok(()) } else { Err(surprise(&page)) }
    }

    pub(crate) async fn deny(&mut self) -> Result<(), Fault> {
        let (browser, _page) = self.asked_by_password().await?;
        let told = self.decide(Kind::SecondFactor, Order::Deny).await?;
        self.expected.decided.push((Kind::SecondFactor, Outcome::Denied));
        if told != "Denied" {
            return Err(Fault::Lost(format!("denied, but the phone shows {told}")));
        }
        let page = browser.open("/security-info").await.map_err(Fault::broken)?;
        if page.name() == "user-name" { Ok(()) } else { Err(surprise(&page)) }
    }

    pub(crate) async fn withdrawn(&mut self) -> Result<(), Fault> {
        let (browser, page) = self.asked_by_password().await?;
        let mut looks = 0;
        self.until("the prompt comes", async |life| life.request(Kind::SecondFactor, &mut looks).await).await?;
        browser.press(&page, "cancel", &[]).await.map_err(Fault::broken)?;
        self.expected.decided.push((Kind::SecondFactor, Outcome::Cancelled));
        let mut looks: usize = 0;
        self.until("the prompt is withdrawn", async |life| {
            life.ask(Order::Look).await?;
            looks = looks.saturating_add(1);
            // The push with the withdrawal may be lost. Opening the app fetches the current state.
            if looks.is_multiple_of(LOOKS * 2) {
                life.ask(Order::Check).await?;
            }
            Ok((!life.state.requests.iter().any(|shown| shown.state == "Open")).then_some(()))
        })
        .await
    }

    pub(crate) async fn report(&mut self) -> Result<(), Fault> {
        let browser = self.signs_in_by_password(false).await?;
        let approved = self.state.requests.iter().rfind(|shown| shown.kind == "SecondFactor").cloned();
        let id = approved.ok_or_else(|| Fault::Lost("an approved prompt is no longer shown".to_owned()))?.id;
        self.until("the report is confirmed", async |life| {
            life.ask(Order::Look).await?;
            let shown = life.state.requests.iter().find(|shown| shown.id == id).cloned();
            match shown.ok_or_else(|| Fault::Lost("a reported prompt is no longer shown".to_owned()))?.state.as_str() {
                "Reported" => return Ok(Some(())),
                // Report only once: the core sends a stored report by itself.
                "Approved" if life.outbox()? == 0 => {
                    life.ask(Order::Report(id.clone())).await?;
                }
                _ => {}
            }
            Ok(None)
        })
        .await?;
        self.expected.decided.pop();
        self.expected.decided.push((Kind::SecondFactor, Outcome::Reported));
        let page = browser.open("/security-info").await.map_err(Fault::broken)?;
        if page.name() == "user-name" { Ok(()) } else { Err(Fault::Lost("a reported session continues".to_owned())) }
    }
}
