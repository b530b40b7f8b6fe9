//! Defines the state of one life (one simulated phone): a person with a browser, the phone's process, and the decisions
//! so far.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use countersign_journeys::people::PASSWORD;
use countersign_journeys::{PageView, Person};
use countersign_service::devices::device::Device;
use countersign_service::people::records as people;
use countersign_service::prompts::ceremony::{Kind, Outcome};
use countersign_service::store::{StoreError, Tx};

use crate::fault::Fault;
use crate::orders::{Aim, Order, Place, Said, State, Waiting};
use crate::plan::{Act, Attack, RelayFault, Round};
use crate::process::{Heard, Process, Started, Surroundings};
use crate::stage::Stage;
use crate::tally::Tally;

/// The time limit to reach a goal. It is longer than the outbox's longest pause after one cut, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const A_LITTLE: Duration = Duration::from_millis(120);

/// The facts that must be true when nothing is pending.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Whether the account is on the phone and works.
    pub account: bool,
    /// Whether phone sign-in is on.
    pub on: bool,
    /// How often a phone was added.
    pub added: usize,
    /// How often the person turned phone sign-in on. The service's audit log must not contain more entries for this.
    pub turned_on: usize,
    /// The expected outcome of each ceremony.
    pub decided: Vec<(Kind, Outcome)>,
    /// Whether the phone has lost its keys, so that phone and service can't be compared.
    pub parted: bool,
}

/// One simulated phone, from adding an account to the end of the account.
pub(crate) struct Life<'s> {
    pub stage: &'s Stage,
    pub user: String,
    /// The browser in which the person adds the phone.
    pub browser: Person,
    pub surroundings: Surroundings,
    process: Option<Process>,
    /// The URL that the browser opened last, and the URL to which it was redirected.
    pub back: Option<(String, String)>,
    /// The phone's last known screen.
    pub state: State,
    pub expected: Expected,
    /// The ids of the prompts that earlier acts have decided.
    pub answered: BTreeSet<String>,
    /// Whether the network was disturbed or the process was killed in this act.
    pub disturbed: bool,
    first: Option<Aim>,
    second: Option<Aim>,
    act: Act,
    tally: Tally,
}

impl<'s> Life<'s> {
    pub(crate) fn begin(stage: &'s Stage, seed: u64) -> Result<Self, Fault> {
        let user = format!("person-{seed}@example.org");
        stage.world.add_person(&user, PASSWORD).map_err(Fault::broken)?;
        let surroundings = Surroundings {
            program: stage.program.clone(),
            home: stage.folder.path().join(format!("phone-{seed}")),
            relay: stage.world.relay_url(),
            ca: stage.ca.clone(),
            ahead: 0,
        };
        Ok(Self {
            stage,
            user,
            browser: stage.world.person().map_err(Fault::broken)?,
            surroundings,
            process: None,
            back: None,
            state: State::default(),
            expected: Expected::default(),
            answered: BTreeSet::new(),
            disturbed: false,
            first: None,
            second: None,
            act: Act::ByCode,
            tally: Tally::default(),
        })
    }

    /// Applies the faults of a round, and starts the phone's process if it does not run.
    pub(crate) async fn begin_round(&mut self, round: &Round) -> Result<(), Fault> {
        self.act = round.act;
        self.apply(&round.attack);
        if self.process.is_none() {
            self.start(round.attack.first.clone(), &[]).await
        } else {
            self.ask(Order::Arm(round.attack.first.clone())).await.map(|_said| ())
        }
    }

    /// Ends the faults of the round.
    pub(crate) async fn end_round(&mut self) -> Result<(), Fault> {
        self.second = None;
        if self.process.is_some() {
            self.ask(Order::Arm(None)).await?;
        }
        self.clear();
        Ok(())
    }

    /// Ends the process. Returns the phone's folder and the counts.
    pub(crate) async fn over(mut self) -> (PathBuf, Tally) {
        self.clear();
        self.end_process().await;
        (self.surroundings.home, self.tally)
    }

    fn apply(&mut self, attack: &Attack) {
        self.disturbed = attack.cut.is_some() || attack.trick.is_some();
        self.first.clone_from(&attack.first);
        self.second.clone_from(&attack.second);
        if let Some((path, cut)) = attack.cut {
            self.stage.world.cuts.cut(path, cut, 1);
        }
        if let Some((path, trick)) = attack.trick {
            self.stage.wire.play(path, trick);
        }
        if let Some(relay) = &self.stage.world.relay {
            match attack.relay {
                Some(RelayFault::Loses) => relay.faults.lose_one_in(1),
                Some(RelayFault::Delays(delay)) => relay.faults.delay(delay),
                Some(RelayFault::Doubles) => relay.faults.double_one_in(1),
                Some(RelayFault::Reorders) => relay.faults.reorder(true),
                None => {}
            }
        }
    }

    fn clear(&self) {
        self.stage.world.cuts.heal();
        self.stage.wire.heal();
        if let Some(relay) = &self.stage.world.relay {
            relay.faults.lose_one_in(0);
            relay.faults.delay(Duration::ZERO);
            relay.faults.double_one_in(0);
            relay.faults.reorder(false);
        }
    }

