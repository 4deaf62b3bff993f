//! Held mail: what waits, what a person decides, and that nothing is lost or sent unseen in between.

mod digital_post;
mod hold_queue;
mod released;
mod spool;

use brevdue::case::detection::{Detection, Outcome};
use brevdue::case::{CaseId, State};
use brevdue::clock::{Clock, VirtualClock};
use brevdue::config::{AlarmSettings, Config};
use brevdue::daemon::held::{Keeper, NotSent, Outbound, Road, Sender, Sending};
use brevdue::daemon::{open_register, setup};
use brevdue::envelope::{Controller, Verdict};
use brevdue::inspect::Gate;
use brevdue::seal::keyfile::DpoPair;
use brevdue::store::{Opening, Store};
use chrono::{DateTime, TimeZone, Utc};
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NUMBER: &str = "150379-1028";
const DIGITS: &str = "1503791028";
const SENDER: &str = "sagsbehandler@noerreby.example";
const CITIZEN: &str = "borger@post.example";

fn leak() -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nSubject: Din sag\r\nMessage-ID: <1@noerreby.example>\r\n\r\nCPR-nr.: {NUMBER}\r\n")
        .into_bytes()
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap()
}

/// A mail as a way out got it.
struct Sent {
    to: Vec<String>,
    data: Vec<u8>,
    road: Road,
    ends_a_line: bool,
    size: u64,
}

/// Stands in for the SMTP client, which has tests of its own: it reads the mail to its end, keeps it, and answers as told.
#[derive(Default)]
struct Way {
    sent: Mutex<Vec<Sent>>,
    /// The answers to come; then yes.
    answers: Mutex<Vec<NotSent>>,
}

impl Way {
    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    fn answers(&self, answer: NotSent) {
        self.answers.lock().unwrap().push(answer);
    }
}

impl Sender for Way {
    fn send(&self, mut mail: Outbound) -> Sending<'_> {
        Box::pin(async move {
            let mut data = Vec::new();
            mail.mail.read_to_end(&mut data).map_err(|error| NotSent::Temporary(error.to_string()))?;
            if let Some(answer) = self.answers.lock().unwrap().pop() {
                return Err(answer);
            }
            let to = mail.cover.recipients.iter().map(|(to, _)| to.clone()).collect();
            let (road, ends_a_line, size) = (mail.road, mail.ends_a_line, mail.size);
            self.sent.lock().unwrap().push(Sent { to, data, road, ends_a_line, size });
            Ok(())
        })
    }
}

/// A machine that holds mail, without a daemon: each step is the test's.
struct House {
    folder: TempDir,
    config: Config,
    store: Arc<Store>,
    gate: Arc<Gate>,
    hands: VirtualClock,
    dpo: DpoPair,
    way: Arc<Way>,
    keeper: Arc<Keeper>,
    runtime: Runtime,
}

impl House {
    fn new(alarm: Option<SocketAddr>, postfix: Option<&Path>, start: DateTime<Utc>) -> Self {
        let folder = TempDir::new().unwrap();
        let dpo = DpoPair::generate();
        let mut config = Config::loopback_default(folder.path());
        config.controllers = vec![Controller {
            name: "Nørreby Kommune".to_owned(),
            cvr: "12345678".to_owned(),
            domains: vec!["noerreby.example".to_owned()],
            dpo: "dpo@noerreby.example".to_owned(),
            dpo_key: Some(dpo.public.clone()),
            default: true,
            ..Controller::default()
        }];
        config.documents = None;
        config.hold.node = Some("relay".to_owned());
        config.hold.postfix = postfix.map(Path::to_owned);
        config.alarm = alarm.map(|to| AlarmSettings {
            smtp: format!("smtp://{to}"),
            from: "brevdue@noerreby.example".to_owned(),
            ..AlarmSettings::default()
        });
        let hands = VirtualClock::at(start);
        let register = open_register(&config).unwrap();
        let store = Arc::clone(&register.store);
        let clock = Clock::Virtual(hands.clone());
        let gate = Gate::new(setup(&config).unwrap(), register, clock);
        let gate = Arc::new(gate.on_node("relay"));
        let way = Arc::new(Way::default());
        let mut house = Self {
            keeper: Arc::new(Self::a_keeper(&config, &gate, &hands, &way)),
            runtime: Runtime::new().unwrap(),
            folder,
            config,
            store,
            gate,
            hands,
            dpo,
            way,
        };
        house.restart();
        house
    }

    fn a_keeper(config: &Config, gate: &Arc<Gate>, hands: &VirtualClock, way: &Arc<Way>) -> Keeper {
        let of = Arc::clone(gate);
        let keeper = Keeper::new(
            config,
            open_register(config).unwrap(),
            move || of.setup(),
            Clock::Virtual(hands.clone()),
        );
        keeper.unwrap().sending_by(Arc::clone(way) as Arc<dyn Sender>)
    }

    /// As the next start of the daemon.
    fn restart(&mut self) {
        self.keeper = Arc::new(Self::a_keeper(&self.config, &self.gate, &self.hands, &self.way));
        self.keeper.sweep().unwrap();
    }

    /// A near miss, as a stopped mail leaves it.
    fn near_miss(&self, message: u8) -> CaseId {
        self.stopped(message, message)
    }

    /// A stopped mail, put into the case of what belongs together.
    fn stopped(&self, message: u8, grouping: u8) -> CaseId {
        let detection = Detection {
            at: start(),
            queue_id: None,
            message: [message; 16],
            verdict: Verdict::Hold,
            outcome: Outcome::Stopped,
            sender_domain: "noerreby.example".to_owned(),
            recipient_domains: vec!["post.example".to_owned()],
            recipients: 1,
            findings: 1,
            persons: 1,
            persons_exact: true,
        };
        let controller = &self.config.controllers[0];
        let opening = Opening {
            controller,
            source: None,
            root: [grouping; 16],
            grouping: [grouping; 16],
            salt: [message; 16],
        };
        let joined = self.store.record(|recording| recording.join(&detection, &opening)).unwrap();
        assert_eq!(joined.state, State::NearMiss);
        joined.case
    }
}
