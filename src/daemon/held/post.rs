//! Held mail by Digital Post: the order that names a recipient, the mappings of the configuration, and the letter itself.
//!
//! The recipient is never looked for in a mail. A person names it (`brevdue held release ID --digital-post`), or a
//! `[[digital_post.mapping]]` does; either way it stands in an *order*, a file of the spool that is sealed to this machine's
//! release key, and the decision in the register has the order's name and no more.
//!
//! | step | a crash behind it | what is found later |
//! |---|---|---|
//! | the order is on disk | nobody has decided | the sweep clears it after ten minutes; the mail waits |
//! | the decision is in the register | the mail is held | it is done at the next round |
//! | the letter is in the outbox, on disk | the row says nothing of it | it lies there still: not written again; taken meanwhile: written again under the same `messageUUID` |
//! | `accepted_at` is noted (hold queue) | it lies on hold still | it is deleted there, and no letter is made again |
//! | the row is settled | the held mail and the order are there still | both go |
//!
//! Start reading at [`Keeper::order`] and [`Keeper::post`]. Tests: `tests/held/digital_post.rs`.

use super::way::cover_of;
use super::{Keeper, NotActed};
use crate::envelope::{Address, QueueId, controller_of};
use crate::inspect::local_day;
use crate::outlet::memo::{
    self, Documents, Filed, Letter, Mapping, NotTaken, Party, Recipient, Settings, Unfit,
};
use crate::scan::ruleset::day_of;
use crate::seal;
use crate::spool::durable;
use crate::spool::held::{Cover, HeldId};
use crate::store::held::{HeldDecision, HeldRow, HeldState, Place};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};
use zeroize::Zeroize;

/// What an order says. No `Debug`: it has a number.
#[derive(Serialize, Deserialize)]
struct Order {
    /// The mail's name and row: an order serves no other.
    held: String,
    row: i64,
    /// `idType` and `recipientID`.
    kind: String,
    id: String,
    label: Option<String>,
}

impl Drop for Order {
    fn drop(&mut self) {
        self.id.zeroize();
    }
}

/// Who gets a letter, and under which title, where the settings' own is not to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// Who.
    pub recipient: Recipient,
    /// The title.
    pub label: Option<String>,
}

