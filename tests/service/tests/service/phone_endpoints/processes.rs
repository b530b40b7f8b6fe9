//! Two real processes of the service's program on one folder: started at once, asked at once, killed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use countersign_service::audit::Entry;
use countersign_service::config::Config;
use countersign_service::data;
use countersign_service::operator;
use serde_json::json;
use tempfile::TempDir;

use super::phone::jti_of;
use super::service::{Answer, ISSUER, Service};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-service");

/// A running program; killed when dropped.
struct Process {
    child: Child,
    /// Open as long as it runs: a program that nobody listens to ends.
    _output: BufReader<ChildStdout>,
    said: Vec<String>,
    url: String,
}

impl Process {
    fn start(folder: &Path) -> Child {
        let options = ["--issuer", ISSUER, "--listen", "127.0.0.1:0", "--data"];
        let mut command = Command::new(PROGRAM);
        command.arg("serve").args(options).arg(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Reads what it says until it is ready.
    fn ready(mut child: Child) -> Self {
        let mut said = Vec::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        while let Some(line) = output.by_ref().lines().next() {
            let line = line.unwrap();
            let address = line.split_once("is ready on ").map(|(_, address)| address.trim_end_matches('.').to_owned());
            said.push(line);
            if let Some(address) = address {
                let port = address.rsplit(':').next().unwrap();
                return Self { child, _output: output, said, url: format!("https://localhost:{port}") };
            }
        }
        unreachable!("it ended: {said:?}")
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two processes that were started together on an empty folder, the same as services, and one of the test's own beside
/// them.
async fn two() -> ([Process; 2], [Service; 2], Service, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let children = [(); 2].map(|()| Process::start(&data));
    let processes = children.map(Process::ready);
    operator::add_person(&data::open(&data).unwrap(), "alice", "Alice", "correct horse", 1).unwrap();
    let own = Service::on(&data).await;
    let services = [0, 1].map(|which: usize| there(&own, &data, &processes[which]));
    (processes, services, own, folder)
}

fn there(own: &Service, data: &Path, process: &Process) -> Service {
    own.elsewhere(process.url.clone(), &std::fs::read(data.join("authority.pem")).unwrap())
}

/// The same bytes to both at the very same moment.
fn to_both(services: &[Service; 2], body: &str) -> [Answer; 2] {
    let barrier = Arc::new(Barrier::new(2));
    let threads = services.each_ref().map(|service| {
        let (service, body, barrier) = (service.clone(), body.to_owned(), barrier.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            barrier.wait();
            runtime.block_on(service.post("answers", body))
        })
    });
    threads.map(|thread| thread.join().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_folder_are_one_service() {
    let (mut processes, services, own, folder) = two().await;
    let data = folder.path().join("data");
    let said = processes.iter().flat_map(|process| &process.said);
    assert_eq!(said.filter(|line| line.contains("with the password")).count(), 1, "one first administrator");
    let chains = [services[0].keys().await.json(), services[1].keys().await.json()];
    assert_eq!(chains[0], chains[1]);

    // One request to both at once: one effect.
    let phone = own.with_phone(1).await;
    own.ask("a").await;
    let prompt = phone.prompt(&services[0]).await;
    let report = json!({"message": "report", "prompt": jti_of(&own, &prompt)});
    let request = phone.sign(&phone.header(), &phone.claims(&own, "answers", report));
    let mut statuses = to_both(&services, &request).map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    // Killed, and started anew: still only once.
    processes[0].kill();
    processes[0] = Process::ready(Process::start(&data));
    let anew = there(&own, &data, &processes[0]);
    assert_eq!(anew.post("answers", request).await.problem(), "request-refused");
    let entries: Vec<Entry> = own.app.store.run_blocking(|tx| tx.children(&own.account)).unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.what == "reported").count(), 1);

    // The operator twice at once, beside both: one new key.
    let operators = [(); 2].map(|()| {
        let mut command = Command::new(PROGRAM);
        command.args(["rotate-keys", "--data"]).arg(&data).stdout(Stdio::piped()).spawn().unwrap()
    });
    for operator in operators {
        let said = String::from_utf8(operator.wait_with_output().unwrap().stdout).unwrap();
        assert!(said.contains("it signs in 48 hours") || said.contains("it signs in 47 hours"), "{said}");
    }
    for service in [&anew, &services[1]] {
        assert_eq!(service.keys().await.json()["chain"].as_array().map(Vec::len), Some(2));
    }
}

/// One network asks both as fast as it can: together they let through what one would.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_count_a_network_together() {
    let (_processes, services, _own, _folder) = two().await;
    let started = Instant::now();
    let (mut taken, mut refused) = (0_u32, 0_u32);
    for round in 0..130 {
        for service in &services {
            let answer = service.keys().await;
            match answer.status {
                200 => taken += 1,
                429 => refused += 1,
                other => unreachable!("{other} in round {round}: {}", answer.body),
            }
        }
    }
    let seconds = u32::try_from(started.elapsed().as_secs()).unwrap() + 1;
    let most = Config::LIMITS.burst + Config::LIMITS.per_second * (seconds + 1);
    assert!(taken <= most, "{taken} in {seconds} s");
    assert!(taken >= Config::LIMITS.burst, "{taken} and {refused}");
}
