//! Processes each form once. A form that is sent twice (by a double click, or by a browser that retries a slow request)
//! gets the first response again, including its cookies. The work continues even if the browser disconnects.
//!
//! The responses are kept in the memory of one process. If two processes share a database and each receives one request
//! of a double click, both process the form. Only the page's script prevents this: the script does not send the second
//! request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{StatusCode, response};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio::time::Instant;

/// For this long after the response, a repeated form gets the same response.
const KEPT: Duration = Duration::from_secs(10);
/// The most forms that are remembered. The oldest are forgotten first.
const MAX_FORMS: usize = 2_048;
/// The longest response to a form, in bytes. No page is longer.
const MAX_PAGE: usize = 1 << 20;

/// A response that can be sent again.
#[derive(Clone)]
struct Answer {
    parts: response::Parts,
    body: Bytes,
    at: Instant,
}

type Pending = watch::Receiver<Option<Arc<Answer>>>;

#[derive(Default)]
struct Forms {
    answers: HashMap<String, Pending>,
    oldest_first: VecDeque<String>,
}

/// The recent forms, with their responses.
#[derive(Default)]
pub struct Once(Mutex<Forms>);

impl Once {
    /// Runs `act` for the form with the id `form`, and returns the response. If the same form is being processed, or
    /// was processed in the last ten seconds, returns the response to that form without running `act`.
    pub async fn answer(&self, form: String, act: impl Future<Output = Response> + Send + 'static) -> Response {
        answer_of(self.pending(form, Instant::now(), act)).await
    }

    /// Like `answer`, but does not wait: returns a receiver of the response. Runs `act` in its own task.
    fn pending(&self, form: String, now: Instant, act: impl Future<Output = Response> + Send + 'static) -> Pending {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forms.forget_old(now);
        // GUARD(form-once): j7_each_form_sent_twice_without_a_script_sends_one_prompt
        // INSTEAD: if let Some(pending) = forms.answers.get(&form).filter(|_pending| false) {
        if let Some(pending) = forms.answers.get(&form).filter(|pending| !is_old(pending, now)) {
            return pending.clone();
        }
        let (answered, pending) = watch::channel(None);
        // The work runs in its own task, because a browser that sends a form again closes its first connection.
        tokio::spawn(async move {
            let answer = buffered(act.await).await;
            answered.send_replace(Some(Arc::new(answer)));
        });
        forms.oldest_first.push_back(form.clone());
        forms.answers.insert(form, pending.clone());
        pending
    }
}

async fn answer_of(mut pending: Pending) -> Response {
    let answer = pending.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
    match answer {
        Some(answer) => Response::from_parts(answer.parts.clone(), Body::from(answer.body.clone())),
        // The task that processed the form has panicked.
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Forms {
    fn forget_old(&mut self, now: Instant) {
        while let Some(oldest) = self.oldest_first.front() {
            let keep = self.answers.get(oldest).is_some_and(|pending| !is_old(pending, now));
            if keep && self.oldest_first.len() < MAX_FORMS {
                break;
            }
            self.answers.remove(oldest);
            self.oldest_first.pop_front();
        }
    }
}

fn is_old(pending: &Pending, now: Instant) -> bool {
    match &*pending.borrow() {
        Some(answer) => now.saturating_duration_since(answer.at) >= KEPT,
        // The task that processes the form is still running, or has panicked. After a panic, the form can be processed
        // again.
        None => pending.has_changed().is_err(),
    }
}

async fn buffered(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    match to_bytes(body, MAX_PAGE).await {
        Ok(body) => Answer { parts, body, at: Instant::now() },
        Err(_too_large) => {
            let (parts, _) = StatusCode::INTERNAL_SERVER_ERROR.into_response().into_parts();
            Answer { parts, body: Bytes::new(), at: Instant::now() }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Counts the call, and waits until the gate opens. Responds with the number of earlier calls.
    async fn act(count: Arc<AtomicUsize>, gate: Arc<Semaphore>) -> Response {
        let number = count.fetch_add(1, Ordering::SeqCst);
        gate.acquire().await.unwrap().forget();
        number.to_string().into_response()
    }

    async fn text(pending: Pending) -> String {
        String::from_utf8(to_bytes(answer_of(pending).await.into_body(), MAX_PAGE).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn form_sent_twice_is_processed_once() {
        let (once, count, gate) = (Once::default(), Arc::default(), Arc::new(Semaphore::new(0)));
        let send = |form: &str, after| {
            once.pending(form.to_owned(), Instant::now() + after, act(Arc::clone(&count), gate.clone()))
        };
        let first = send("a", Duration::ZERO);
        let second = send("a", KEPT);
        gate.add_permits(9);
        assert_eq!(
            (text(first).await, text(second).await),
            ("0".to_owned(), "0".to_owned()),
            "the form was processed twice"
        );
        assert_eq!(text(send("a", Duration::ZERO)).await, "0", "the form was processed again right after its response");
        assert_eq!(text(send("b", Duration::ZERO)).await, "1");
        assert_eq!(text(send("a", KEPT)).await, "2", "the form was not processed again after {KEPT:?}");
    }

    #[tokio::test]
    async fn form_is_processed_even_if_the_browser_disconnects() {
        let (once, count, gate) = (Once::default(), Arc::default(), Arc::new(Semaphore::new(0)));
        drop(once.pending("a".to_owned(), Instant::now(), act(Arc::clone(&count), gate.clone())));
        gate.add_permits(1);
        let again = once.pending("a".to_owned(), Instant::now(), act(Arc::clone(&count), gate.clone()));
        assert_eq!(text(again).await, "0");
    }

    #[tokio::test]
    async fn oldest_forms_are_forgotten_first_at_the_limit() {
        let (once, count, gate) = (Once::default(), Arc::default(), Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)));
        let send = |form: usize| once.pending(form.to_string(), Instant::now(), act(Arc::clone(&count), gate.clone()));
        for form in 0..=MAX_FORMS {
            text(send(form)).await;
        }
        assert_eq!(once.0.lock().unwrap().answers.len(), MAX_FORMS);
        assert_eq!(text(send(MAX_FORMS)).await, MAX_FORMS.to_string(), "the newest form was forgotten");
        assert_eq!(text(send(0)).await, (MAX_FORMS + 1).to_string(), "the oldest form was not forgotten");
    }

    #[tokio::test]
    async fn form_can_be_sent_again_after_a_panic() {
        let once = Once::default();
        let broken = once.pending("a".to_owned(), Instant::now(), async { panic!("a simulated bug") });
        assert_eq!(answer_of(broken).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let again = once.pending("a".to_owned(), Instant::now(), async { StatusCode::OK.into_response() });
        assert_eq!(answer_of(again).await.status(), StatusCode::OK);
    }
}
