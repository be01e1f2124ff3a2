//! A Kafka of its own on a free port: the mock cluster of librdkafka, which lives in a kcat, and what kcat reads from it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A broker that ends when it is dropped.
pub struct Kafka {
    child: Child,
    /// As long as it is open it stays.
    _input: Option<ChildStdin>,
    address: String,
}

impl Kafka {
    /// Starts one, with a topic. None, said loudly, where no kcat is installed.
    pub fn start(topic: &str) -> Option<Self> {
        let mut child = match Command::new("kcat")
            .args(["-X", "test.mock.num.brokers=1", "-d", "mock", "-P", "-b", "mock", "-t", topic])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
        {
            Ok(child) => child,
            Err(error) => {
                eprintln!("SKIPPED: no kcat (make setup installs it): {error}");
                return None;
            }
        };
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stderr.take()?).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("bootstrap.servers=").map(|(_, address)| address.trim().to_owned())
        })?;
        // What it goes on to say is read, so that it can say it.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, _input: input, address })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All that is in a topic: partition, key and value of each record, in the order of each partition.
    pub fn records(&self, topic: &str) -> Vec<(u32, String, String)> {
        let output = Command::new("kcat")
            .args(["-C", "-q", "-e", "-o", "beginning", "-b", &self.address, "-t", topic])
            .args(["-f", "%p\\t%k\\t%s\\n"])
            .output();
        let text = String::from_utf8(output.expect("kcat").stdout).expect("text");
        let record = |line: &str| {
            let mut parts = line.splitn(3, '\t');
            Some((parts.next()?.parse().ok()?, parts.next()?.to_owned(), parts.next()?.to_owned()))
        };
        text.lines().map(|line| record(line).expect("a record")).collect()
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
