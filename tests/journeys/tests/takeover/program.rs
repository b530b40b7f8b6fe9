//! Runs the service as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::SystemTime;

use countersign_journeys::Person;
use countersign_journeys::relying_party::free_port;
use serde_json::Value;
use tempfile::TempDir;

/// The administrator, who is on the service from the beginning.
pub(crate) const ADMINISTRATOR: &str = "root";
/// The password of every person.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A running service. Dropping this value kills the process.
pub(crate) struct Service {
    pub(crate) issuer: String,
    ca: Vec<u8>,
    folder: TempDir,
    child: Child,
    /// Kept open, because the process ends when its output is closed.
    _output: BufReader<ChildStdout>,
}

/// One process starts at a time, so that no two processes get the same free port.
static STARTING: Mutex<()> = Mutex::new(());

fn program() -> PathBuf {
    if let Some(given) = std::env::var_os("COUNTERSIGN_SERVICE") {
        return given.into();
    }
    let own = std::env::current_exe().unwrap();
    let built = own.parent().and_then(Path::parent).unwrap().join("countersign-service");
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let source = newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src"));
    assert!(changed(&built) >= Some(source), "first run: cargo build -p countersign-service");
    built
}

/// The time of the newest file in a folder.
fn newest(folder: &Path) -> SystemTime {
    let times = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { newest(&path) } else { path.metadata().unwrap().modified().unwrap() }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

impl Service {
    /// Starts a service with an administrator and these other people.
    pub(crate) fn start(people: &[&str]) -> Self {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for user in people.iter().chain(&[ADMINISTRATOR]) {
            command(&data, &["add-person", user], PASSWORD);
        }
        command(&data, &["administrator", ADMINISTRATOR], "");
        let port = free_port().unwrap();
        let issuer = format!("https://localhost:{port}");
        let mut child = Command::new(program())
            .args(["serve", "--issuer", &issuer, "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("is ready on") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the service ended before it was ready");
        }
        let ca = std::fs::read(data.join("authority.pem")).unwrap();
        Self { issuer, ca, folder, child, _output: output }
    }

    /// Runs a command of the operator. Returns what it printed.
    pub(crate) fn operator(&self, arguments: &[&str], input: &str) -> String {
        command(&self.folder.path().join("data"), arguments, input)
    }

    /// A browser in the network 127.0.`network`.0/24.
    pub(crate) fn browser(&self, network: u8) -> Person {
        Person::in_network(&self.issuer, &self.ca, Some([127, 0, network, 1].into())).unwrap()
    }

    /// Changes the policy by the API, with a token that the operator makes.
    pub(crate) async fn change_policy(&self, change: &Value) {
        let token = self.operator(&["api-token", ADMINISTRATOR], "");
        self.patch_policy(token.trim(), change).await;
    }

    /// Changes the policy by the API, with a given token.
    pub(crate) async fn patch_policy(&self, token: &str, change: &Value) {
        let request = self.browser(200).client().patch(format!("{}/api/policy", self.issuer));
        let response = request.bearer_auth(token).json(change).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    }

    /// Whether the API accepts a token.
    pub(crate) async fn accepts(&self, token: &str) -> bool {
        let request = self.browser(200).client().get(format!("{}/api/policy", self.issuer));
        request.bearer_auth(token).send().await.unwrap().status().is_success()
    }

    /// The policy, read by the API.
    pub(crate) async fn policy(&self) -> Value {
        let token = self.operator(&["api-token", ADMINISTRATOR], "");
        let request = self.browser(200).client().get(format!("{}/api/policy", self.issuer));
        request.bearer_auth(token.trim()).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn command(data: &Path, arguments: &[&str], input: &str) -> String {
    let [name, others @ ..] = arguments else { panic!("a command has a name") };
    let mut child = Command::new(program())
        .args([name, "--data"])
        .arg(data)
        .args(others)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing may have closed its input.
    let _closed = writeln!(child.stdin.take().unwrap(), "{input}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
