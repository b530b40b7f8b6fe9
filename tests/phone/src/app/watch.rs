//! Waits for requests, shows them, and sends the person's answers. Also shows why a request ended.
//!
//! Pushes and the core's snapshots change what is shown, but never answer a request. Only a typed order answers a
//! request.

mod board;

use std::time::Duration;

use countersign::{Delivery, FetchReason, PromptId, PushEffect, Snapshot};
use serde_json::json;
use tokio::sync::mpsc;

use super::answer::{self, Act};
use super::ending::Ending;
use super::input::Lines;
use super::list;
use super::mute;
use super::output::Output;
use crate::direct::Message;
use crate::error::PhoneError;
use crate::orders::{self, Order};
use crate::phone::Phone;
use crate::render::{self, PromptView, wrap};
use crate::{json, names};
use board::{Board, Change};

/// Interval at which the program checks whether a shown request has expired. This check is needed, because the core
/// reports no change when a request expires.
const TICK: Duration = Duration::from_secs(1);
/// The longest wait for a change of the core's snapshot.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

pub(super) async fn watch(phone: &Phone, output: &mut Output, lines: &mut Lines) -> Result<Ending, PhoneError> {
    until(phone, output, lines, std::future::pending::<Option<()>>()).await?;
    Ok(Ending::Done)
}

/// Watches until the future `other` ends, and returns the result of this future. Returns `None` when the person stops
/// watching, or when standard input ends.
pub(super) async fn until<T>(
    phone: &Phone,
    output: &mut Output,
    lines: &mut Lines,
    other: impl Future<Output = Option<T>>,
) -> Result<Option<T>, PhoneError> {
    let (mut messages, mut reconnections) = (phone.channel().messages(), phone.channel().reconnections());
    let mut watcher = Watcher { phone, output, board: Board::default(), last: None };
    let mut revision = watcher.begin().await?;
    let mut other = std::pin::pin!(other);
    loop {
        let event = tokio::select! {
            came = &mut other => return Ok(came),
            event = next(phone, revision, &mut messages, lines) => event?,
            Ok(()) = reconnections.changed() => Event::Reconnected,
        };
        match event {
            Event::Push(message) => watcher.push(message).await?,
            // A change of the snapshot follows if a request was missed.
            Event::Reconnected => watcher.check(FetchReason::Poll).await?,
            Event::Changed(snapshot) => {
                revision = snapshot.revision;
                watcher.show(&snapshot)?;
            }
            Event::Typed(None) => return Ok(None),
            Event::Typed(Some(line)) => {
                if !watcher.obey(orders::read(&line), lines).await? {
                    return Ok(None);
                }
            }
            Event::Tick if watcher.board.has_expired(phone.now()) => {
                watcher.show(&phone.authenticator().snapshot().await?)?;
            }
            Event::Tick => {}
        }
    }
}

enum Event {
    Push(Message),
    Reconnected,
    Changed(Snapshot),
    Typed(Option<String>),
    Tick,
}

async fn next(
    phone: &Phone,
    revision: u64,
    messages: &mut mpsc::Receiver<Message>,
    lines: &mut Lines,
) -> Result<Event, PhoneError> {
    tokio::select! {
        Some(message) = messages.recv() => Ok(Event::Push(message)),
        snapshot = phone.authenticator().changed_since(revision, LOOK_AGAIN) => Ok(Event::Changed(snapshot?)),
        line = lines.next() => Ok(Event::Typed(line)),
        () = tokio::time::sleep(TICK) => Ok(Event::Tick),
    }
}

struct Watcher<'a> {
    phone: &'a Phone,
    output: &'a mut Output,
    board: Board,
    /// The request that was answered last. When the person is not asked about a request now, the order `report` without
    /// a name applies to this request.
    last: Option<PromptId>,
}

