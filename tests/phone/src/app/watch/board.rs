//! The requests on the screen: pure, compares what is shown with what there is.

use countersign::{Account, Outcome, PromptId, PromptState, Timestamp};

use crate::render::PromptView;

/// What has changed for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A request has come.
    New(Box<PromptView>),
    /// The service said what came of an answer that was on its way.
    Done(PromptId, Outcome),
    /// A request is no longer there.
    Gone { id: PromptId, reason: &'static str, words: &'static str },
    /// An account works differently than before.
    Account(Account),
}

const EXPIRED: &str = "The time for this request is over. Nobody was signed in by it.";
const ENDED: &str = "The request has ended. There is nothing to do.";
const HANDED_OVER: &str = "Your answer is no longer on its way. Look at the page for what came of it.";

/// What is on the screen.
#[derive(Debug, Default)]
pub(super) struct Board {
    shown: Vec<PromptView>,
    /// The request that the person was asked about.
    asked: Option<PromptId>,
    /// Ended requests that a snapshot taken before may still list.
    over: Vec<PromptId>,
    accounts: Option<Vec<Account>>,
}

impl Board {
    /// Takes over what there is now, and tells what that changes.
    pub(super) fn update(&mut self, now_there: Vec<PromptView>, accounts: &[Account], now: Timestamp) -> Vec<Change> {
        let mut changes = self.changed_accounts(accounts);
        let there: Vec<PromptView> = now_there
            .into_iter()
            .filter(|view| !self.over.contains(&view.id) && (view.state != PromptState::Open || view.expires_at > now))
            .collect();
        for old in &self.shown {
            if !there.iter().any(|view| view.id == old.id) {
                changes.push(gone(old, now));
            }
        }
        for view in &there {
            match (view.state, self.shown.iter().find(|old| old.id == view.id)) {
                (PromptState::Open, None) => changes.push(Change::New(Box::new(view.clone()))),
                (PromptState::Done { outcome }, Some(old)) if old.state != view.state => {
                    changes.push(Change::Done(view.id.clone(), outcome));
                }
                _ => {}
            }
        }
        self.shown = there;
        changes
    }

    fn changed_accounts(&mut self, accounts: &[Account]) -> Vec<Change> {
        let before = self.accounts.replace(accounts.to_vec()).unwrap_or_else(|| accounts.to_vec());
        let differs =
            |account: &&Account| before.iter().any(|old| old.id == account.id && works_differently(old, account));
        accounts.iter().filter(differs).cloned().map(Change::Account).collect()
    }

    /// Takes a request off; true when it was shown.
    pub(super) fn take(&mut self, id: &PromptId) -> bool {
        let before = self.shown.len();
        self.shown.retain(|view| view.id != *id);
        self.over.push(id.clone());
        before != self.shown.len()
    }

    /// Notes that the person has answered and the service does not know yet.
    pub(super) fn answered(&mut self, id: &PromptId) {
        if let Some(view) = self.shown.iter_mut().find(|view| view.id == *id) {
            view.state = PromptState::Answering;
        }
    }

    /// The request to ask about, unless the person was asked about it already.
    pub(super) fn next_to_ask(&mut self) -> Option<PromptView> {
        let first = self.open().next().cloned();
        let id = first.as_ref().map(|view| view.id.clone());
        if id == self.asked {
            return None;
        }
        self.asked = id;
        first
    }

    /// The request that a bare order is about.
    pub(super) fn asked(&self) -> Option<PromptId> {
        self.asked.clone().filter(|asked| self.open().any(|view| view.id == *asked))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &PromptId> {
        self.shown.iter().map(|view| &view.id)
    }

    /// How many wait for the person.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.open().count()).unwrap_or(u64::MAX)
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.open().any(|view| view.expires_at <= now)
    }

    fn open(&self) -> impl Iterator<Item = &PromptView> {
        self.shown.iter().filter(|view| view.state == PromptState::Open)
    }
}

fn works_differently(old: &Account, new: &Account) -> bool {
    old.health != new.health || old.phone_sign_in != new.phone_sign_in
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
    use super::*;
    use crate::render::good_view;

    const NOW: Timestamp = Timestamp(2_012);

    fn second_view() -> PromptView {
        let mut view = good_view();
        view.id.jti = "zzzzzzzzzzzzzzzzzzzzzz".to_owned();
        view
    }

    #[test]
    fn a_request_comes_and_is_asked_about_once() {
        let mut board = Board::default();
        assert_eq!(board.update(vec![good_view()], &[], NOW), [Change::New(Box::new(good_view()))]);
        assert_eq!(board.next_to_ask(), Some(good_view()));
        assert_eq!(board.update(vec![good_view()], &[], NOW), []);
        assert_eq!(board.next_to_ask(), None);
        assert_eq!(board.asked(), Some(good_view().id));
    }

    #[test]
    fn the_second_request_waits_for_the_first() {
        let mut board = Board::default();
        board.update(vec![good_view(), second_view()], &[], NOW);
        assert_eq!(board.next_to_ask(), Some(good_view()));
        board.take(&good_view().id);
        assert_eq!(board.next_to_ask(), Some(second_view()));
    }

    #[test]
    fn an_order_never_lands_on_a_request_that_was_not_shown() {
        let mut board = Board::default();
        board.update(vec![good_view(), second_view()], &[], NOW);
        board.next_to_ask();
        board.update(vec![second_view()], &[], NOW);
        assert_eq!(board.asked(), None);
    }

    #[test]
    fn a_request_whose_time_is_over_goes_with_words() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        assert!(!board.has_expired(NOW) && board.has_expired(Timestamp(2_120)));
        let changes = board.update(vec![good_view()], &[], Timestamp(2_120));
        assert_eq!(changes, [Change::Gone { id: good_view().id, reason: "expired", words: EXPIRED }]);
        assert_eq!(board.asked(), None);
    }

    #[test]
    fn a_withdrawn_request_is_not_said_to_have_gone_twice() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        assert!(board.take(&good_view().id));
        assert!(!board.take(&good_view().id));
        assert_eq!(board.update(vec![good_view()], &[], NOW), []);
        assert_eq!(board.update(vec![], &[], NOW), []);
    }

    #[test]
    fn an_answer_on_its_way_is_not_asked_about_again() {
        let mut board = Board::default();
        board.update(vec![good_view()], &[], NOW);
        board.next_to_ask();
        board.answered(&good_view().id);
        assert_eq!(board.asked(), None);
        assert_eq!(board.waiting(), 0);
        let mut done = good_view();
        done.state = PromptState::Done { outcome: Outcome::Approved };
        assert_eq!(board.update(vec![done], &[], NOW), [Change::Done(good_view().id, Outcome::Approved)]);
    }

    #[test]
    fn an_account_that_was_removed_by_its_service_is_told() {
        let mut board = Board::default();
        let before = good_view().account;
        let mut after = before.clone();
        after.health =
            countersign::AccountHealth::RemovedByService { cause: countersign::RemovalCause::RemovedByPerson };
        assert_eq!(board.update(vec![], std::slice::from_ref(&before), NOW), []);
        assert_eq!(board.update(vec![], std::slice::from_ref(&after), NOW), [Change::Account(after)]);
    }
}
