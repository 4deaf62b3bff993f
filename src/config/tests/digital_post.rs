//! `[digital_post]`: what it means, and what is refused.

use super::*;
use crate::outlet::memo::{Party, Recipient, Settings};

const POST: &str = "[digital_post]\noutbox = \"out\"\nlabel = \"Brev fra A\"\n";

#[test]
fn an_outbox_and_a_title_are_enough() {
    let post = with(POST).unwrap().config.digital_post.unwrap();
    assert_eq!((post.outbox.as_path(), post.label.as_str()), (Path::new("/etc/brevdue/out"), "Brev fra A"));
    assert_eq!((post.system.as_str(), post.sender, post.max_bytes), ("Brevdue", None, 50_000_000));
    assert_eq!(post.file_types, Settings::FILE_TYPES);
    assert!(post.mappings.is_empty() && post.notification.is_none());
    assert!(with("").unwrap().config.digital_post.is_none());
}

#[test]
fn a_mapping_names_an_authority_for_a_source_and_its_recipients() {
    let more = format!(
        "{POST}sender_cvr = \"12345678\"\nmax_mb = 5\nfile_types = [\"Application/PDF\"]\n\
         [[digital_post.mapping]]\nname = \"Boliglån\"\nsource = \"Lån\"\nto = \"@b.example\"\nrecipient_cvr = 87654321\n\
         automatic = true\n[[source]]\nname = \"Lån\"\nmatch = \"noreply@a.example\"\n"
    );
    let post = with(&more).unwrap().config.digital_post.unwrap();
    assert_eq!(
        post.sender,
        Some(Party { cvr: "12345678".into(), label: "A".into() }),
        "the controller's own name"
    );
    assert_eq!(
        (post.max_bytes, post.file_types.as_slice()),
        (5_000_000, ["application/pdf".to_owned()].as_slice())
    );
    let mapping = &post.mappings[0];
    assert_eq!(
        (mapping.from.as_slice(), mapping.automatic),
        (["noreply@a.example".to_owned()].as_slice(), true)
    );
    assert_eq!(mapping.recipient, Recipient::Cvr("87654321".into()));
}

#[test]
fn a_number_in_a_title_and_a_persons_number_as_recipient_are_refused() {
    for (more, fault) in [
        (
            POST.replace("Brev fra A", "Brev om 150379-1028"),
            "this has too many digits, or signs that cannot be shown",
        ),
        (format!("{POST}notification = \"{}\"\n", "x".repeat(151)), "this is too long for Digital Post"),
        (
            format!("{POST}sender_cvr = \"11111111\"\n"),
            "`sender_cvr` is no controller's here, so its name is not known",
        ),
        (format!("{POST}sender_label = \"B\"\n"), "`sender_label` says nothing without `sender_cvr`"),
        (
            format!(
                "{POST}[[digital_post.mapping]]\nname = \"x\"\nto = \"b.example\"\nrecipient_cvr = \"87654321\"\n"
            ),
            "this mapping is for everybody's mail",
        ),
        (
            format!(
                "{POST}[[digital_post.mapping]]\nname = \"x\"\nfrom = \"a.example\"\nto = \"b.example\"\nrecipient_cvr = \"1503791028\"\n"
            ),
            "a CVR number has eight digits",
        ),
        (format!("{POST}file_types = \"pdf\"\n"), "`pdf` is no media type"),
    ] {
        assert_eq!(errors(with(&more)), [fault], "{more}");
    }
}
