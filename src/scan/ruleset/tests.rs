//! Packs over the rules built in: who wins, what is told, and every fault with its line.

use super::{Act, CONTEXT, LOOKALIKES, Pack, Proved, RuleFault, RuleTexts, Ruleset, Treatment};

const SAG: &str = "[[label]]\nname = 'sag'\nweight = -6.0\nwords = ['esdh-sag']\n\
                   must = ['esdh-sag {n}']\nmust_not = ['cpr {n}']\n";

fn proved(packs: &[&str]) -> Result<Proved, Vec<RuleFault>> {
    let names: Vec<String> = (1..=packs.len()).map(|at| format!("{at}.toml")).collect();
    let packs: Vec<Pack<'_>> = names.iter().zip(packs).map(|(name, text)| Pack { name, text }).collect();
    Ruleset::proved(RuleTexts::BUILT_IN, &packs)
}

fn said(packs: &[&str]) -> Vec<String> {
    proved(packs).unwrap_err().iter().map(ToString::to_string).collect()
}

fn changes(rules: &Ruleset) -> Vec<(String, Act)> {
    rules.changes().iter().map(|change| (change.entry.clone(), change.act.clone())).collect()
}

#[test]
fn a_pack_adds_its_own() {
    let plain = Ruleset::built_in().unwrap();
    let with = proved(&[SAG]).unwrap();
    assert_eq!(with.rules.size(), (plain.size().0 + 1, plain.size().1 + 2));
    assert_eq!(with.changed, []);
    assert_eq!(with.rules.changes(), []);
    let last = with.rules.entries().iter().find(|entry| entry.name == "sag").unwrap();
    assert_eq!((&*last.file, last.line, last.examples), ("1.toml", 2, 2));
}

#[test]
fn a_pack_takes_away_what_an_example_of_ours_leans_on() {
    let proved = proved(&["remove = ['label:handel', 'lookalike:link']"]).unwrap();
    assert!(proved.rules.entries().iter().all(|entry| entry.name != "handel" && entry.name != "link"));
    let ours = |file: &str| Act::Removed(file.into());
    let wanted = [("label:handel", ours(CONTEXT)), ("lookalike:link", ours(LOOKALIKES))];
    assert_eq!(changes(&proved.rules), wanted.map(|(name, act)| (name.to_owned(), act)));
    // It is told which of our examples say something else now, and that is no fault.
    assert!(proved.changed.iter().any(|fault| fault.file == CONTEXT), "{:?}", proved.changed);
}

#[test]
fn the_later_file_wins() {
    let first = SAG.replace("-6.0", "-3.0");
    let second = format!("remove = ['label:handel']\n{SAG}");
    let third = "[[label]]\nname = 'handel'\nweight = 7.0\nwords = ['ordre']\nmust = ['ordre {n}']\nmust_not = ['x {n}']";
    let proved = proved(&[&first, &second, third]).unwrap();
    let weight = |name: &str| proved.rules.entries().iter().find(|one| one.name == name).unwrap().weight;
    assert!((weight("sag") + 6.0).abs() < 0.01 && (weight("handel") - 7.0).abs() < 0.01);
    let replaced = ("label:sag".to_owned(), Act::Replaced("1.toml".into()));
    assert!(changes(&proved.rules).contains(&replaced));
}

#[test]
fn a_word_of_two_labels_is_the_packs() {
    let pack = "[[label]]\nname = 'ours'\nweight = 5.0\nwords = ['Ordre']\nmust = ['ordre {n}', 'ORDRE: {n}']\nmust_not = ['x {n}']";
    let proved = proved(&[pack]).unwrap();
    assert!(proved.changed.iter().any(|fault| fault.entry == "label:handel"), "{:?}", proved.changed);
}

#[test]
fn words_are_added_to_one_of_ours() {
    let pack = "[[label]]\nadd_to = 'cpr'\nwords = ['borgernøgle']\nmust = ['Borgernøgle: {n}', 'BORGERNØGLE {n}']\nmust_not = ['borgernøglen {n}']";
    let proved = proved(&[pack]).unwrap();
    assert_eq!(changes(&proved.rules), [("label:cpr".to_owned(), Act::Added(1))]);
    assert_eq!(proved.rules.size().0, Ruleset::built_in().unwrap().size().0);
}

