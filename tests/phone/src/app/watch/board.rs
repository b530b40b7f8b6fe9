//! Keeps the requests that are on the screen, and compares them with the newest snapshot. Does no I/O.

use countersign::{Account, Delivery, Outcome, PromptId, PromptState, Timestamp};

use crate::render::PromptView;

/// A change that the person has to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A new request.
    New(Box<PromptView>),
    /// The delivery of an answer has changed.
    OnItsWay(PromptId, Delivery),
    /// The service returned the outcome of an answer.
    Done(PromptId, Outcome),
    /// A request is no longer listed.
    Gone { id: PromptId, reason: &'static str, words: &'static str },
    /// The health, phone sign-in or alerts of an account have changed.
    Account(Account),
}

const EXPIRED: &str = "This request has expired. Nobody was signed in.";
const ENDED: &str = "The request has ended. There is nothing to do.";
const HANDED_OVER: &str = "Your answer is no longer being sent. Look at the page for the result.";

/// The requests and accounts as they were shown last.
#[derive(Debug, Default)]
pub(super) struct Board {
    shown: Vec<PromptView>,
    /// The request that the person was asked about last.
    asked: Option<PromptId>,
    /// Requests that `take` has removed; an older snapshot may still list them.
    over: Vec<PromptId>,
    accounts: Option<Vec<Account>>,
    /// Quiet requests that the person has asked to see.
    looked_at: Vec<PromptId>,
    /// The number of hidden requests at the last call of `hidden_news`; 0 after `look`.
    reported_hidden: u64,
}

impl Board {
    /// Stores the current requests and accounts, and returns what has changed.
    pub(super) fn update(&mut self, now_there: Vec<PromptView>, accounts: &[Account], now: Timestamp) -> Vec<Change> {
        let mut changes = self.changed_accounts(accounts);
        let there: Vec<PromptView> = now_there
            .into_iter()
            .filter(|view| !self.over.contains(&view.id) && (view.state != PromptState::Open || view.expires_at > now))
            .map(|view| self.without_retries(view))
            .collect();
        for old in &self.shown {
            if !there.iter().any(|view| view.id == old.id) {
                changes.push(gone(old, now));
            }
        }
        for view in &there {
            match (view.state, self.shown.iter().find(|old| old.id == view.id)) {
                (PromptState::Open, None) => changes.push(Change::New(Box::new(view.clone()))),
                (PromptState::Answering { delivery }, Some(old)) if old.state != view.state => {
                    changes.push(Change::OnItsWay(view.id.clone(), delivery));
                }
                (PromptState::Done { outcome }, Some(old)) if old.state != view.state => {
                    changes.push(Change::Done(view.id.clone(), outcome));
                }
                _ => {}
            }
        }
        self.shown = there;
        changes
    }

    /// Hides the start of a retry: the shown delivery stays the same until the retry has ended.
    fn without_retries(&self, mut view: PromptView) -> PromptView {
        if let (PromptState::Answering { delivery: Delivery::Sending }, Some(old)) =
            (view.state, self.shown.iter().find(|old| old.id == view.id))
            && matches!(old.state, PromptState::Answering { .. })
        {
            view.state = old.state;
        }
        view
    }

    fn changed_accounts(&mut self, accounts: &[Account]) -> Vec<Change> {
        let before = self.accounts.replace(accounts.to_vec()).unwrap_or_else(|| accounts.to_vec());
        let differs =
            |account: &&Account| before.iter().any(|old| old.id == account.id && works_differently(old, account));
        accounts.iter().filter(differs).cloned().map(Change::Account).collect()
    }

    /// Removes a request from the screen; returns true when the request was shown.
    pub(super) fn take(&mut self, id: &PromptId) -> bool {
        let before = self.shown.len();
        self.shown.retain(|view| view.id != *id);
        self.over.push(id.clone());
        before != self.shown.len()
    }

