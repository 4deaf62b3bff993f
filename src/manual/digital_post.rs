//! Held mail as a letter of Digital Post.
//!
//! A mail with a CPR number that has no protected road to its recipient can often go by Digital Post. Brevdue makes it a message of
//! MeMo 1.2 (*MeddelelsesModel*) and lays it as a file into a folder, the outbox (*udbakke*), from which the organisation's sending
//! system (*afsendersystem*) gives it to Digital Post. Brevdue itself speaks to no service of Digital Post.
//!
//! ```text
//! [digital_post]
//! outbox = "/var/spool/digital-post"        # mkdir, chown brevdue, chmod 2750 with the sending system's group
//! label = "Brev fra Eksempel Kommune"       # the title; what else may stand here: brevdue config template
//! ```
//!
//! # Who gets it
//!
//! Nobody is ever looked up in a mail. Either a person names the recipient,
//!
//! ```text
//! brevdue held release ID --digital-post --recipient-cpr-file - --by "Dorte DPO" --why "borgeren har Digital Post"
//! brevdue held release ID --digital-post --recipient-cvr 87654321 --by "Dorte DPO" --why "sagen hører til hos dem"
//! ```
//!
//! or a `[[digital_post.mapping]]` does: mail of a source to these addresses is for the authority with this CVR number. Then nobody need
//! be named (`held release ID --digital-post`), and with `automatic = true` no person need decide: the mail is a letter ten minutes
//! after it was held (until then its door may give it back to its sender), and the register says by which mapping. A mail that was held because it could not be read is left to a person.
//!
//! A CPR number is typed unseen, twice, or read from a file with one line. It is no argument, since any process of the machine can read
//! those. It must pass its check digit. It stands in a file of the spool that is sealed to this machine (`spool/orders`) until the letter
//! is made, in the letter, and nowhere else. So the command is given on the machine that has the mail (`held list` says which), by
//! somebody who may read its `release.key`. Root, or the unit of `brevdue-release.path`, acts on Postfix's hold queue; add the outbox
//! to that unit's `ReadWritePaths`.
//!
//! A mail that had several recipients goes to the one that is named and to nobody else; `--instead-of-all` says that this is meant.
//!
//! # What the letter is
//!
//! | in the mail | in the letter |
//! |---|---|
//! | its text; plain and HTML renderings of it | files of the main document, in UTF-8 |
//! | files beside it | an additional document each |
//! | subject, sender, recipients, date | `oplysninger-om-mailen.txt`, an additional document |
//! | a file name with six digits or more | `bilag-N`, and the name in `oplysninger-om-mailen.txt` |
//! | a signature (S/MIME, PGP) | left out, and said there |
//!
//! A number may stand in `recipientID` and in documents. The title, the notifications, names and file names are seen before the letter is
//! opened: our own scanner reads them, and a letter in which it finds anything is not made. The title is never the mail's subject.
//! The sender is the controller whose mail it is, unless `sender_cvr` says otherwise. `mandatory` and `legalNotification` are false.
//!
//! Before it is laid down, each message is read back and held to the order of elements, their number and their types in the schema
//! of MeMo 1.2. That is a table of our own, because the schema is not ours to pass on; only Digital Post itself says whether it takes a
//! message, and its test environment is the place to try the first ones. `file_types` is what we take Digital Post to accept: the list
//! of Digitaliseringsstyrelsen (*Tilladte filtyper i Digital Post*) rules.
//!
//! What cannot be a letter (another type of file, more than `max_mb`, a part that is damaged or encrypted) is said by the command and decides
//! nothing; where only root can read the mail it is seen later, and the mail waits for another decision.
//!
//! # What is certain
//!
//! The file is on disk, name and all, before the held mail goes. It has its name when it is whole; one that begins with a dot is not.
//! Should the machine stop between the file and the register, the letter lies there and stays, or is made again under the same
//! `messageUUID` where it was taken meanwhile: twice rather than never, and who gets both can tell. It stays a near miss: no breach, no
//! 72 hours. The register says who released it, why, and that it went by Digital Post, and not to whom.
//!
//! **In the outbox the numbers can be read**, as MeMo has them, until the sending system takes the file. A folder that is open to
//! everybody is refused, and so is one that is not there: Brevdue makes none, so that a disk which is not mounted gets no letters. The
//! mail waits then, and it is tried again (`brevdue held show`).