#[test]
fn every_fault_of_every_pack_is_told_with_its_line() {
    let first = "remove = ['handel', 'label:handle', 'label:no-such-thing']\n\
                 [kind]\nsuspect = 'cuont'\n\
                 [[lable]]\nname = 'x'\n\
                 [[label]]\nadd_to = 'crp'\nwords = ['x']\nmust = ['x {n}']\nmust_not = ['y {n}']\n\
                 [[label]]\nname = 'y'\nwieght = 3.0\n\
                 [[lookalike]]\nname = 'z'\nweight = nan\nbefore = '('\nmust = ['{n}']\nmust_not = ['{n}']\n\
                 [threshold]\nlikely = 9.0\n";
    let second = "[[source]]\nname = 'A'\n[[source]]\nname = 'B'\nmatch = '@b.example'\n\
                  [[source]]\nname = 'C'\nmatch = '@B.example'\n";
    let third = "[[label]\nname = 3";
    let said = said(&[first, second, third]);
    for (at, word) in [
        ("1.toml:1: remove:", "did you mean `label:handel`?"),
        ("1.toml:1: remove:", "`label:handle` is not there; did you mean `label:handel`?"),
        ("1.toml:1: remove:", "`brevdue rules list` shows"),
        ("1.toml:3: kind:", "did you mean `count`?"),
        ("1.toml:4: lable:", "did you mean `label`?"),
        ("1.toml:7: label:crp:", "did you mean `cpr`?"),
        ("1.toml:13: label:y:", "wieght"),
        ("1.toml:16: weight:", "can be added up"),
        ("1.toml:17: lookalike:z:", "unclosed group"),
        ("1.toml:20: threshold:", "belongs in cpr.toml"),
        ("2.toml:1: source:A:", "missing field `match`"),
        ("2.toml:7: source:C:", "stands in 2.toml, line 4 too"),
        ("3.toml:1: file:", "not valid TOML"),
    ] {
        let found = said.iter().any(|fault| fault.starts_with(at) && fault.contains(word));
        assert!(found, "{at} {word}: {said:#?}");
    }
}

#[test]
fn an_example_that_fails_in_a_pack_is_a_fault() {
    let said = said(&[&SAG.replace("'esdh-sag {n}'", "'esdhsag {n}'"), &SAG.replace("['cpr {n}']", "[]")]);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said.first().unwrap().starts_with("1.toml:5: label:sag: must match"), "{said:#?}");
    assert!(said.last().unwrap().starts_with("2.toml:2: label:sag: must bring examples"), "{said:#?}");
}

#[test]
fn kinds_and_sources_go_by_the_last_word() {
    let one = "[kind]\nsuspect = 'count'\n[[source]]\nname = 'A'\nmatch = '@a.example'\n\
               [[source]]\nname = 'A'\nmatch = '@aa.example'\n";
    let two = "[kind]\nsuspect = 'ignore'\n[[source]]\nname = 'A'\nmatch = '@b.example'\nvendor = 'V'\n";
    let proved = proved(&[one, two]).unwrap();
    let treatment = proved.rules.kinds().of(crate::cpr::Kind::Suspect);
    assert_eq!(treatment, Treatment::Ignore);
    let sources: Vec<&str> = proved.rules.sources().iter().map(|one| one.pattern.as_str()).collect();
    assert_eq!(sources, ["@b.example"]);
    assert!(proved.rules.changes().len() == 3, "{:?}", proved.rules.changes());
}

#[test]
fn remove_below_a_section_is_led_back() {
    for section in ["[kind]\ntest = 'count'\n", SAG, "[[source]]\nname = 'A'\nmatch = '@a.example'\n"] {
        let said = said(&[&format!("{section}remove = ['label:handel']\n")]);
        assert!(said.len() == 1 && said.concat().contains("above the first [section]"), "{said:#?}");
    }
}

/// A pack is typed by people, and broken by editors: whatever stands in it is read or is a fault.
#[test]
fn a_broken_pack_is_faults_and_nothing_worse() {
    let whole = include_str!("../../../rules/example-pack.toml");
    let lines: Vec<&str> = whole.lines().filter(|line| !line.starts_with('#')).collect();
    let short = lines.join("\n");
    for (at, sign) in short.char_indices().filter(|(at, _)| at % 41 == 0) {
        let (head, tail) = short.split_at(at);
        let dropped = tail.strip_prefix(sign).unwrap();
        for broken in [
            head.to_owned(),
            format!("{head}{dropped}"),
            format!("{head}[{dropped}"),
            format!("{head}'{tail}"),
        ] {
            if let Err(faults) = proved(&[&broken]) {
                assert!(faults.iter().all(|fault| fault.file == "1.toml"), "{broken}: {faults:#?}");
            }
        }
    }
}