impl Watcher<'_> {
    async fn begin(&mut self) -> Result<u64, PhoneError> {
        self.output
            .tell(&wrap("Waiting for requests. c checks for them, q stops."), &json!({ "event": "watching" }))?;
        self.check(FetchReason::Opened).await?;
        let snapshot = self.phone.authenticator().snapshot().await?;
        self.look(&snapshot)?;
        Ok(snapshot.revision)
    }

    /// Shows all waiting requests, including the quiet ones, because the person asked for the list.
    fn look(&mut self, snapshot: &Snapshot) -> Result<(), PhoneError> {
        self.show(snapshot)?;
        self.board.look();
        self.ask()
    }

    async fn check(&mut self, reason: FetchReason) -> Result<(), PhoneError> {
        let checked = self.phone.authenticator().check_for_prompts(reason).await?;
        list::unreachable(self.phone, &checked, self.output).await?;
        Ok(())
    }

    async fn push(&mut self, message: Message) -> Result<(), PhoneError> {
        match self.phone.authenticator().push_received(message.slot, message.body).await? {
            PushEffect::Withdrawn(id, reason) if self.board.take(&id) => {
                let words = crate::words::withdrawal(reason).words;
                self.output.tell(&format!("\n{}", wrap(words)), &json::withdrawn(&id, reason))?;
            }
            // The snapshot below contains the prompt of this push and all earlier prompts.
            _ => {}
        }
        let snapshot = self.phone.authenticator().snapshot().await?;
        self.show(&snapshot)
    }

    fn show(&mut self, snapshot: &Snapshot) -> Result<(), PhoneError> {
        let views = snapshot.prompts.iter().filter_map(|prompt| PromptView::of(prompt, &snapshot.accounts)).collect();
        let now = self.phone.now();
        for change in self.board.update(views, &snapshot.accounts, now) {
            match change {
                Change::New(view) => self.output.event(&json::prompt(&view))?,
                Change::OnItsWay(id, delivery) => answer::say_delivery(&id, delivery, self.output)?,
                Change::Done(id, outcome) => answer::say_outcome(&id, outcome, self.output)?,
                Change::Gone { id, reason, words } => {
                    self.output.tell(&format!("\n{}", wrap(words)), &json::gone(&id, reason, words))?;
                }
                Change::Account(account) => {
                    let text = render::accounts(std::slice::from_ref(&account), now);
                    self.output.tell(&format!("\n{text}"), &json::account("account", &account))?;
                }
            }
        }
        if let Some(count) = self.board.hidden_news() {
            let text = format!("{} waiting without an alert. c shows them.", crate::times::counted(count, "request"));
            self.output.text(&format!("\n{}", wrap(&text)))?;
        }
        self.ask()
    }

    /// Shows the first waiting request and asks the person about it, unless the person was asked about this request
    /// last.
    fn ask(&mut self) -> Result<(), PhoneError> {
        let waiting = self.board.waiting();
        let Some(view) = self.board.next_to_ask() else {
            return Ok(());
        };
        let text = format!("\n{}\n{}", render::prompt(&view, self.phone.now()), render::ask(&view));
        self.output.text(&text)?;
        if waiting > 1 {
            self.output.text(&wrap(&format!("{} after this one.", crate::times::counted(waiting - 1, "request"))))?;
        }
        self.output.text("  > ")?;
        Ok(())
    }

    /// Carries out an order; returns false when the order is `Quit`.
    async fn obey(&mut self, order: Order, lines: &mut Lines) -> Result<bool, PhoneError> {
        let (name, act) = match order {
            Order::Quit => return Ok(false),
            Order::Nothing => {
                self.output.text(&wrap("Nothing was sent."))?;
                return Ok(true);
            }
            Order::Unknown => {
                self.output.error(&PhoneError::NotUnderstood, None, None)?;
                return Ok(true);
            }
            Order::Check => {
                self.check(FetchReason::Opened).await?;
                let snapshot = self.phone.authenticator().snapshot().await?;
                self.look(&snapshot)?;
                if self.board.waiting() == 0 {
                    self.output.text(&wrap("Checked."))?;
                }
                return Ok(true);
            }
            Order::Mute => {
                let name = self.board.asked().map(|id| id.account.0);
                self.mute(name.as_deref(), true).await?;
                return Ok(true);
            }
            Order::MuteNamed(name) => {
                self.mute(Some(&name), true).await?;
                return Ok(true);
            }
            Order::UnmuteNamed(name) => {
                self.mute(Some(&name), false).await?;
                return Ok(true);
            }
            Order::Number(number) => (None, Act::Approve(number)),
            Order::Deny => (None, Act::Deny),
            Order::Report => (None, Act::Report),
            Order::ApproveNamed(name, number) => (Some(name), Act::Approve(number)),
            Order::DenyNamed(name) => (Some(name), Act::Deny),
            Order::ReportNamed(name) => (Some(name), Act::Report),
        };
        match self.target(name.as_deref(), &act) {
            Ok(id) => self.send(id, act, lines).await?,
            Err(error) => self.output.error(&error, None, None)?,
        }
        Ok(true)
    }

    /// Mutes an account for an hour, or unmutes it.
    async fn mute(&mut self, name: Option<&str>, is_mute: bool) -> Result<(), PhoneError> {
        let done = match (name, is_mute) {
            (None, _) => Err(PhoneError::NoSuchRequest),
            (Some(name), true) => mute::mute(self.phone, name, 1, self.output).await,
            (Some(name), false) => mute::unmute(self.phone, name, self.output).await,
        };
        match done {
            Err(error @ (PhoneError::NoSuchRequest | PhoneError::NoSuchAccount | PhoneError::SeveralAccounts)) => {
                Ok(self.output.error(&error, None, None)?)
            }
            done => done.map(|_ending| ()),
        }
    }

    fn target(&self, name: Option<&str>, act: &Act) -> Result<PromptId, PhoneError> {
        match (name, self.board.asked(), act) {
            (Some(name), _, _) => names::request(self.board.ids().chain(self.last.as_ref()), name),
            (None, Some(asked), _) => Ok(asked),
            (None, None, Act::Report) => self.last.clone().ok_or(PhoneError::NoSuchRequest),
            (None, None, Act::Approve(_) | Act::Deny) => Err(PhoneError::NoSuchRequest),
        }
    }

    async fn send(&mut self, id: PromptId, act: Act, lines: &mut Lines) -> Result<(), PhoneError> {
        // "Sending…" would be wrong for an approval with the sign-in key, because the person has to unlock the key
        // first.
        if !matches!(act, Act::Approve(_)) || !self.board.needs_unlock(&id) {
            self.output.text(&wrap("Sending…"))?;
        }
        match answer::send(self.phone, &id, act, self.output, lines).await {
            Ok(Ending::Done | Ending::Otherwise) => {
                self.board.take(&id);
                self.last = Some(id);
            }
            Ok(Ending::Queued) => {
                let delivery = self.phone.authenticator().delivery(id.clone()).await?;
                self.board.answered(&id, delivery.unwrap_or(Delivery::Sent));
                self.last = Some(id);
            }
            Err(error) => self.output.error(&error, Some(&id), None)?,
        }
        let snapshot = self.phone.authenticator().snapshot().await?;
        self.show(&snapshot)
    }
}