    /// Notes that the person has answered a request, and that the service has not acknowledged the answer.
    pub(super) fn answered(&mut self, id: &PromptId, delivery: Delivery) {
        if let Some(view) = self.shown.iter_mut().find(|view| view.id == *id) {
            view.state = PromptState::Answering { delivery };
        }
    }

    /// Returns the first visible request. Returns `None` when no request is visible, or when this request is the one
    /// that the person was asked about last.
    pub(super) fn next_to_ask(&mut self) -> Option<PromptView> {
        let first = self.visible().next().cloned();
        let id = first.as_ref().map(|view| view.id.clone());
        if id == self.asked {
            return None;
        }
        self.asked = id;
        first
    }

    /// Returns the request to which an order without a name applies.
    pub(super) fn asked(&self) -> Option<PromptId> {
        self.asked.clone().filter(|asked| self.visible().any(|view| view.id == *asked))
    }

    /// Whether approving this request needs the passphrase of the lock.
    pub(super) fn needs_unlock(&self, id: &PromptId) -> bool {
        self.shown.iter().any(|view| view.id == *id && view.needs_unlock)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &PromptId> {
        self.shown.iter().map(|view| &view.id)
    }

    /// Returns how many visible requests wait for the person.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.visible().count()).unwrap_or(u64::MAX)
    }

    /// Makes quiet requests visible, because the person asked for the list.
    pub(super) fn look(&mut self) {
        self.looked_at = self.ids().cloned().collect();
        self.reported_hidden = 0;
    }

    /// Returns the number of hidden requests when this number was 0 at the last call and is not 0 now. `look` resets
    /// the number of the last call to 0.
    pub(super) fn hidden_news(&mut self) -> Option<u64> {
        let hidden = self.open().filter(|view| !self.is_visible(view)).count();
        let hidden = u64::try_from(hidden).unwrap_or(u64::MAX);
        let before = std::mem::replace(&mut self.reported_hidden, hidden);
        (before == 0 && hidden > 0).then_some(hidden)
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.open().any(|view| view.expires_at <= now)
    }

    fn visible(&self) -> impl Iterator<Item = &PromptView> {
        self.open().filter(|view| self.is_visible(view))
    }

    fn is_visible(&self, view: &PromptView) -> bool {
        view.quiet.is_none() || self.looked_at.contains(&view.id)
    }

    fn open(&self) -> impl Iterator<Item = &PromptView> {
        self.shown.iter().filter(|view| view.state == PromptState::Open)
    }
}

fn works_differently(old: &Account, new: &Account) -> bool {
    let quiet = |account: &Account| account.quiet_origins.iter().map(|quiet| quiet.origin).collect::<Vec<_>>();
    old.health != new.health
        || old.phone_sign_in != new.phone_sign_in
        || old.muted_until != new.muted_until
        || quiet(old) != quiet(new)
}

fn gone(view: &PromptView, now: Timestamp) -> Change {
    let (reason, words) = match view.state {
        PromptState::Open if view.expires_at <= now => ("expired", EXPIRED),
        PromptState::Open => ("ended", ENDED),
        _ => ("handed_over", HANDED_OVER),
    };
    Change::Gone { id: view.id.clone(), reason, words }
}

#[cfg(test)]
mod tests {
    use countersign::Quiet;

    use super::*;
    use crate::render::good_view;

    const NOW: Timestamp = Timestamp(2_012);

    fn second_view() -> PromptView {
        let mut view = good_view();
        view.id.jti = "zzzzzzzzzzzzzzzzzzzzzz".to_owned();
        view
    }

    #[test]
    fn new_request_is_asked_about_once() {
        let mut board = Board::default();
        assert_eq!(board.update(vec![good_view()], &[], NOW), [Change::New(Box::new(good_view()))]);
        assert_eq!(board.next_to_ask(), Some(good_view()));
        assert_eq!(board.update(vec![good_view()], &[], NOW), []);
        assert_eq!(board.next_to_ask(), None);
        assert_eq!(board.asked(), Some(good_view().id));
    }