    /// Gives an order to the phone, and waits for the result. If the phone's process is killed, starts another process.
    pub(crate) async fn ask(&mut self, order: Order) -> Result<Said, Fault> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => return Err(Fault::Broken("no phone process is running".to_owned())),
        };
        let mut passed = Vec::new();
        let heard = process.ask(&order, &mut passed).await;
        self.count(passed);
        match heard? {
            Heard::Said(said, state) => {
                (self.process, self.state) = (Some(process), state);
                Ok(said)
            }
            Heard::Killed(place) => {
                self.killed(place);
                let second = self.second.take();
                self.start(second, &[]).await?;
                Ok(Said::Killed)
            }
        }
    }

    /// Starts the phone's process. If the process is killed while it starts, starts another process.
    pub(crate) async fn start(&mut self, aim: Option<Aim>, further: &[&str]) -> Result<(), Fault> {
        let opened = self.try_start(aim, further).await?;
        opened.map_err(|why| Fault::Lost(format!("the phone does not open: {why}")))
    }

    /// Starts the phone's process like `start`. If the phone can't be opened, returns the reason instead of a failure.
    pub(crate) async fn try_start(
        &mut self,
        mut aim: Option<Aim>,
        further: &[&str],
    ) -> Result<Result<(), String>, Fault> {
        loop {
            let mut passed = Vec::new();
            let started = Process::start(&self.surroundings, aim.as_ref(), further, &mut passed).await;
            self.count(passed);
            match started? {
                Started::Open(process, state) => {
                    (self.process, self.state) = (Some(*process), state);
                    return Ok(Ok(()));
                }
                Started::Shut(why) => return Ok(Err(why)),
                Started::Killed(place) => {
                    self.killed(place);
                    aim = self.second.take();
                }
            }
        }
    }

    pub(crate) async fn end_process(&mut self) {
        if let Some(process) = self.process.take() {
            let mut passed = Vec::new();
            process.end(&mut passed).await;
            self.count(passed);
        }
    }

    /// Ends the process and opens the app again. The phone's clock is then `ahead` seconds ahead.
    pub(crate) async fn reopen(&mut self, ahead: u64) -> Result<(), Fault> {
        self.end_process().await;
        self.surroundings.ahead = ahead;
        let aim = self.aim_again();
        self.start(aim, &[]).await
    }

    /// Takes the kill for a process that the act itself starts. This is the planned first kill or, if the first kill
    /// has happened already, the planned second kill. Returns `None` when no planned kill is left.
    pub(crate) fn aim_again(&mut self) -> Option<Aim> {
        self.first.take().or_else(|| self.second.take())
    }

    fn killed(&mut self, place: Place) {
        self.first = None;
        self.disturbed = true;
        let counted = self.tally.killed.entry(place).or_default();
        *counted = counted.saturating_add(1);
    }

    fn count(&mut self, passed: Vec<Place>) {
        for place in passed {
            let seen = self.tally.seen.entry(self.act).or_default().entry(place.point.clone()).or_default();
            *seen = seen.saturating_add(1);
            let counted = self.tally.passed.entry(place).or_default();
            *counted = counted.saturating_add(1);
        }
    }

    /// Repeats `step` until it returns a value. `what` states the goal, for the failure's text.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut step: impl AsyncFnMut(&mut Self) -> Result<Option<T>, Fault>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(reached) = step(self).await? {
                return Ok(reached);
            }
            tokio::time::sleep(A_LITTLE).await;
        }
        Err(Fault::Stuck(format!("not reached: {what}; the phone shows {:?}", self.state)))
    }

    /// The phone's first pending step.
    pub(crate) fn waits(&self) -> Option<Waiting> {
        self.state.waiting.first().cloned()
    }

    /// Gives an order. Returns a failure if the order fails permanently although the act was not disturbed.
    pub(crate) async fn must(&mut self, order: Order) -> Result<Said, Fault> {
        match self.ask(order.clone()).await? {
            Said::Refused { why, passes: false } if !self.disturbed => {
                Err(Fault::Broken(format!("{order:?} is refused: {why}")))
            }
            said => Ok(said),
        }
    }

    pub(crate) async fn open(&self, path: &str) -> Result<PageView, Fault> {
        self.browser.open(path).await.map_err(Fault::broken)
    }

    pub(crate) fn fresh_browser(&self) -> Result<Person, Fault> {
        self.stage.world.person().map_err(Fault::broken)
    }

    /// Reads or changes the service's records of this person.
    pub(crate) fn service<T>(&self, work: impl Fn(&mut Tx<'_>, &str) -> Result<T, StoreError>) -> Result<T, Fault> {
        let found = self.stage.world.app.store.global_blocking(|tx| {
            let person = people::find(tx, &self.user)?;
            person.map(|person| work(tx, &person.account_id)).transpose()
        });
        found.map_err(Fault::broken)?.ok_or_else(|| Fault::Broken("the service does not know the person".to_owned()))
    }

    pub(crate) fn devices(&self) -> Result<Vec<Device>, Fault> {
        self.service(|tx, account| tx.children::<Device>(account))
    }
}

/// The failure for an unexpected page.
pub(crate) fn surprise(page: &PageView) -> Fault {
    let text = page.text("outcome").unwrap_or_default();
    Fault::Broken(format!("an unexpected page: {} {text}", page.name()))
}
