//! Which codes can answer which command after login.
//!
//! Replies are matched with commands by counting, so one reply too many puts each later one under the
//! wrong command. Where the code shows it, the client notices. The rule is generous: it refuses only
//! codes that mean one thing, and that thing is not what was asked. `transitions.md` has it as a
//! table, and a test holds the two together.

use crate::wire::{Code, Verb};

/// Whether a reply with this code can be one to this command.
pub(super) fn can_answer(verb: Verb, code: Code) -> bool {
    use Verb::*;
    if matches!(verb, Site | Adat | Mic | Conf | Enc | Unknown) {
        // What these lead to is the server's affair.
        return true;
    }
    match code.get() {
        // The greeting, and the consent to security: commands that have methods of their own.
        120 | 220 | 234 | 235 | 334 | 335 => false,
        221 => verb == Quit,
        230 | 232 | 331 | 336 => verb == Acct,
        211..=214 => informs(verb),
        215 => matches!(verb, Syst | Csid),
        225 | 226 => transfers(verb) || sums(verb) || matches!(verb, Abor | Mlst | Stat),
        227..=229 => opens_passively(verb),
        257 => {
            names_path(verb) || matches!(verb, Mkd | Xmkd | Cwd | Xcwd | Cdup | Xcup | Smnt | Stou)
        }
        350 => matches!(verb, Rnfr | Rest | Rang),
        // Nothing else has a data connection that could be closed.
        426 => transfers(verb) || verb == Abor,
        202 => true,
        // Without what was asked for in it, a consent is of no use.
        200..300 => !names_path(verb) && !opens_passively(verb),
        _ => true,
    }
}

const fn names_path(verb: Verb) -> bool {
    matches!(verb, Verb::Pwd | Verb::Xpwd)
}

const fn opens_passively(verb: Verb) -> bool {
    matches!(verb, Verb::Pasv | Verb::Epsv | Verb::Lpsv)
}

const fn transfers(verb: Verb) -> bool {
    use Verb::*;
    matches!(verb, Retr | Stor | Stou | Appe | List | Nlst | Mlsd | Thmb)
}

const fn sums(verb: Verb) -> bool {
    matches!(verb, Verb::Hash | Verb::Xcrc | Verb::Xmd5 | Verb::Xsha)
}

/// Whether a status of some kind can be the answer.
const fn informs(verb: Verb) -> bool {
    use Verb::*;
    sums(verb)
        || matches!(
            verb,
            Stat | Help
                | Syst
                | Feat
                | Opts
                | Lang
                | Clnt
                | Csid
                | Size
                | Mdtm
                | Mlst
                | Mlsd
                | List
                | Nlst
                | Thmb
                | Abor
                | Avbl
                | Dsiz
                | Mfmt
                | Mfct
                | Mff
                | Rang
        )
}