    #[test]
    fn second_request_is_asked_about_after_the_first() {
        let mut board = Board::default();
        board.update(vec![good_view(), second_view()], &[], NOW);
        assert_eq!(board.next_to_ask(), Some(good_view()));
        board.take(&good_view().id);
        assert_eq!(board.next_to_ask(), Some(second_view()));
    }

    #[test]
    fn order_does_not_apply_to_a_removed_request() {
        let mut board = Board::default();
        board.update(vec![good_view(), second_view()], &[], NOW);
        board.next_to_ask();
        board.update(vec![second_view()], &[], NOW);
        assert_eq!(board.asked(), None);
    }

    #[test]
    fn expired_request_is_removed_with_a_message() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        assert!(!board.has_expired(NOW) && board.has_expired(Timestamp(2_120)));
        let changes = board.update(vec![good_view()], &[], Timestamp(2_120));
        assert_eq!(changes, [Change::Gone { id: good_view().id, reason: "expired", words: EXPIRED }]);
        assert_eq!(board.asked(), None);
    }

    #[test]
    fn withdrawn_request_is_reported_once() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        assert!(board.take(&good_view().id));
        assert!(!board.take(&good_view().id));
        assert_eq!(board.update(vec![good_view()], &[], NOW), []);
        assert_eq!(board.update(vec![], &[], NOW), []);
    }

    #[test]
    fn answered_request_is_not_asked_about_again() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        board.next_to_ask();
        board.answered(&good_view().id, Delivery::WaitingForNetwork);
        assert_eq!(board.asked(), None);
        assert_eq!(board.waiting(), 0);
        let at = |delivery| PromptView { state: PromptState::Answering { delivery }, ..good_view() };
        assert_eq!(board.update(vec![at(Delivery::Sending)], &[], NOW), [], "a retry was reported");
        assert_eq!(board.update(vec![at(Delivery::WaitingForNetwork)], &[], NOW), []);
        let sent = [Change::OnItsWay(good_view().id, Delivery::Sent)];
        assert_eq!(board.update(vec![at(Delivery::Sent)], &[], NOW), sent);
        let mut done = good_view();
        done.state = PromptState::Done { outcome: Outcome::Approved };
        assert_eq!(board.update(vec![done], &[], NOW), [Change::Done(good_view().id, Outcome::Approved)]);
    }

    #[test]
    fn quiet_request_is_asked_about_only_after_look() {
        let quiet = PromptView { quiet: Some(Quiet::JustAsked), ..second_view() };
        let mut board = Board::default();
        let changes = board.update(vec![quiet.clone()], &[], NOW);
        assert_eq!(changes, [Change::New(Box::new(quiet.clone()))]);
        assert_eq!((board.next_to_ask(), board.waiting()), (None, 0));
        assert_eq!(
            (board.hidden_news(), board.hidden_news()),
            (Some(1), None),
            "the hidden request was not reported exactly once"
        );
        board.update(vec![quiet.clone(), good_view()], &[], NOW);
        assert_eq!(board.next_to_ask(), Some(good_view()), "the quiet request was asked about first");
        board.take(&good_view().id);
        board.look();
        assert_eq!((board.next_to_ask(), board.asked()), (Some(quiet.clone()), Some(quiet.id)));
    }

    #[test]
    fn account_removed_by_its_service_is_reported() {
        let mut board = Board::default();
        let before = good_view().account;
        let mut after = before.clone();
        after.health =
            countersign::AccountHealth::RemovedByService { cause: countersign::RemovalCause::RemovedByPerson };
        assert_eq!(board.update(vec![], std::slice::from_ref(&before), NOW), []);
        assert_eq!(board.update(vec![], std::slice::from_ref(&after), NOW), [Change::Account(after)]);
    }
}
