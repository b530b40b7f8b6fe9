//! Starts two real processes of the service on one folder, sends requests to both at the same time, and kills one of
//! them.

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

/// A running process of the service. Dropping this value kills the process.
struct Process {
    child: Child,
    /// Kept open because the process ends when its output is closed.
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

    /// Reads the output of the process until it is ready.
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
        unreachable!("the process ended before it was ready: {said:?}")
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

/// Starts two processes at the same time on an empty folder. Returns four values: the processes, a client for each
/// process, a third service that runs in the test on the same folder, and the folder.
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

/// Sends the same bytes to both processes at the same moment.
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
async fn two_processes_on_one_folder_act_as_one_service() {
    let (mut processes, services, own, folder) = two().await;
    let data = folder.path().join("data");
    let said = processes.iter().flat_map(|process| &process.said);
    assert_eq!(
        said.filter(|line| line.contains("with the password")).count(),
        1,
        "expected exactly one first administrator"
    );
    let chains = [services[0].keys().await.json(), services[1].keys().await.json()];
    assert_eq!(chains[0], chains[1]);

    // One request that is sent to both processes at the same moment has one effect.
    let phone = own.with_phone(1).await;
    own.ask("a").await;
    let prompt = phone.prompt(&services[0]).await;
    let report = json!({"message": "report", "prompt": jti_of(&own, &prompt)});
    let request = phone.sign(&phone.header(), &phone.claims(&own, "answers", report));
    let mut statuses = to_both(&services, &request).map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    // The request has no further effect after one process was killed and restarted.
    processes[0].kill();
    processes[0] = Process::ready(Process::start(&data));
    let restarted = there(&own, &data, &processes[0]);
    assert_eq!(restarted.post("answers", request).await.problem(), "request-refused");
    let entries: Vec<Entry> = own.app.store.global_blocking(|tx| tx.children(&own.account)).unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.what == "reported").count(), 1);

    // While both processes run, two parallel operator commands make only one new key.
    let operators = [(); 2].map(|()| {
        let mut command = Command::new(PROGRAM);
        command.args(["rotate-keys", "--data"]).arg(&data).stdout(Stdio::piped()).spawn().unwrap()
    });
    for operator in operators {
        let said = String::from_utf8(operator.wait_with_output().unwrap().stdout).unwrap();
        assert!(said.contains("into use in 48 hours") || said.contains("into use in 47 hours"), "{said}");
    }
    for service in [&restarted, &services[1]] {
        assert_eq!(service.keys().await.json()["chain"].as_array().map(Vec::len), Some(2));
    }
}

/// A client from one network sends requests to both processes as fast as it can. Together, the processes accept only as
/// many requests as one process would.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_network_limits() {
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
    assert!(taken <= most, "accepted {taken} requests in {seconds} s");
    assert!(taken >= Config::LIMITS.burst, "accepted {taken} requests, refused {refused}");
}