impl Keeper {
    /// Puts an order for this mail on disk. Returns its name, for the decision.
    ///
    /// # Errors
    /// When the mail lies elsewhere, or the order cannot be written.
    pub fn order(&self, row: &HeldRow, to: &Addressed) -> Result<String, NotActed> {
        self.posting()?;
        if row.node != self.node {
            return Err(NotActed::Elsewhere(row.node.clone()));
        }
        let beside = |what: &dyn std::fmt::Display| NotActed::Beside(format!("the order: {what}"));
        let name = HeldId::generate().map_err(|error| beside(&error))?;
        let (kind, id) = to.recipient.reveal();
        let order = Order {
            held: row.name.clone(),
            row: row.row,
            kind: kind.to_owned(),
            id: id.to_owned(),
            label: to.label.clone(),
        };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&order).map_err(|error| beside(&error))?);
        let sealed = seal::seal(&plain, &self.release.public).map_err(|error| beside(&error))?;
        let written =
            self.orders_owner().and_then(|owner| durable::replace(&self.order_path(&name), &sealed, owner));
        written.map_err(|error| beside(&error))?;
        Ok(name.as_str().to_owned())
    }

    /// Where orders lie, made for the service that owns the spool, whoever makes it.
    fn orders_owner(&self) -> io::Result<u32> {
        durable::make_folder(&self.orders)?;
        Ok(fs::metadata(&self.orders)?.uid())
    }

    fn order_path(&self, name: &HeldId) -> PathBuf {
        self.orders.join(format!("{name}.age"))
    }

    /// What the decision's order says.
    fn ordered(&self, row: &HeldRow, decision: &HeldDecision) -> Result<Addressed, NotActed> {
        const LOST: Unfit =
            Unfit::Unnamed("the order that named its recipient is not here, or is another mail's");
        let name = decision.order.as_deref().and_then(HeldId::parse).ok_or(LOST)?;
        let sealed = match fs::read(self.order_path(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LOST.into()),
            sealed => sealed.map_err(|error| NotActed::Beside(format!("the order: {error}")))?,
        };
        let plain = seal::open(&sealed, self.release.secret()).map(zeroize::Zeroizing::new);
        let order = plain.ok().and_then(|plain| serde_json::from_slice::<Order>(&plain).ok()).ok_or(LOST)?;
        if order.held != row.name || order.row != row.row {
            return Err(LOST.into());
        }
        let recipient = match order.kind.as_str() {
            "CPR" => <&[u8; 10]>::try_from(order.id.as_bytes()).ok().map(Recipient::person),
            _ => Recipient::organisation(&order.id),
        };
        Ok(Addressed { recipient: recipient.ok_or(LOST)?, label: order.label.clone() })
    }

    /// Makes the letter that was decided and lays it into the outbox. It is on disk when this returns, and only then may the
    /// held mail go. It waits for a disk.
    pub(super) fn post(
        &self,
        row: &HeldRow,
        decision: &HeldDecision,
        cover: &Cover,
        mail: &mut dyn Read,
    ) -> Result<Filed, NotActed> {
        let to = self.ordered(row, decision)?;
        let order = decision.order.as_deref().unwrap_or_default();
        let letter = self.letter(&to, order, cover, mail)?;
        letter.file(&self.posting()?.outbox).map_err(|error| NotActed::Beside(error.to_string()))
    }

    /// Makes the letter and lays it nowhere: whether this mail could go so.
    ///
    /// # Errors
    /// As when it is done; [`NotActed::Queue`] where only root may read the mail.
    pub fn rehearse(&self, row: &HeldRow, to: &Addressed) -> Result<(), NotActed> {
        self.posting()?;
        let (cover, mut mail) = self.opened(row)?;
        self.letter(to, "rehearsal", &cover, &mut mail).map(drop)
    }

    /// The mapping that names the recipient of this mail, by its envelope.
    ///
    /// # Errors
    /// When the envelope cannot be read.
    pub fn mapping(&self, row: &HeldRow) -> Result<Option<&Mapping>, NotActed> {
        let settings = self.posting()?;
        let cover = match row.place {
            Place::Spool => self.opened(row)?.0,
            Place::Postfix => {
                let mail = self.queued(row)?;
                let mail = mail.ok_or_else(|| NotActed::Beside("it is not in the queue yet".to_owned()))?;
                cover_of(&mail)
            }
        };
        let sender = Address::parse(cover.sender.as_bytes());
        let to: Vec<Address> =
            cover.recipients.iter().filter_map(|(to, _)| Address::parse(to.as_bytes())).collect();
        let is_all = !to.is_empty() && to.len() == cover.recipients.len();
        let named =
            |address: &Address, patterns: &[String]| patterns.iter().any(|one| address.is_named_by(one));
        Ok(settings.mappings.iter().filter(|_| is_all).find(|one| {
            sender.as_ref().is_some_and(|sender| named(sender, &one.from))
                && to.iter().all(|to| named(to, &one.to))
        }))
    }

    /// Decides about waiting mail that an automatic mapping names: the mapping is the decision, and stands in the register.
    pub(super) fn post_by_mapping(&self) -> Result<usize, NotActed> {
        let Some(settings) = self.digital_post.as_ref() else { return Ok(0) };
        if !settings.mappings.iter().any(|one| one.automatic) {
            return Ok(0);
        }
        let mut decided = 0;
        let rows = self.register.store.held(false)?;
        let open: HashSet<i64> = rows.iter().map(|row| row.row).collect();
        self.asked().retain(|asked| open.contains(asked));
        for row in rows {
            let is_new = row.state == HeldState::Waiting && row.node == self.node && row.attempts == 0;
            // Until then its door may take the hold back, and whoever sent the mail sends it again.
            let is_ours = self.clock.now() - row.at > Self::SETTLING;
            // One without a case was held for what could not be read: a person is to look at it.
            if !is_new || !is_ours || row.cases.is_empty() || self.asked().contains(&row.row) {
                continue;
            }
            match self.mapping(&row) {
                Ok(Some(mapping)) if mapping.automatic => {
                    let to = Addressed { recipient: mapping.recipient.clone(), label: mapping.label.clone() };
                    let (order, now) = (self.order(&row, &to)?, self.clock.now());
                    let why = format!("Digital Post efter konfigurationen: {}", mapping.name);
                    let store = &self.register.store;
                    let done = store.record(|recording| {
                        recording.decide_digital_post(row.row, &order, "brevdue", &why, now)
                    })?;
                    decided += usize::from(done.is_some());
                    if row.place == Place::Postfix {
                        super::wake(&self.approved, &row.name)
                            .map_err(|error| NotActed::Beside(error.to_string()))?;
                    }
                }
                // It will be named by none later either.
                Ok(_) => drop(self.asked().insert(row.row)),
                Err(error) => {
                    tracing::debug!(id = row.name, %error, "held mail: no mapping could be asked for it");
                }
            }
        }
        Ok(decided)
    }

    /// The rows that no automatic mapping names.
    fn asked(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clears the orders that nobody waits for: of mail that is done with, or whose decision came to nothing.
    pub(super) fn clear_orders(&self) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.orders) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let rows = self.register.store.held(false).map_err(io::Error::other)?;
        let wanted: HashSet<&str> =
            rows.iter().filter_map(|row| row.decision.as_ref()?.order.as_deref()).collect();
        let mut cleared = 0;
        for entry in entries {
            let entry = entry?;
            let (name, Ok(meta)) = (entry.file_name(), entry.metadata()) else { continue };
            let name = name.to_str().unwrap_or_default();
            let is_draft = name.starts_with('.') && name.contains(".age.draft-");
            let name = name.strip_suffix(".age").and_then(HeldId::parse);
            let is_waited_for = name.as_ref().is_some_and(|name| wanted.contains(name.as_str()));
            // A new one may be about to be decided by; the machine's own time, since the file has it.
            let written: chrono::DateTime<chrono::Utc> = meta.modified()?.into();
            let is_old = self.clock.now() - written > Self::SETTLING;
            if is_old && (is_draft || name.is_some()) && !is_waited_for {
                fs::remove_file(entry.path())?;
                cleared += 1;
            }
        }
        Ok(cleared)
    }

    /// The order has been followed. That it stays costs a file, which the sweep clears.
    pub(super) fn forget_order(&self, decision: &HeldDecision) {
        if let Some(name) = decision.order.as_deref().and_then(HeldId::parse) {
            drop(fs::remove_file(self.order_path(&name)));
        }
    }

    fn posting(&self) -> Result<&Settings, NotActed> {
        self.digital_post
            .as_ref()
            .ok_or_else(|| NotActed::Beside("there is no `[digital_post]` here".to_owned()))
    }

    fn opened(&self, row: &HeldRow) -> Result<(Cover, Box<dyn Read>), NotActed> {
        let nameless = || NotActed::Beside("this is no name of a held mail".to_owned());
        match row.place {
            Place::Spool => {
                let id = HeldId::parse(&row.name).ok_or_else(nameless)?;
                let opened = self.holding.open(&id, self.release.secret())?;
                Ok((opened.cover, opened.mail))
            }
            Place::Postfix => {
                let id = QueueId::new(&row.name).ok_or_else(nameless)?;
                let mail = self.queued(row)?.ok_or(NotActed::Another)?;
                Ok((cover_of(&mail), Box::new(self.postfix.content(&id)?)))
            }
        }
    }

    fn letter(
        &self,
        to: &Addressed,
        order: &str,
        cover: &Cover,
        mail: &mut dyn Read,
    ) -> Result<memo::Checked, NotActed> {
        let settings = self.posting()?;
        let setup = (self.setup)();
        let sender = match &settings.sender {
            Some(sender) => sender.clone(),
            None => self.sender_of(cover)?,
        };
        let documents = Documents::of(mail, settings).map_err(|error| match error {
            NotTaken::Io(error) => NotActed::Beside(format!("reading it: {error}")),
            NotTaken::Unfit(unfit) => NotActed::Unfit(unfit),
        })?;
        let today = day_of(local_day(&self.clock));
        // Of the order and nothing else, so that every try makes the same; another one where chance wrote a number into it.
        let mut tries = (0..16_u8).map(|salt| {
            memo::uuid(self.register.node_key.digest("memo message", &[order.as_bytes(), &[salt]]))
        });
        let uuid = tries.find(|uuid| !memo::has_number(uuid, &setup.rules, today)).unwrap_or_default();
        let letter = Letter {
            uuid: &uuid,
            sender: &sender,
            system: &settings.system,
            recipient: &to.recipient,
            label: to.label.as_deref().unwrap_or(&settings.label),
            notification: settings.notification.as_deref(),
            additional_notification: settings.additional_notification.as_deref(),
            created: self.clock.now(),
        };
        Ok(letter.make(&documents, &setup.rules, today)?)
    }

    /// The one controller whose mail it is.
    fn sender_of(&self, cover: &Cover) -> Result<Party, NotActed> {
        let setup = (self.setup)();
        let sender = Address::parse(cover.sender.as_bytes());
        let mut of = cover.recipients.iter().map(|(to, _)| {
            controller_of(sender.as_ref(), Address::parse(to.as_bytes()).as_ref(), &setup.controllers)
        });
        let first = of.next().flatten();
        let Some(first) = first.filter(|first| of.all(|one| one.is_some_and(|one| one.cvr == first.cvr)))
        else {
            return Err(Unfit::Unnamed(
                "it is the mail of more than one controller, and no `sender_cvr` is set",
            )
            .into());
        };
        Ok(Party { cvr: first.cvr.clone(), label: first.name.clone() })
    }
}
