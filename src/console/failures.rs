//! What each failure does: to the mail, and to whoever must mend it.
//!
//! No failure opens the way: whatever breaks, a mail that was not judged is not let through, and somebody has it. The table is
//! shown by `brevdue status`, in the health page (`Accept: application/json`) and in the metrics
//! (`brevdue_failure_effect`); every row names the tests that break that thing and see what becomes of the mail
//! (`tests/failures.rs` holds it to that). Start reading at [`FAILURES`].

/// Where the mail is while something is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    /// It stays with the client or in the mail server's queue, and is tried again.
    Waits,
    /// It is kept for a person's decision.
    Held,
    /// It is checked and answered as ever.
    Flows,
}

impl Mail {
    /// The word in JSON and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Held => "held",
            Self::Flows => "flows",
        }
    }

    /// In Danish and English.
    pub fn told(self) -> [&'static str; 2] {
        match self {
            Self::Waits => [
                "mailen venter hos afsenderen eller i køen",
                "the mail waits with its sender or in the queue",
            ],
            Self::Held => ["mailen holdes tilbage", "the mail is held"],
            Self::Flows => ["mail kontrolleres som altid", "mail is checked as ever"],
        }
    }
}

/// Something that can break.
#[derive(Debug)]
pub struct Failure {
    /// Its name in JSON and metrics.
    pub word: &'static str,
    /// What is broken, in Danish and English.
    pub what: [&'static str; 2],
    /// Where the mail is then.
    pub mail: Mail,
    /// What happens, and what to do, in Danish and English.
    pub then: [&'static str; 2],
    /// The tests that break it: `file::function`.
    pub tests: &'static [&'static str],
}

/// All that is known to break.
pub const FAILURES: &[Failure] = &[
    Failure {
        word: "daemon-dead",
        what: ["Brevdue kører ikke", "Brevdue is not running"],
        mail: Mail::Waits,
        then: [
            "Postfix svarer 451 (milter_default_action = tempfail), eller mailen bliver i dens kø (filter); start tjenesten",
            "Postfix answers 451 (milter_default_action = tempfail), or the mail stays in its queue (filter); start the service",
        ],
        tests: &[
            "postfix::a_dead_daemon_costs_no_mail_and_a_live_one_takes_up_again",
            "relay::a_next_hop_that_is_down_leaves_the_mail_in_the_queue_and_a_killed_daemon_loses_none",
        ],
    },
    Failure {
        word: "register-down",
        what: ["registret kan ikke skrives", "the register cannot be written"],
        mail: Mail::Waits,
        then: [
            "mail med et fund eller med en del, der tælles som ulæst (`record`, fx et PDF eller en zip, der ikke kan åbnes), får 451, anden mail går igennem; se /healthz, og giv plads eller adgang, eller få databaseserveren op",
            "mail with a finding, or with a part that is counted as unread (`record`, such as a PDF or zip that cannot be opened), gets 451, other mail passes; see /healthz, and give it room or access, or bring the database server up",
        ],
        tests: &[
            "crash::a_register_that_another_process_holds_means_451_and_nothing_half_written",
            "gate::a_register_that_cannot_be_written_means_come_again",
            "house::a_register_that_cannot_be_written_is_told_of_past_it_and_hourly",
            "away::an_operator_is_told_once_that_the_register_is_away_and_once_that_it_is_back",
            "server::a_node_that_is_cut_off_says_so_in_time_and_recovers_by_itself",
        ],
    },
    Failure {
        word: "spool-full",
        what: [
            "mappen til forseglede numre kan ikke skrives",
            "the folder of sealed numbers cannot be written",
        ],
        mail: Mail::Waits,
        then: [
            "mail, der ville åbne et brud, får 451; giv plads på disken",
            "mail that would open a breach gets 451; make room on the disk",
        ],
        tests: &["crash::evidence_that_cannot_be_written_means_451_and_no_case"],
    },
    Failure {
        word: "hold-full",
        what: [
            "mappen til tilbageholdt mail eller til kladder kan ikke skrives",
            "the folder of held mail or of drafts cannot be written",
        ],
        mail: Mail::Waits,
        then: [
            "SMTP og pipe: mail, der skulle holdes tilbage, får 451, en stor mail 452, og ingen modtager får den; giv plads på disken",
            "SMTP and pipe: mail that should be held gets 451, a large one 452, and no recipient gets it; make room on the disk",
        ],
        tests: &["smtp_door::a_spool_that_cannot_be_written_costs_no_mail"],
    },
    Failure {
        word: "no-key-to-hold",
        what: [
            "der er ingen nøgle at forsegle tilbageholdt mail med",
            "there is no key to seal held mail to",
        ],
        mail: Mail::Waits,
        then: [
            "mail, der skulle holdes tilbage, får 451; sæt dpo_key i [[controller]]",
            "mail that is to be held gets 451; set dpo_key in [[controller]]",
        ],
        tests: &["smtp_door::without_a_key_nothing_can_be_held_so_it_stays_where_it_is"],
    },
    Failure {
        word: "held-mail-gone",
        what: [
            "en tilbageholdt mail er forsvundet uden om Brevdue",
            "a held mail is gone, and not by Brevdue",
        ],
        mail: Mail::Flows,
        then: [
            "det står i registret og i loggen, og brevdue_held_mails{state=\"gone\"} stiger; spørg, hvem der tog den",
            "the register and the log say so, and brevdue_held_mails{state=\"gone\"} rises; ask who took it",
        ],
        tests: &["spool::a_file_that_is_taken_away_is_said_and_one_that_is_torn_is_never_sent"],
    },
    Failure {
        word: "release-refused",
        what: ["den næste server tager ikke en frigivet mail", "the next hop does not take a released mail"],
        mail: Mail::Held,
        then: [
            "den bliver, hvor den er, prøves igen, og ved et endeligt nej venter den på en ny beslutning",
            "it stays where it is and is tried again; after a final no it waits for a new decision",
        ],
        tests: &["spool::a_next_hop_that_says_no_costs_no_mail"],
    },
    Failure {
        word: "next-hop-down",
        what: ["den næste mailserver svarer ikke eller siger nej", "the next hop does not answer or says no"],
        mail: Mail::Waits,
        then: [
            "SMTP og pipe: afsenderen får 451 eller den næste mailservers egne ord; hvad der var holdt tilbage af mailen, tages tilbage",
            "SMTP and pipe: the sender gets 451 or the next hop's own words; what was held of the mail is taken back",
        ],
        tests: &[
            "smtp_door::a_next_hop_that_fails_at_any_step_costs_no_mail_and_doubles_none_that_it_refused",
            "relay::a_next_hop_that_is_down_leaves_the_mail_in_the_queue_and_a_killed_daemon_loses_none",
            "outlet::a_hop_that_hangs_is_given_up_in_time_at_every_step",
        ],
    },
    Failure {
        word: "mail-log-away",
        what: [
            "mailserverens log eller registret bag den er væk",
            "the mail server's log, or the register behind it, is away",
        ],
        mail: Mail::Flows,
        then: [
            "det ulæste læses, når det er der igen; det, der ikke er bevist, kaldes aldrig bevist",
            "what was not read is read when it is back; what is not proved is never called proved",
        ],
        tests: &[
            "relay::what_was_logged_while_the_daemon_was_away_is_read",
            "mod::a_line_that_could_not_be_recorded_is_heard_again",
        ],
    },
    Failure {
        word: "check-without-register",
        what: ["POST /v1/check kan ikke skrive i registret", "POST /v1/check cannot write to the register"],
        mail: Mail::Waits,
        then: [
            "svaret er 503 og ingen tilladelse; afsenderen spørger igen",
            "the answer is 503 and no permission; the sender asks again",
        ],
        tests: &["check::a_register_that_cannot_be_written_is_no_permission"],
    },
    Failure {
        word: "release-key-lost",
        what: [
            "nøglen til maskinens tilbageholdte mail er væk",
            "the key to this machine's held mail is gone",
        ],
        mail: Mail::Held,
        then: [
            "den bliver liggende og kan ikke sendes herfra; DPO'ens nøgle åbner den: `brevdue held export --identity`",
            "it stays and cannot be sent on from here; the DPO's key opens it: `brevdue held export --identity`",
        ],
        tests: &["smtp_door::held_mail_outlives_the_key_of_its_machine"],
    },
    Failure {
        word: "reader-hangs",
        what: [
            "et dokument får sin læser til at hænge, vokse eller gå ned",
            "a document makes its reader hang, grow or break down",
        ],
        mail: Mail::Held,
        then: [
            "læseren stoppes ved sin grænse, og delen er ulæst: [policy.unread] limit og damaged afgør det",
            "the reader is stopped at its limit and the part is unread: [policy.unread] limit and damaged decide",
        ],
        tests: &[
            "documents::a_worker_that_goes_wrong_is_an_outcome",
            "documents::what_unfolds_without_end_ends_as_a_limit",
            "pdf::a_bomb_of_forms_ends_at_its_limit_of_time",
        ],
    },
    Failure {
        word: "machine-full",
        what: [
            "maskinen har ikke flere processer, filer eller hukommelse til et dokument",
            "the machine has no process, file or memory left for a document",
        ],
        mail: Mail::Held,
        then: [
            "delen er ulæst af grunden machine-is-full: [policy.unread] limit afgør det",
            "the part is unread by the reason machine-is-full: [policy.unread] limit decides",
        ],
        tests: &["workers::a_machine_without_descriptors_is_an_outcome"],
    },
    Failure {
        word: "inspection-panics",
        what: ["kontrollen af en mail bryder sammen", "the inspection of a mail panics"],
        mail: Mail::Waits,
        then: [
            "den ene mail får 451, alle andre går videre; brevdue_milter_panics_total stiger",
            "that one mail gets 451, all others go on; brevdue_milter_panics_total rises",
        ],
        tests: &["door::a_panic_costs_one_message"],
    },
    Failure {
        word: "inspection-hangs",
        what: ["kontrollen af en mail bliver ikke færdig", "the inspection of a mail does not end"],
        mail: Mail::Waits,
        then: [
            "mailserveren hører hvert tiende sekund, at der arbejdes, og så 451; brevdue_milter_expired_total stiger",
            "the mail server hears every ten seconds that work goes on, and then 451; brevdue_milter_expired_total rises",
        ],
        tests: &["door::a_gate_that_hangs_is_given_up", "door::a_slow_gate_keeps_the_mta_waiting"],
    },
    Failure {
        word: "queue-id-missing",
        what: [
            "mailserveren sender ikke makroen `i` (kø-id) til milteren",
            "the mail server does not send the macro `i` (queue id) to the milter",
        ],
        mail: Mail::Waits,
        then: [
            "mail, der skal holdes, får 451, da den ellers lå i holdekøen uden at stå på nogen liste; anden mail går igennem; brevdue_milter_nameless_total stiger",
            "mail to be held gets 451, since it would lie in the hold queue and in no list; other mail passes; brevdue_milter_nameless_total rises",
        ],
        tests: &["door::a_mail_that_could_be_held_and_never_found_is_deferred"],
    },
    Failure {
        word: "overload",
        what: ["flere forbindelser end max_connections", "more connections than max_connections"],
        mail: Mail::Waits,
        then: [
            "de overskydende får med det samme 451 (milter) eller 421 (SMTP), og ingen forbindelse afvises",
            "those above it get 451 (milter) or 421 (SMTP) at once, and no connection is refused",
        ],
        tests: &[
            "door::above_the_cap_mail_is_deferred_and_above_the_hard_cap_it_waits",
            "smtp_door::too_many_connections_hear_421_and_a_stop_lets_the_mail_under_way_end",
        ],
    },
    Failure {
        word: "peer-breaks-protocol",
        what: ["mailserveren afbryder eller taler forkert", "the mail server leaves or breaks the protocol"],
        mail: Mail::Waits,
        then: [
            "den besked får tempfail og intet svar i øvrigt; brevdue_milter_broken_total stiger",
            "that message gets tempfail and no other answer; brevdue_milter_broken_total rises",
        ],
        tests: &[
            "strangers::frames_that_break_the_protocol_are_answered_by_a_tempfail",
            "strangers::an_mta_that_leaves_in_the_middle_harms_nobody",
        ],
    },
    Failure {
        word: "rules-bad",
        what: ["nye regler eller ny konfiguration har fejl", "new rules or a new configuration have faults"],
        mail: Mail::Flows,
        then: [
            "de gamle gælder, /healthz siger degraded; ved start nægter Brevdue at køre",
            "the old ones count, /healthz says degraded; at the start Brevdue refuses to run",
        ],
        tests: &["files::half_a_file_changes_nothing", "files::a_number_in_a_faulty_file_is_shown_to_nobody"],
    },
    Failure {
        word: "alarm-server-down",
        what: ["mailserveren til varsler svarer ikke", "the mail server for alarms does not answer"],
        mail: Mail::Flows,
        then: [
            "den anden mailserver og webhook'en får varslet; det prøves igen, til det er afleveret, også efter genstart",
            "the second mail server and the webhook get the notice; it is tried until delivered, after a restart too",
        ],
        tests: &[
            "alarm::a_mail_server_that_is_down_or_refuses_delays_and_loses_nothing",
            "roads::the_second_server_takes_what_the_first_does_not",
            "roads::the_webhook_hears_of_what_no_mail_server_took_signed_and_without_a_name",
            "crash::a_daemon_killed_after_its_answer_has_the_case_and_tells_of_it_when_it_is_back",
        ],
    },
    Failure {
        word: "alarm-node-dies",
        what: ["en maskine dør, mens den sender varsler", "a machine dies while it sends notices"],
        mail: Mail::Flows,
        then: [
            "en anden sender dem efter fem minutter, eller den selv ved genstart: hellere to gange end aldrig",
            "another sends them after five minutes, or itself when it is back: twice rather than never",
        ],
        tests: &["nodes::nodes_that_share_a_server", "kills::no_alert_is_lost_when_the_daemon_is_killed"],
    },
    Failure {
        word: "clock-jumps",
        what: ["maskinens ur springer", "the machine's clock jumps"],
        mail: Mail::Flows,
        then: [
            "forsinkede varsler samles i det mest presserende; en frist flyttes aldrig af uret",
            "late notices are merged into the most pressing; the clock never moves a deadline",
        ],
        tests: &["alarm::a_clock_that_jumps_merges_what_is_late_into_the_most_pressing"],
    },
    Failure {
        word: "protected-road-closed",
        what: ["den beskyttede vej tilbyder ikke TLS", "the protected road offers no TLS"],
        mail: Mail::Waits,
        then: [
            "mailen bliver i Postfix' kø eller hos afsenderen (451) og går ikke ad en anden vej",
            "the mail stays in Postfix's queue or with its sender (451) and goes by no other road",
        ],
        tests: &[
            "postfix::a_rerouted_leak_goes_by_the_protected_road_or_not_at_all",
            "smtp_door::the_protected_road_is_tls_with_the_right_name_or_nothing_is_said",
        ],
    },
    Failure {
        word: "outbox-closed",
        what: ["udbakken til Digital Post kan ikke skrives", "the outbox of Digital Post cannot be written"],
        mail: Mail::Held,
        then: [
            "den frigivne mail bliver liggende, og der prøves igen; `brevdue held show` siger hvorfor",
            "the released mail stays where it is, and is tried again; `brevdue held show` says why",
        ],
        tests: &["digital_post::an_outbox_that_is_not_there_delays_and_loses_nothing"],
    },
    Failure {
        word: "console-crowded",
        what: ["nogen optager konsollens pladser", "somebody takes all places of the console"],
        mail: Mail::Flows,
        then: ["kun /healthz og /metrics må vente", "only /healthz and /metrics must wait"],
        tests: &["console::who_knocks_at_the_console_does_not_keep_mail_out"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_name_of_its_own_and_words_in_both_languages() {
        for (nr, failure) in FAILURES.iter().enumerate() {
            let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(failure.word.chars().all(is_word), "{}", failure.word);
            assert!(FAILURES[..nr].iter().all(|before| before.word != failure.word), "{}", failure.word);
            for texts in [failure.what, failure.then, failure.mail.told()] {
                assert!(texts.iter().all(|text| text.len() > 10) && texts[0] != texts[1], "{texts:?}");
            }
            assert!(!failure.tests.is_empty(), "{}", failure.word);
        }
    }
}
